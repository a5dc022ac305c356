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

/** The longest time that the event loop was held up. */
export interface Block {
  readonly longestMs: number;
  /** How much processor time the process used meanwhile: little, where others had the processors. */
  readonly cpuMs: number;
}

/** Watches the event loop with a timer that is due every millisecond. */
export class BlockRecorder {
  #timer: ReturnType<typeof setInterval> | undefined;
  #longest: Block = { longestMs: 0, cpuMs: 0 };

  start(): void {
    this.stop();
    this.#longest = { longestMs: 0, cpuMs: 0 };
    let last = performance.now();
    let lastCpu = process.cpuUsage();
    this.#timer = setInterval(() => {
      const now = performance.now();
      const cpu = process.cpuUsage();
      const longestMs = now - last - 1;
      if (longestMs > this.#longest.longestMs) {
        const cpuMs = (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1000;
        this.#longest = { longestMs, cpuMs };
      }
      last = now;
      lastCpu = cpu;
    }, 1);
  }

  stop(): Block {
    clearInterval(this.#timer);
    return this.#longest;
  }
}
