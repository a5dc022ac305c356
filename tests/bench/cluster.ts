/** What an event costs with one, two and four gateways on one PostgreSQL, each offered the same rate. */

import { join } from "@std/path";
import { cpuShare } from "../support/cpu_share.ts";
import { eventually } from "../support/eventually.ts";
import type { TestDatabase } from "../support/postgres/access.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { ChildProcess } from "../support/process/child_process.ts";
import { freePort } from "../support/redis/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { ClusterAnswers, ClusterLoad } from "./cluster_sender.ts";
import { cpuSeconds } from "./http_load.ts";

const GATEWAYS = [1, 2, 4] as const;

/** Events a second that each gateway is offered. */
const RATE = 300;

/** What each gateway may use. */
const CORES = 0.25;

const WARM_UP_SECONDS = 3;

/** Of the cost with one gateway. */
const MAX_SERVER_RATIO = 1.15;
const MAX_GATEWAY_RATIO = 1.1;

/** What was measured of so many gateways. */
interface Measured {
  readonly acceptedPerSecond: number;
  readonly deliveredPerSecond: number;
  readonly refused: number;
  readonly p99Ms: number;
  /** Both in µs of processor time an event. */
  readonly server: number;
  readonly gateway: number;
}

/** Measures in turn, so many times, and returns whether the cost stays the same. */
export async function benchCluster(
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
): Promise<boolean> {
  const measured = new Map<number, Measured[]>(GATEWAYS.map((count) => [count, []]));
  for (let round = 0; round < rounds; round++) {
    for (const count of GATEWAYS) measured.get(count)!.push(await measure(count, seconds));
  }
  return print(measured, { seconds, rounds });
}

/** With a server of its own, so that it does not work on what the others left. */
async function measure(count: number, seconds: number): Promise<Measured> {
  await using resources = new AsyncDisposableStack();
  const server = resources.use(
    await PostgresServer.start({ fsync: true, walFileMiB: 16, settings: { shared_buffers: "128MB" } }),
  );
  const database = await server.createDatabase();
  const gateways: BenchGateway[] = [];
  for (let started = 0; started < count; started++) {
    gateways.push(resources.use(await BenchGateway.start(database)));
  }
  const urls = gateways.map(({ url }) => `${url}/webhook/default`);
  await send({ urls, rate: RATE, seconds: WARM_UP_SECONDS });
  const costs = async () => ({
    server: await server.processorSeconds(),
    gateways: gateways.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
  });
  const delivered = async () => {
    const counts = await Promise.all(gateways.map((gateway) => gateway.delivered()));
    return counts.reduce((sum, events) => sum + events, 0);
  };
  const [before, deliveredBefore] = [await costs(), await delivered()];
  const startedAt = performance.now();
  const { accepted, refused, p99Ms } = await send({ urls, rate: RATE, seconds });
  const acceptedAt = performance.now();
  await eventually(async () => await delivered() >= deliveredBefore + accepted, { timeoutMs: 60_000 });
  const deliveredAt = performance.now();
  const after = await costs();
  return {
    acceptedPerSecond: accepted * 1000 / (acceptedAt - startedAt),
    deliveredPerSecond: accepted * 1000 / (deliveredAt - startedAt),
    refused,
    p99Ms,
    server: (after.server - before.server) * 1e6 / accepted,
    gateway: (after.gateways - before.gateways) * 1e6 / accepted,
  };
}

function send(load: ClusterLoad): Promise<ClusterAnswers> {
  const worker = new Worker(new URL("./cluster_sender.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<ClusterAnswers>();
  worker.onmessage = ({ data }: MessageEvent<ClusterAnswers>) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(load);
  return promise;
}

/** A gateway whose output takes everything at once. */
class BenchGateway implements AsyncDisposable {
  private constructor(readonly url: string, readonly pid: number, readonly resources: AsyncDisposableStack) {}

  static async start({ url: journal }: TestDatabase): Promise<BenchGateway> {
    await using undo = new AsyncDisposableStack();
    const directory = undo.use(await TempDir.create());
    const url = `http://127.0.0.1:${freePort()}`;
    const share = await cpuShare(CORES);
    if (share !== undefined) undo.use(share);
    const process = undo.use(ChildProcess.spawn(Deno.execPath(), {
      args: [
        ...["run", "--cached-only", "--no-check", "--allow-all", "--config", join(REPOSITORY, "deno.json")],
        join(REPOSITORY, "tests/bench/servers/gateway_durable.ts"),
        ...[new URL(url).port, directory.file("data"), "takes"],
      ],
      env: { JOURNAL: journal, DENO_V8_FLAGS: Deno.env.get("DENO_V8_FLAGS") ?? "" },
    }));
    await eventually(async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 60_000 });
    // Not before, since the start alone takes longer than all that is measured.
    await share?.hold(process.pid);
    return new BenchGateway(url, process.pid, undo.move());
  }

  /** How many events have been delivered since the start. */
  async delivered(): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const counts = text.matchAll(/^cwm_events_ended_total\{[^}]*outcome="delivered"[^}]*\} (\d+)$/gm);
    return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

/** Returns whether the targets were met. */
function print(
  measured: ReadonlyMap<number, readonly Measured[]>,
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
): boolean {
  const medians = Array.from(measured, ([count, all]): [number, (figure: keyof Measured) => number] => {
    return [count, (figure) => median(all.map((one) => one[figure]))];
  });
  write(`cluster: ${RATE} events a second and gateway, ${rounds} rounds of ${seconds} s each, medians`);
  write("");
  write(row(["gateways", "accepted/s", "delivered/s", "refused", "p99 ms", "gateway µs", "server µs"]));
  for (const [count, of] of medians) {
    write(row([
      `${count}`,
      of("acceptedPerSecond").toFixed(0),
      of("deliveredPerSecond").toFixed(0),
      of("refused").toFixed(0),
      of("p99Ms").toFixed(1),
      of("gateway").toFixed(0),
      of("server").toFixed(0),
    ]));
  }
  const first = medians[0]![1];
  const last = medians.at(-1)![1];
  const server = last("server") / first("server");
  const gateway = last("gateway") / first("gateway");
  write("");
  write(
    `${GATEWAYS.at(-1)} gateways of one: server ${
      server.toFixed(2)
    } (at most ${MAX_SERVER_RATIO}), gateway ` +
      `${gateway.toFixed(2)} (at most ${MAX_GATEWAY_RATIO}), accepted ` +
      `${(last("acceptedPerSecond") / first("acceptedPerSecond")).toFixed(1)} times as many`,
  );
  return server <= MAX_SERVER_RATIO && gateway <= MAX_GATEWAY_RATIO;
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? NaN;
}

function row(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(12)).join("");
}

function write(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
