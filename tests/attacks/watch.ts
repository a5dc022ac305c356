/** What an attack does to a process, seen from outside it and from another thread than the attack's own. */

/** What was seen so far. */
export interface Observation {
  /** Resident memory at the beginning, in bytes. */
  readonly firstBytes: number;
  /** The most resident memory of all samples, one every 50 ms. */
  readonly peakBytes: number;
  /** The longest that `/livez`, asked over a connection of its own each time, took to answer 200, in ms. */
  readonly longestSilenceMs: number;
  /**
   * The most that the process computed meanwhile, in ms: what is left of a silence without the time that others had the
   * processors for. An answer takes three turns: for the connection, for the request and for what is written.
   */
  readonly longestBusyMs: number;
  /** How often it answered. */
  readonly answers: number;
  /** Times that it answered something else or could not be reached. */
  readonly refusals: number;
}

/**
 * Samples the memory of a process and asks it for a sign of life until disposal.
 *
 *     await using watch = await Watch.begin(gateway);
 *     // attack it
 *     const { peakBytes } = await watch.observe();
 */
export class Watch implements AsyncDisposable {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Begins, and returns once the first sign of life was seen. */
  static async begin({ pid, port }: { readonly pid: number; readonly port: number }): Promise<Watch> {
    const worker = new Worker(new URL("./watch_worker.ts", import.meta.url), { type: "module" });
    const watch = new Watch(worker);
    const begun = watch.#next();
    worker.postMessage({ pid, port });
    await begun;
    return watch;
  }

  /** What was seen from the beginning to now; a sign of life that is awaited counts as long as it has taken. */
  async observe(): Promise<Observation> {
    const answer = this.#next();
    this.#worker.postMessage("observe");
    return await answer as Observation;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#worker.terminate();
    return Promise.resolve();
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  }
}

/** Resident memory of a process, in bytes; 0 when it has ended. */
export function residentBytes(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** How long the main thread of a process has had a processor, in milliseconds; 0 when it has ended. */
export function processorMs(pid: number): number {
  try {
    // https://docs.kernel.org/scheduler/sched-stats.html
    const [nanoseconds] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ");
    return Number(nanoseconds) / 1_000_000;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
