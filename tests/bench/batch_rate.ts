/**
 * How fast batches are handed over, to an output or to a bare client.
 *
 * @module
 */

/** What is handed over. */
export interface BatchLoad {
  /** A multiple of `batch`. */
  readonly events: number;
  /** Events in a batch. */
  readonly batch: number;
  /** Batches that are under way at once. */
  readonly atOnce: number;
}

/**
 * Events a second, without the first tenth, which warms up.
 *
 * @param send hands over the batch of events from `start` on, and resolves when they have arrived
 */
export async function batchRate(
  { events, batch, atOnce }: BatchLoad,
  send: (start: number) => Promise<void>,
): Promise<number> {
  let next = 0;
  const run = async (until: number) => {
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (next < until) {
        const start = next;
        next += batch;
        await send(start);
      }
    }));
  };
  await run(events / 10);
  const warm = next;
  const startedAt = performance.now();
  await run(events);
  return (next - warm) / (performance.now() - startedAt) * 1000;
}
