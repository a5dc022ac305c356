// What the servers of the etcd benchmarks share: they take orders over HTTP on a port of their own, and
// observe themselves from within.
import process from "node:process";

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

/** How long the event loop was held up. */
export interface Block {
  /** The longest time. */
  readonly longestMs: number;
  /** How much processor time the process used in it: little, where others had the processors. */
  readonly cpuMs: number;
  /** The longest time for which the process itself was at work: what is left of it without the others. */
  readonly ownMs: number;
}

const NO_BLOCK: Block = { longestMs: 0, cpuMs: 0, ownMs: 0 };

/** Watches the event loop with a timer that is due every millisecond. */
export class BlockRecorder {
  #timer: ReturnType<typeof setInterval> | undefined;
  #longest = NO_BLOCK;

  start(): void {
    this.stop();
    this.#longest = NO_BLOCK;
    let last = performance.now();
    let lastCpu = process.cpuUsage();
    this.#timer = setInterval(() => {
      const now = performance.now();
      const cpu = process.cpuUsage();
      const longestMs = now - last - 1;
      const cpuMs = (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1000;
      const ownMs = Math.max(this.#longest.ownMs, Math.min(longestMs, cpuMs));
      this.#longest = longestMs > this.#longest.longestMs
        ? { longestMs, cpuMs, ownMs }
        : { ...this.#longest, ownMs };
      last = now;
      lastCpu = cpu;
    }, 1);
  }

  stop(): Block {
    clearInterval(this.#timer);
    return this.#longest;
  }
}
