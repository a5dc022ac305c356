// What the servers of the etcd benchmarks share: they take orders over HTTP on a port of their own, and
// observe themselves from within.

/** What a server can be told to do; the result is answered as JSON. */
export type Orders = Readonly<Record<string, (parameters: URLSearchParams) => unknown>>;

/** Serves the orders and prints the two ports: `Serving on PORT, orders on PORT`. */
export function takeOrders(port: number, orders: Orders): void {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: (address) => {
      const line = `Serving on ${port}, orders on ${address.port}\n`;
      Deno.stdout.writeSync(new TextEncoder().encode(line));
    },
  }, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    return Response.json(await orders[pathname.slice(1)]?.(searchParams) ?? null);
  });
}

/** Counts webhooks that come into service, and remembers when. */
export class Arrivals {
  count = 0;
  #times: number[] = [];

  notify(): void {
    this.count++;
    this.#times.push(performance.timeOrigin + performance.now());
  }

  /** When those since the last call came, in milliseconds since 1970 with fractions. */
  takeTimes(): number[] {
    const times = this.#times;
    this.#times = [];
    return times;
  }
}

/** The longest time that the event loop was held up, in milliseconds. */
export interface Block {
  readonly longestMs: number;
  /** The longest one without the time for which others had the processors, or had stopped the process. */
  readonly ownMs: number;
}

/** Watches the event loop with a timer that is due every millisecond. */
export class BlockRecorder {
  readonly #running = new RunningTime();
  #timer: ReturnType<typeof setInterval> | undefined;
  #longestMs = 0;
  #ownMs = 0;

  start(): void {
    this.stop();
    this.#longestMs = this.#ownMs = 0;
    let last = performance.now();
    let lastRun = this.#running.read();
    this.#timer = setInterval(() => {
      const now = performance.now();
      const run = this.#running.read();
      const blockedMs = now - last - 1;
      this.#longestMs = Math.max(this.#longestMs, blockedMs);
      this.#ownMs = Math.max(this.#ownMs, run - lastRun);
      last = now;
      lastRun = run;
    }, 1);
  }

  stop(): Block {
    clearInterval(this.#timer);
    return { longestMs: this.#longestMs, ownMs: this.#ownMs };
  }
}

/**
 * How long this thread has had a processor, as Linux counts it.
 *
 * @see https://docs.kernel.org/scheduler/sched-stats.html
 */
class RunningTime {
  readonly #file = Deno.openSync("/proc/thread-self/schedstat");
  readonly #buffer = new Uint8Array(128);
  readonly #decoder = new TextDecoder();

  /** In milliseconds. */
  read(): number {
    this.#file.seekSync(0, Deno.SeekMode.Start);
    const length = this.#file.readSync(this.#buffer) ?? 0;
    const [run] = this.#decoder.decode(this.#buffer.subarray(0, length)).split(" ");
    return Number(run) / 1_000_000;
  }
}
