/**
 * The clock at which cases are judged.
 *
 * @module
 */

/**
 * Stops the clock of this process at a time, until it is disposed of, so that what is made of the time is known before.
 * Pauses and time-outs are measured by another clock.
 *
 * @param now in milliseconds since 1970; left out, the clock stays as it is
 */
export function clockStoppedAt(now: number | undefined): Disposable {
  const former = Date.now;
  if (now !== undefined) Date.now = () => now;
  return { [Symbol.dispose]: () => void (Date.now = former) };
}
