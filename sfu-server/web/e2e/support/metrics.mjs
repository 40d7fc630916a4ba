// The server's counters, as a scraper reads them.

/**
 * The sum of a counter's samples that carry all of `labels`; 0 while there is none.
 *
 * @param {import('./server.mjs').Server} server
 * @param {string} name                          with its `_total`
 * @param {Record<string, string>} [labels]
 */
export async function counter(server, name, labels = {}) {
  const answer = await fetch(`http://${server.metrics}/metrics`);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let sum = 0;
  for (const line of (await answer.text()).split('\n')) {
    const end = line.lastIndexOf(' ');
    const [series = '', of = ''] = line.slice(0, end).split('{');
    if (series === name && wanted.every((label) => of.includes(label))) {
      sum += Number(line.slice(end + 1));
    }
  }
  return sum;
}

/**
 * Datagrams and packets that the server gave up for `reason`.
 *
 * @param {import('./server.mjs').Server} server
 * @param {string} reason
 */
export function dropped(server, reason) {
  return counter(server, 'sfu_dropped_packets_total', { reason });
}
