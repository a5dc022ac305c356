import { abortable } from "./abortable.ts";

/**
 * Waits for work to end, but no longer than some milliseconds: then the work goes on, and its result is ignored.
 *
 * @param signal ends the wait as well
 * @returns whether the work ended in time
 * @throws whatever the work throws in time, or the signal's reason
 */
export async function within(
  milliseconds: number,
  work: PromiseLike<unknown>,
  signal?: AbortSignal,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, milliseconds, false);
  const race = Promise.race([work.then(() => true), late]);
  try {
    return await (signal === undefined ? race : abortable(race, signal));
  } finally {
    clearTimeout(timer);
  }
}
