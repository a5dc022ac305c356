/**
 * What a server that hangs for a while does to the other webhooks of a gateway, and whether everything that
 * was accepted for it is there afterwards.
 *
 * @module
 */

import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { REPOSITORY } from "../support/repository.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { print, progress, row } from "./etcd_report.ts";
import { cpuSeconds } from "./http_load.ts";
import type { Sending } from "./hung_sender.ts";
import {
  type HungServer,
  startActivemq,
  startClickhouse,
  startKafka,
  startMqtt,
  startNats,
  startPostgresql,
  startRabbitmq,
  startRedis,
  startRedisStream,
  startTaskQueue,
} from "./hung_servers.ts";
import { type Answers, probe } from "./probe.ts";

const SERVERS: Readonly<Record<string, () => Promise<HungServer>>> = {
  kafka: startKafka,
  mqtt: startMqtt,
  nats: startNats,
  rabbitmq: startRabbitmq,
  activemq: startActivemq,
  redis: startRedis,
  redis_stream: startRedisStream,
  task_queue: startTaskQueue,
  clickhouse: startClickhouse,
  postgresql: startPostgresql,
};

/** The most that the other webhook's 99th percentile may grow by. */
const TARGET = 2;

/** Events a second for the server that hangs. */
const RATE = 200;

const WARM_UP_SECONDS = 3;
const QUIET_SECONDS = 10;

/** The events go on for so long after the server answers again. */
const AFTER_SECONDS = 3;

/** How long the gateway may take to deliver what it has accepted, in milliseconds. */
const CATCH_UP_MS = 60_000;

/** How long the servers hang in a comparison of builds. */
const COMPARED_SECONDS = 10;

const BODY = '{"number":1}';

interface Report {
  readonly quiet: Answers;
  readonly hung: Answers;
  /** CPU time of the gateway while the server hung, in seconds. */
  readonly hungCpuSeconds: number;
  /** Events that were answered with 200, and how many of them are not in the server, or there several times. */
  readonly accepted: number;
  readonly missing: number;
  readonly repeated: number;
}

/** @param seconds how long the servers hang */
export async function benchHung(systems: readonly string[], seconds: number): Promise<void> {
  print(
    `A server hangs for ${seconds} s under ${RATE} events a second; answers of a webhook that prints, in ms`,
  );
  print(row("", ["quiet p99", "hung p99", "ratio", "accepted", "missing", "repeated"]));
  for (const system of systems.length > 0 ? systems : Object.keys(SERVERS)) {
    for (const accept of ["durable", "delivered"]) {
      progress(`${system}, ${accept}`);
      const { quiet, hung, ...counts } = await measure(SERVERS[system]!, accept, seconds, REPOSITORY);
      print(row(`${system}, accept: ${accept}`, [
        quiet.p99Ms.toFixed(1),
        hung.p99Ms.toFixed(1),
        (hung.p99Ms / quiet.p99Ms).toFixed(2),
        String(counts.accepted),
        String(counts.missing),
        String(counts.repeated),
      ]));
    }
  }
  print(`Targets: ratio at most ${TARGET.toFixed(2)}, none missing`);
}

/** The answers of the webhook that prints, while a server hangs. */
export function compareHung({ systems }: ComparisonOptions): readonly Comparable[] {
  const chosen = systems.length > 0 ? systems : Object.keys(SERVERS);
  return chosen.flatMap((system) =>
    ["durable", "delivered"].map((accept) => ({
      name: `beside ${system} that hangs, ${accept}`,
      measure: async ({ root }) => {
        const { hung, hungCpuSeconds } = await measure(SERVERS[system]!, accept, COMPARED_SECONDS, root);
        return {
          rate: hung.count / COMPARED_SECONDS,
          p99Ms: hung.p99Ms,
          cpuPer10k: hungCpuSeconds / hung.count * 10_000,
        };
      },
    }))
  );
}

/** @param repository the root of the build that is measured */
async function measure(
  start: () => Promise<HungServer>,
  accept: string,
  seconds: number,
  repository: string,
): Promise<Report> {
  await using server = await start();
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    printed: { module: "log" },
    events: { ...server.webhook, accept },
  });
  await directory.writeJson("connections.json", { main: server.connection });
  await using gateway = await GatewayProcess.start({ cwd: directory.path, repository });
  await gateway.waitUntilReady();
  const others = (duration: number) => probe(`${gateway.url}/webhook/printed`, BODY, duration);
  const load = (duration: number) => send(`${gateway.url}/webhook/events`, duration);
  await Promise.all([others(WARM_UP_SECONDS), load(WARM_UP_SECONDS)]);
  const [quiet, before] = await Promise.all([others(QUIET_SECONDS), load(QUIET_SECONDS)]);
  // Some events are sent before it hangs and some after.
  const sent = load(seconds + AFTER_SECONDS);
  await server.freeze();
  const cpuBefore = cpuSeconds(gateway.pid);
  const hung = await others(seconds);
  const hungCpuSeconds = cpuSeconds(gateway.pid) - cpuBefore;
  await server.thaw();
  const accepted = [...before, ...await sent];
  const found = await arrived(server, accepted);
  return {
    quiet,
    hung,
    hungCpuSeconds,
    accepted: accepted.length,
    missing: accepted.filter((id) => !found.has(id)).length,
    repeated: accepted.filter((id) => (found.get(id) ?? 0) > 1).length,
  };
}

/** How often each event is in the server, once all are there or the time is over. */
async function arrived(
  server: HungServer,
  accepted: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const complete = async () => {
    const found = await server.count();
    if (accepted.some((id) => !found.has(id))) throw new Error("Some events have not arrived");
    return found;
  };
  try {
    return await eventually(complete, { timeoutMs: CATCH_UP_MS, intervalMs: 500 });
  } catch {
    return await server.count();
  }
}

/** Sends from a thread of its own. Returns the ids of the events that were accepted. */
function send(url: string, seconds: number): Promise<readonly string[]> {
  const worker = new Worker(new URL("./hung_sender.ts", import.meta.url), { type: "module" });
  const sending: Sending = { url, rate: RATE, seconds };
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<readonly string[]>) => resolve(data);
    worker.postMessage(sending);
  });
}
