// Two people in a call who must feel nothing of what happens beside them.
import assert from 'node:assert/strict';
import { CallPage } from './call_page.mjs';

export class HealthyCall {
  /** @param {CallPage} first @param {CallPage} second @param {[string, string]} identities */
  constructor(first, second, identities) {
    this.first = first;
    this.second = second;
    this.identities = identities;
  }

  /**
   * Opens both pages and waits until each sees and hears the other.
   *
   * @param {import('playwright-core').Browser} browser
   * @param {string} origin
   * @param {string} room
   */
  static async open(browser, origin, room) {
    const [first, second] = await Promise.all([
      CallPage.open(browser, origin, { room, name: 'Hana' }),
      CallPage.open(browser, origin, { room, name: 'Hugo' }),
    ]);
    await Promise.all([first.joined(), second.joined()]);
    const identities = await Promise.all([first.identity(), second.identity()]);
    const call = new HealthyCall(first, second, identities);
    await call.goesOn();
    return call;
  }

  /** Both decode and hear more of each other, on the connections they began with. */
  async goesOn() {
    const [first, second] = this.identities;
    await Promise.all([this.first.receivesFrom([second]), this.second.receivesFrom([first])]);
    for (const page of [this.first, this.second]) {
      assert.deepEqual(await page.history(), ['connecting', 'connected']);
      assert.equal(page.closedSockets, 0);
    }
  }
}
