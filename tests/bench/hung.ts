/**
 * What a server that hangs for a while does to the other webhooks of a gateway, and whether everything that
 * was accepted for it is there afterwards.
 *
 * @module
 */

import { GatewayProcess } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { REPOSITORY } from "../support/repository.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { print, progress, row } from "./etcd_report.ts";
import { cpuSeconds } from "./http_load.ts";
import { arrivalsOf, EventSender } from "./hung_load.ts";
import {
  startActivemq,
  startAwsSqs,
  startClickhouse,
  startEventbridge,
  startGcpPubsub,
  startHttp,
  startKafka,
  startKinesis,
  startMqtt,
  startMysql,
  startNats,
  startPostgresql,
  startRabbitmq,
  startRedisRq,
  startRedisStream,
  startS3,
  type StartServer,
  startTaskQueue,
  startWebsocket,
  startZeromq,
} from "./hung_servers.ts";
import { type Answers, probe } from "./probe.ts";

/** The servers of outputs, by the names of their modules. A row is all that it takes to hang, and to meet faults. */
const SERVERS: Readonly<Record<string, StartServer>> = {
  activemq: startActivemq,
  aws_sqs: startAwsSqs,
  clickhouse: startClickhouse,
  eventbridge: startEventbridge,
  gcp_pubsub: startGcpPubsub,
  http_webhook: startHttp,
  kafka: startKafka,
  kinesis: startKinesis,
  mqtt: startMqtt,
  mysql: startMysql,
  nats: startNats,
  postgresql: startPostgresql,
  rabbitmq: startRabbitmq,
  redis_rq: startRedisRq,
  redis_stream: startRedisStream,
  s3: startS3,
  task_queue: startTaskQueue,
  websocket: startWebsocket,
  zeromq: startZeromq,
};

/** The most that the other webhook's 99th percentile may grow by. */
const TARGET = 2;

/** Events a second for the server that hangs. */
const RATE = 200;

const WARM_UP_SECONDS = 3;
const QUIET_SECONDS = 10;

/** The events go on for so long after the server answers again. */
const AFTER_SECONDS = 3;

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

/**
 * The servers of outputs.
 *
 * @param names their modules. @default all
 * @throws {TypeError} for an output that has no server here
 */
export function serversOf(names: readonly string[] = []): readonly (readonly [string, StartServer])[] {
  if (names.length === 0) return Object.entries(SERVERS);
  return names.map((name) => {
    const start = SERVERS[name];
    if (start !== undefined) return [name, start];
    throw new TypeError(`'${name}' has no server here; there are ${Object.keys(SERVERS).join(", ")}`);
  });
}

/** Whether an output has a server here. */
export function hasServer(module: string): boolean {
  return Object.hasOwn(SERVERS, module);
}

/** @param seconds how long the servers hang */
export async function benchHung(systems: readonly string[], seconds: number): Promise<void> {
  print(
    `A server hangs for ${seconds} s under ${RATE} events a second; answers of a webhook that prints, in ms`,
  );
  print(row("", ["quiet p99", "hung p99", "ratio", "accepted", "missing", "repeated"]));
  for (const [system, start] of serversOf(systems)) {
    for (const accept of ["durable", "delivered"]) {
      progress(`${system}, ${accept}`);
      const { quiet, hung, ...counts } = await measure(start, accept, seconds, REPOSITORY);
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
  return serversOf(systems).flatMap(([system, start]) =>
    ["durable", "delivered"].map((accept) => ({
      name: `beside ${system} that hangs, ${accept}`,
      measure: async ({ root }) => {
        const { hung, hungCpuSeconds } = await measure(start, accept, COMPARED_SECONDS, root);
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
  start: StartServer,
  accept: string,
  seconds: number,
  repository: string,
): Promise<Report> {
  await using server = await start();
  await using directory = await TempDir.create();
  const { webhook, connection } = server.reachedAt(server.port);
  await directory.writeJson("webhooks.json", { printed: { module: "log" }, events: { ...webhook, accept } });
  await directory.writeJson("connections.json", connection === undefined ? {} : { main: connection });
  await using gateway = await GatewayProcess.start({ cwd: directory.path, repository });
  await gateway.waitUntilReady();
  const others = (duration: number) => probe(`${gateway.url}/webhook/printed`, BODY, duration);
  const load = (seconds: number) =>
    EventSender.send({ url: `${gateway.url}/webhook/events`, rate: RATE, seconds });
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
  const arrivals = await arrivalsOf(accepted, server);
  return { quiet, hung, hungCpuSeconds, accepted: accepted.length, ...arrivals };
}
