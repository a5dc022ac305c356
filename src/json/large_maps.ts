/**
 * Objects with so many members that a list of their names takes the thread for too long: the engine makes it at once,
 * for a million of them in half a second, and cannot say before how many there are. Whoever makes such an object of a
 * large text in pieces says so here.
 *
 * @module
 */

/** From so many members on an object is large: their names are listed in some 2 ms. */
export const LARGE_MAP = 20_000;

const largeMaps = new WeakSet<object>();

/** Remembers that an object has at least {@linkcode LARGE_MAP} members, as long as there is one. */
export function markLargeMap(map: object): void {
  largeMaps.add(map);
}

/** Whether an object was said to be large. */
export function isLargeMap(map: object): boolean {
  return largeMaps.has(map);
}
