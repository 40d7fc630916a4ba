import type { Participant } from 'livekit-client';
import { Grid } from './grid';
import { Screen, sharedPicture } from './screen';
import { Tile } from './tile';

/** The tiles of everybody in the room, and the screens that they share. */
export class People {
  private readonly area: HTMLElement;
  private readonly grid: Grid;
  private readonly stage: Grid;
  private readonly tiles = new Map<string, Tile>();
  private readonly screens = new Map<string, Screen>();

  /** `area` holds the two places: `grid` for people, `stage` for the screens of others. */
  constructor(area: HTMLElement, grid: HTMLElement, stage: HTMLElement) {
    this.area = area;
    this.grid = new Grid(grid);
    this.stage = new Grid(stage);
  }

  /** Brings the participant's tile and screen to their present state. */
  show(participant: Participant): void {
    this.tileOf(participant).update();
    this.showScreen(participant);
  }

  /** Removes the tiles of everybody whose identity is not among `present`. */
  keepOnly(present: Set<string>): void {
    for (const identity of [...this.tiles.keys()]) {
      if (!present.has(identity)) {
        this.remove(identity);
      }
    }
  }

  setSpeaking(speaking: Set<string>): void {
    for (const [identity, tile] of this.tiles) {
      tile.setSpeaking(speaking.has(identity));
    }
  }

  /** Holds everybody's picture until a new one comes. */
  freeze(): void {
    for (const tile of this.tiles.values()) {
      tile.freeze();
    }
  }

  private tileOf(participant: Participant): Tile {
    const present = this.tiles.get(participant.identity);
    if (present?.isOf(participant) === true) {
      return present;
    }
    // The same person in a new session, after a reconnection, is another participant.
    this.remove(participant.identity);
    const tile = new Tile(participant, present);
    this.tiles.set(participant.identity, tile);
    this.grid.add(tile.element, participant.isLocal);
    return tile;
  }

  private showScreen(participant: Participant): void {
    const present = this.screens.get(participant.identity);
    if (sharedPicture(participant) === undefined) {
      this.removeScreen(participant.identity);
    } else if (present?.isOf(participant) === true) {
      present.update();
    } else {
      this.removeScreen(participant.identity);
      const screen = new Screen(participant);
      this.screens.set(participant.identity, screen);
      // One's own screen is no news: it stays small.
      (participant.isLocal ? this.grid : this.stage).add(screen.element, false);
      this.arrange();
    }
  }

  private remove(identity: string): void {
    this.removeScreen(identity);
    const tile = this.tiles.get(identity);
    if (tile !== undefined) {
      tile.detach();
      this.grid.remove(tile.element);
      this.tiles.delete(identity);
    }
  }

  private removeScreen(identity: string): void {
    const screen = this.screens.get(identity);
    if (screen !== undefined) {
      screen.detach();
      this.grid.remove(screen.element);
      this.stage.remove(screen.element);
      this.screens.delete(identity);
      this.arrange();
    }
  }

  private arrange(): void {
    this.area.classList.toggle('presenting', !this.stage.isEmpty());
  }
}
