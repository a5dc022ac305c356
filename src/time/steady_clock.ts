/** What the wall clock said at the monotonic clock's zero, when this process started; in milliseconds. */
const START_MS = Date.now() - performance.now();

/**
 * The time in milliseconds since 1970, as if nobody had set the clock since this process started: for times that
 * are waited for. The host's clock may be set forward or back by a day; pauses and leases stay as long as they are.
 */
export function steadyNow(): number {
  return START_MS + performance.now();
}
