/**
 * Several ways to the same thing, of which the first that works out is taken.
 *
 * @module
 */

/** One way to get there. It ends soon when its signal aborts. */
export type Way<Result> = (signal: AbortSignal) => Promise<Result>;

/** What came of trying some ways. */
export interface FirstAnswer<Result> {
  /** The first result, and the index of its way; `undefined` when there is none. */
  readonly winner: { readonly index: number; readonly result: Result } | undefined;
  /** What the ways that failed by themselves threw, by their indexes. */
  readonly failures: ReadonlyMap<number, unknown>;
  /** Resolves when the ways that were called off have ended. Never rejects. */
  readonly settled: Promise<unknown>;
}

/**
 * Tries one way after the other. The next one is begun as soon as one has failed, or beside the others when
 * `patienceMs` have passed without an answer. Once one has worked out, or the signal aborts, the signal of the others
 * aborts and no more are begun. Never rejects.
 *
 * @param patienceMs in milliseconds
 * @param discard releases what a way brings after another one has been taken
 */
export async function firstAnswer<Result>(
  ways: readonly Way<Result>[],
  patienceMs: number,
  signal: AbortSignal,
  discard: (late: Result) => PromiseLike<void>,
): Promise<FirstAnswer<Result>> {
  const failures = new Map<number, unknown>();
  const decided = Promise.withResolvers<void>();
  const losers = new AbortController();
  const until = AbortSignal.any([signal, losers.signal]);
  let winner: FirstAnswer<Result>["winner"];
  const tries: Promise<void>[] = [];
  let begun = 0;
  let failed = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const beginNext = (): void => {
    clearTimeout(timer);
    const index = begun;
    const way = ways[index];
    if (way === undefined || winner !== undefined || until.aborted) return;
    begun++;
    timer = setTimeout(beginNext, patienceMs);
    tries.push(follow(way, index));
  };
  const follow = async (way: Way<Result>, index: number): Promise<void> => {
    try {
      const result = await way(until);
      if (winner !== undefined) return await discard(result);
      winner = { index, result };
      decided.resolve();
    } catch (error) {
      // One that was called off has not failed.
      if (!until.aborted) failures.set(index, error);
      failed++;
      beginNext();
      if (failed === begun) decided.resolve();
    }
  };

  beginNext();
  if (begun > 0) await decided.promise;
  clearTimeout(timer);
  losers.abort();
  return { winner, failures, settled: Promise.all(tries) };
}
