/**
 * Several ways to the same thing, of which the first that works out is taken.
 *
 * @module
 */

/** One way to get there. */
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
 * `patienceMs` have passed without an answer. Once one has worked out, the signal of the others aborts, and
 * what they bring all the same is disposed of.
 *
 * @param patienceMs in milliseconds
 */
export async function firstAnswer<Result extends AsyncDisposable>(
  ways: readonly Way<Result>[],
  patienceMs: number,
  signal: AbortSignal,
): Promise<FirstAnswer<Result>> {
  const failures = new Map<number, unknown>();
  const decided = Promise.withResolvers<void>();
  const losers = new AbortController();
  const until = AbortSignal.any([signal, losers.signal]);
  let winner: FirstAnswer<Result>["winner"];
  const follow = async (way: Way<Result>, index: number): Promise<void> => {
    try {
      const result = await way(until);
      if (winner !== undefined) return await result[Symbol.asyncDispose]();
      winner = { index, result };
      decided.resolve();
    } catch (error) {
      // One that was called off has not failed.
      if (!until.aborted) failures.set(index, error);
    }
  };
  const tries: Promise<void>[] = [];
  for (const [index, way] of ways.entries()) {
    if (winner !== undefined || signal.aborted) break;
    const ended = follow(way, index);
    tries.push(ended);
    await within(patienceMs, [decided.promise, ended]);
  }
  await Promise.race([decided.promise, Promise.all(tries)]);
  losers.abort();
  return { winner, failures, settled: Promise.all(tries) };
}

/** Resolves when one of the promises does, or after so many milliseconds. */
async function within(milliseconds: number, promises: readonly Promise<void>[]): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  try {
    await Promise.race([...promises, over]);
  } finally {
    clearTimeout(timer);
  }
}
