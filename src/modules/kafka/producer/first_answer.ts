/**
 * Asks several for the same thing without waiting long for one that is silent.
 *
 * @module
 */

/** One way to get an answer. It ends soon when its signal aborts. */
export type Source<Answer> = (signal: AbortSignal) => Promise<Answer>;

/**
 * Resolves with the first answer. The next source is asked when one has failed, and beside one that has not
 * answered in time. When an answer is there, the signals of all others abort.
 *
 * @param sources in the order in which they are asked; at least one
 * @param besideMs how long a source is waited for before the next one is asked as well, in milliseconds
 * @throws whatever the source threw that was asked first, when all have failed
 */
export async function firstAnswer<Answer>(
  sources: readonly Source<Answer>[],
  besideMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const failures: { readonly place: number; readonly error: unknown }[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const others = new AbortController();
  const abortOthers = () => others.abort();
  if (signal.aborted) abortOthers();
  signal.addEventListener("abort", abortOthers, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let next = 0;
  const askNext = () => {
    clearTimeout(timer);
    const place = next++;
    const source = sources[place];
    if (source === undefined) return;
    timer = setTimeout(askNext, besideMs);
    source(others.signal).then(resolve, (error) => {
      failures.push({ place, error });
      if (failures.length === sources.length) {
        reject(failures.toSorted((a, b) => a.place - b.place)[0]!.error);
      } else askNext();
    });
  };
  askNext();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    next = sources.length;
    signal.removeEventListener("abort", abortOthers);
    others.abort();
  }
}
