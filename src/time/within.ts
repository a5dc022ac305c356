/** Waits for work to end, but no longer than some milliseconds: then the work goes on, and its end is ignored. */
export async function within(milliseconds: number, work: PromiseLike<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
