// What the browser remembers for the page. It may refuse storage altogether, by throwing already
// where the storage is named; the page then works without remembering.

/** What was kept under `key`, or `null`. */
export function recall(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

/** Keeps `value` under `key`, where the browser allows it. */
export function keep(storage: () => Storage, key: string, value: string): void {
  try {
    storage().setItem(key, value);
  } catch {
    // Nothing is lost but the convenience.
  }
}
