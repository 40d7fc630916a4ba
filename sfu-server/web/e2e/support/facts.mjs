// What a client tells of what reached it, in the same words whatever it runs in.

/** @typedef {[number, number, number]} Colour   red, green, blue; 0 to 255 */

/**
 * @typedef {{ sender: string, topic: string, size: number, digest: string, reliable: boolean }} Data
 * @typedef {{ sender: string, topic: string, text: string }} Text
 */

/** Red, green, blue and yellow: the quarters of a picture, row by row. @type {Colour[]} */
export const COLOURS = [
  [220, 30, 30],
  [30, 200, 30],
  [30, 30, 220],
  [220, 220, 30],
];

/** How far an encoder may shift a channel of a flat colour. */
const SHIFT = 40;

/** Whether a picture shows what was published. @param {number[][] | undefined} seen @param {Colour[]} published */
export function shows(seen, published) {
  return (
    seen?.length === published.length &&
    published.every((colour, quarter) =>
      colour.every((value, channel) => Math.abs(value - (seen[quarter]?.[channel] ?? -SHIFT)) < SHIFT),
    )
  );
}

/** How far a spectrum may be off, in hertz. */
const DETUNED = 15;

/**
 * Whether what is heard is that tone and little else.
 *
 * @param {{ hertz: number, share: number } | undefined} heard @param {number} hertz
 */
export function sounds(heard, hertz) {
  return heard !== undefined && Math.abs(heard.hertz - hertz) <= DETUNED && heard.share > 0.8;
}
