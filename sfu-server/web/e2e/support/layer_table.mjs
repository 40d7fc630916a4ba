// The figures of measured videos, as a table that people can read.

/** @typedef {import('./layer_run.mjs').Outcome} Outcome */

const COLUMNS = /** @type {[string, (outcome: Outcome, link: string) => string | number][]} */ ([
  ['codec', ({ mimeType }) => mimeType.replace('video/', '')],
  ['link', (_, link) => link],
  ['layers', ({ plan }) => (plan.switching ? 'switched' : 'one')],
  ['way', ({ plan }) => plan.way],
  ['s', ({ plan }) => plan.seconds],
  ['sent', ({ pictures }) => pictures],
  ['decoded', ({ decoded }) => decoded],
  ['%', (outcome) => (100 * share(outcome)).toFixed(2)],
  ['freezes', ({ freezes }) => freezes],
  ['ms', ({ freezeMs }) => freezeMs],
  ['PLI', ({ keyframeRequests }) => keyframeRequests],
  ['keys', ({ keyFrames }) => keyFrames],
  ['dropped', ({ dropped }) => dropped],
  ['packets', ({ packets }) => packets],
  ['lost', ({ lost }) => lost],
  ['RTX', ({ repaired }) => repaired],
  ['switches', ({ switches }) => (switches.asked > 0 ? `${switches.seen}/${switches.asked}` : '')],
  ['after ms', ({ switches }) => (switches.asked > 0 ? `${switches.medianMs}..${switches.longestMs}` : '')],
  ['widths', ({ widths }) => widths.join(' ')],
  ['encodings', ({ sent }) => sent.join(', ')],
  ['load', ({ load }) => load.toFixed(1)],
]);

/** The part of what was sent that was decoded. @param {Outcome} outcome */
export function share({ decoded, pictures }) {
  return pictures > 0 ? decoded / pictures : 0;
}

/** @param {{ link: string, outcome: Outcome }[]} rows */
export function table(rows) {
  const cells = [
    COLUMNS.map(([name]) => name),
    ...rows.map(({ link, outcome }) => COLUMNS.map(([, read]) => String(read(outcome, link)))),
  ];
  const widths = COLUMNS.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return cells
    .map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ').trimEnd())
    .join('\n');
}
