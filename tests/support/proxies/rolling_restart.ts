/** Two gateways behind a proxy, restarted one after the other while senders go on. */

import { GatewayProcess } from "../process/gateway_process.ts";
import { TempDir } from "../temp_dir.ts";
import { type ProxyProgram, ReverseProxy } from "./reverse_proxy.ts";

/** What became of the events that were sent. */
export interface RestartOutcome {
  /** Events that were answered 200. */
  readonly answered: number;
  /** What senders got instead: a status, or what broke. */
  readonly refused: readonly string[];
  /** Numbers of events that were answered 200 and never printed. */
  readonly missing: readonly number[];
  /** Numbers of events that were printed more than once. */
  readonly repeated: readonly number[];
  /** Exit statuses of the gateways that were stopped. */
  readonly statuses: readonly number[];
  /** Connections to gateways that the proxy says were reset or closed without an answer. */
  readonly resets: number;
  /** How long both restarts took. */
  readonly seconds: number;
}

/** What is measured how. */
export interface RestartOptions {
  /** @default 4 */
  readonly senders?: number;
  /** More of the gateways' settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** The root of the gateways' sources. @default this repository */
  readonly repository?: string;
  /** Changes the proxy's configuration. */
  readonly configure?: (text: string) => string;
}

/**
 * Stops each of two gateways by SIGTERM, waits for its end, and starts it again, while senders send one event
 * after the other.
 *
 * @param graceMs the gateways' `SHUTDOWN_GRACE_MS`; left out, it is their default
 */
export async function restartUnderLoad(
  program: ProxyProgram,
  graceMs: number | undefined,
  { senders = 4, env = {}, repository, configure }: RestartOptions = {},
): Promise<RestartOutcome> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await TempDir.create());
  await directory.writeJson("webhooks.json", { orders: { module: "log" } });
  const start = async (name: string, port = 0) => {
    const gateway = stack.use(
      await GatewayProcess.start({
        cwd: directory.path,
        env: {
          DATA_DIR: directory.file(name),
          PORT: String(port),
          ...(graceMs === undefined ? {} : { SHUTDOWN_GRACE_MS: String(graceMs) }),
          ...env,
        },
        ...(repository === undefined ? {} : { repository }),
      }),
    );
    await gateway.waitUntilReady();
    return gateway;
  };
  const first = await Promise.all([start("one"), start("other")]);
  const proxy = stack.use(
    await ReverseProxy.start(program, [first[0].port, first[1].port], configure),
  );
  const load = new Load(`${proxy.url}/webhook/orders`, senders);
  const all: GatewayProcess[] = [...first];
  const startedAt = performance.now();
  const statuses: number[] = [];
  for (const [index, gateway] of first.entries()) {
    await load.answers(50);
    gateway.kill("SIGTERM");
    statuses.push((await gateway.exited).code);
    all.push(await start(index === 0 ? "one" : "other", gateway.port));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await load.answers(50);
  await load.stop();
  for (const gateway of all.slice(2)) gateway.kill("SIGINT");
  await Promise.all(all.map(({ exited }) => exited));
  const resets = proxy.process.lines.filter(({ text }) => CUT_OFF.test(text)).length;
  return { ...load.compare(all), statuses, resets, seconds };
}

/** What nginx logs of a connection to a gateway that ended without an answer. */
const CUT_OFF = /reset by peer|prematurely closed connection/;

/** Senders that each send one event after the other. */
class Load {
  readonly #url: string;
  readonly #answered: number[] = [];
  readonly #refused: string[] = [];
  readonly #running: Promise<unknown>;
  readonly #waiting = new Set<() => void>();
  #sent = 0;
  #stopped = false;

  constructor(url: string, senders: number) {
    this.#url = url;
    this.#running = Promise.all(Array.from({ length: senders }, () => this.#send()));
  }

  /** Waits for so many more answers, of whatever kind. */
  async answers(count: number): Promise<void> {
    const total = this.#answered.length + this.#refused.length + count;
    while (this.#answered.length + this.#refused.length < total) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** What the gateways have printed, beside what senders were answered. */
  compare(
    gateways: readonly GatewayProcess[],
  ): Pick<RestartOutcome, "answered" | "refused" | "missing" | "repeated"> {
    const printed = new Map<number, number>();
    for (const { stream, text } of gateways.flatMap(({ lines }) => lines)) {
      if (stream !== "stdout") continue;
      const { n } = (JSON.parse(text) as { readonly payload: { readonly n: number } }).payload;
      printed.set(n, (printed.get(n) ?? 0) + 1);
    }
    return {
      answered: this.#answered.length,
      refused: this.#refused,
      missing: this.#answered.filter((n) => !printed.has(n)),
      repeated: [...printed].filter(([, count]) => count > 1).map(([n]) => n),
    };
  }

  async #send(): Promise<void> {
    while (!this.#stopped) {
      const n = this.#sent++;
      try {
        const answer = await fetch(this.#url, { method: "POST", body: `{"n":${n}}` });
        await answer.body?.cancel();
        if (answer.status === 200) this.#answered.push(n);
        else this.#refused.push(String(answer.status));
      } catch (error) {
        this.#refused.push(String(error));
      }
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
      // A few thousand events a second say no more than a few hundred, and would keep both cores busy.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
