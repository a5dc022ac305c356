/**
 * Waits that an `AbortSignal` ends. Nothing is kept of them afterwards: a signal that somebody listens to is kept, with
 * all that the listener refers to.
 *
 * @module
 */

/**
 * Settles like the work, or rejects with the signal's reason as soon as it aborts; the work goes on, and its result
 * is ignored.
 *
 * @throws whatever the work throws, or the signal's reason
 */
export async function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Waits for work to end, or for the signal to abort.
 *
 * @returns whether the work ended first
 * @throws whatever the work throws
 */
export async function endsBefore(signal: AbortSignal, work: Promise<unknown>): Promise<boolean> {
  const { promise: aborted, resolve } = Promise.withResolvers<boolean>();
  const onAbort = () => resolve(false);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([aborted, work.then(() => true)]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Resolves after some milliseconds, or as soon as the signal aborts, which whoever waits has to look at. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await endsBefore(signal, promise);
  clearTimeout(timer);
}
