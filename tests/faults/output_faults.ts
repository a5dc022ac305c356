/**
 * The servers behind outputs, frozen, killed and cut off under load, with the defaults of their modules: whether
 * everything that was accepted is there afterwards, why something is there several times, and what the webhooks beside
 * them felt of it.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { serversOf } from "../bench/hung.ts";
import { type Arrivals, arrivalsOf, EventSender } from "../bench/hung_load.ts";
import type { HungServer, StartServer } from "../bench/hung_servers.ts";
import { type Answers, probe } from "../bench/probe.ts";
import { failedAttempts, failedSince } from "../support/failed_attempts.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Events a second for each of the two webhooks of a server. */
const RATE = 100;

const WARM_UP_SECONDS = 3;
/** Before a fault, twice: a machine on which the two differ by more than a fault may do is too busy to judge by time. */
const QUIET_SECONDS = 5;

/** The events go on for so long after a server answers again. */
const AFTER_SECONDS = 3;

/** No fault lasts that long. */
const LONGEST_SECONDS = 600;

/** How often a server is killed, how long it is away then, and how long it may go on before the next time. */
const KILLS = { times: 3, awaySeconds: 2, seconds: 5 };

/** How often connections are cut, and the time from one to the next. */
const CUTS = { times: 20, seconds: 0.5 };

/** The most that another webhook's 99th percentile may grow by. */
const MAX_RATIO = 2;

/** Growth below this is none, in milliseconds: it is less than what the machine itself does to a request. */
const UNNOTICED_MS = 5;

const ACCEPTS = ["durable", "delivered"] as const;

type Accept = (typeof ACCEPTS)[number];

const BODY = '{"number":1}';

/** What happens to a server under load. */
interface Fault {
  /** Completes the sentence "its server …". */
  readonly name: string;
  /** Whether it happens to a proxy between the gateway and the server. @default false */
  readonly isProxied?: boolean;
  run(world: FaultedOutput): Promise<void>;
}

/** The result of one fault, for people. */
export interface OutputFaultResult {
  readonly lines: readonly string[];
  /** Whether nothing is missing, nothing came again without a reason, and other webhooks kept their pace. */
  readonly isKept: boolean;
}

/** @param seconds how long a server stands still */
function faultsFor(seconds: number): readonly Fault[] {
  return [{
    name: `stood still for ${seconds} s`,
    run: async ({ server }) => {
      await server.freeze();
      await sleep(seconds * 1000);
      await server.thaw();
    },
  }, {
    name: `was killed ${KILLS.times} times, and away for ${KILLS.awaySeconds} s each`,
    run: async ({ server }) => {
      for (let time = 0; time < KILLS.times; time++) {
        await server.kill();
        await sleep(KILLS.awaySeconds * 1000);
        await server.restart();
        await sleep(KILLS.seconds * 1000);
      }
    },
  }, {
    name: `lost its connections ${CUTS.times} times`,
    isProxied: true,
    run: async ({ server, proxy }) => {
      for (let time = 0; time < CUTS.times; time++) {
        if (server.cut === undefined) proxy.cut();
        else await server.cut();
        await sleep(CUTS.seconds * 1000);
      }
    },
  }];
}

/**
 * Has each fault happen to each server, with both ways in which events are accepted at once.
 *
 * @param named outputs. @default all
 * @param seconds how long servers stand still
 * @throws {TypeError} for an output that has no server here
 */
export async function* runOutputFaults(
  named: readonly string[],
  seconds: number,
): AsyncGenerator<OutputFaultResult> {
  for (const [name, start] of serversOf(named)) {
    try {
      await using world = await FaultedOutput.start(start);
      for (const fault of faultsFor(seconds)) yield await world.meet(name, fault);
    } catch (error) {
      yield { lines: [`${name} FAILED: ${Deno.inspect(error)}`], isKept: false };
    }
  }
}

/** A server, and a gateway that sends to it. */
class FaultedOutput implements AsyncDisposable {
  private constructor(
    readonly server: HungServer,
    readonly proxy: TcpProxy,
    readonly gateway: GatewayProcess,
    private readonly resources: AsyncDisposableStack,
  ) {}

  static async start(start: StartServer): Promise<FaultedOutput> {
    await using undo = new AsyncDisposableStack();
    const server = undo.use(await start({ persistent: true }));
    const proxy = undo.use(TcpProxy.start({ port: server.port }));
    const directory = undo.use(await TempDir.create());
    const webhooks: Record<string, unknown> = { printed: { module: "log" } };
    const connections: Record<string, unknown> = {};
    for (const [way, { port }] of Object.entries({ direct: server, proxied: proxy })) {
      const { webhook, connection } = server.reachedAt(port);
      if (connection !== undefined) connections[way] = connection;
      const named = connection === undefined ? webhook : { ...webhook, connection: way };
      for (const accept of ACCEPTS) webhooks[`${accept}-${way}`] = { ...named, accept };
    }
    await directory.writeJson("webhooks.json", webhooks);
    await directory.writeJson("connections.json", connections);
    const gateway = undo.use(await GatewayProcess.start({ cwd: directory.path }));
    await gateway.waitUntilReady();
    return new FaultedOutput(server, proxy, gateway, undo.move());
  }

  async meet(name: string, fault: Fault): Promise<OutputFaultResult> {
    const way = fault.isProxied === true ? "proxied" : "direct";
    const before = await failedAttempts(this.gateway.url);
    using stack = new DisposableStack();
    const senders = ACCEPTS.map((accept) => stack.use(this.#sender(accept, way)));
    await this.#others(WARM_UP_SECONDS);
    const quiet = [await this.#others(QUIET_SECONDS), await this.#others(QUIET_SECONDS)];
    const over = new AbortController();
    let refused = 0;
    const others = this.#others(LONGEST_SECONDS, () => refused++, over.signal);
    await fault.run(this);
    over.abort();
    const felt = await others;
    await sleep(AFTER_SECONDS * 1000);
    for (const sender of senders) sender.stop();
    const lines = [`${name}: its server ${fault.name}`];
    let isKept = true;
    for (const [index, accept] of ACCEPTS.entries()) {
      const accepted = await senders[index]!.accepted;
      const arrivals = await arrivalsOf(accepted, this.server);
      const failed = failedSince(before[accept], (await failedAttempts(this.gateway.url))[accept]);
      const verdict = judge(arrivals, failed.count, this.server.repeats);
      isKept &&= verdict === undefined;
      const more = arrivals.repeated > failed.count ? this.server.repeats : undefined;
      lines.push(
        `  ${accept.padEnd(10)} accepted ${accepted.length}, missing ${arrivals.missing}, there again ` +
          `${arrivals.repeated}; attempts that failed: ${failed.text}${
            more === undefined ? "" : `; ${more}`
          }${verdict ?? ""}`,
      );
    }
    const pace = judgePace(felt, quiet);
    lines.push(`  ${pace.text}${refused === 0 ? "" : `; BROKEN, ${refused} of its requests were refused`}`);
    return { lines, isKept: isKept && pace.isKept && refused === 0 };
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.resources.disposeAsync();
  }

  #sender(accept: Accept, way: string): EventSender {
    const url = `${this.gateway.url}/webhook/${accept}-${way}`;
    return new EventSender({ url, rate: RATE, seconds: LONGEST_SECONDS });
  }

  /** Posts to another webhook. @param onRefused called for each answer that is not 200. @default that is an error */
  #others(seconds: number, onRefused?: () => void, end?: AbortSignal): Promise<Answers> {
    return probe(`${this.gateway.url}/webhook/printed`, BODY, seconds, onRefused, end);
  }
}

/**
 * What is wrong with what is in the server.
 *
 * @param failed attempts that failed; for each of them one event may be there again
 * @param reason why more may be
 */
function judge({ missing, repeated }: Arrivals, failed: number, reason?: string): string | undefined {
  if (missing > 0) return ": BROKEN, something is missing";
  if (repeated <= failed || reason !== undefined) return undefined;
  return ": BROKEN, something is there again without a reason";
}

/** What another webhook felt of a fault, beside what it felt twice before. */
function judgePace(
  felt: Answers,
  quiet: readonly Answers[],
): { readonly text: string; readonly isKept: boolean } {
  const before = quiet.map(({ p99Ms }) => p99Ms);
  const most = Math.max(...before);
  const text = `another webhook's p99 was ${felt.p99Ms.toFixed(1)} ms, and ` +
    `${before.map((ms) => ms.toFixed(1)).join(" and ")} ms before`;
  if (felt.p99Ms <= Math.max(MAX_RATIO * most, UNNOTICED_MS)) return { text, isKept: true };
  if (most > MAX_RATIO * Math.min(...before)) {
    return { text: `${text}: not judged, the machine is too busy`, isKept: true };
  }
  return { text: `${text}: BROKEN, more than ${MAX_RATIO} times as long`, isKept: false };
}
