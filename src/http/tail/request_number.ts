/**
 * The order of requests that are kept in memory, whatever became of them: lists of several kinds are put together by it.
 *
 * @module
 */

let last = 0;

/** The number of the next request, from 1. */
export function nextRequestNumber(): number {
  return ++last;
}

/** The number that was given last; 0 before the first. */
export function lastRequestNumber(): number {
  return last;
}
