import type { Track } from 'livekit-client';

/** A track that plays in an element of the page. */
export type Attached = { track: Track; element: HTMLMediaElement } | undefined;

/** Lets `track` play instead of the `former` one; `place` puts the new element into the page. */
export function exchange(
  former: Attached,
  track: Track | undefined,
  place: (element: HTMLMediaElement) => void,
): Attached {
  if (former !== undefined && former.track === track) {
    return former;
  }
  if (former !== undefined) {
    former.track.detach(former.element);
    former.element.remove();
  }
  if (track === undefined) {
    return undefined;
  }
  const element = track.attach();
  place(element);
  return { track, element };
}
