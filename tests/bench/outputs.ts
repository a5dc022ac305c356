/**
 * How fast events get into the systems behind the outputs, each against a program that sends the same batches
 * with the bare client library in the same run.
 *
 * @module
 */

import type { ComparableBench, ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import type { LoadOptions } from "./http_load.ts";
import { hasServer } from "./hung.ts";
import { judgeLeast, print, row } from "./etcd_report.ts";
import type { OutputRow } from "./output_rows.ts";
import { benchActivemq, compareActivemq } from "./outputs_activemq.ts";
import { benchAwsSqs, compareAwsSqs } from "./outputs_aws_sqs.ts";
import { benchDurableDelivery } from "./outputs_durable.ts";
import { benchClickhouse, compareClickhouse } from "./outputs_clickhouse.ts";
import { benchDisk, compareDisk } from "./outputs_disk.ts";
import { benchHttp, compareHttp } from "./outputs_http.ts";
import { benchKafka, compareKafka } from "./outputs_kafka.ts";
import { benchMqtt, compareMqtt } from "./outputs_mqtt.ts";
import { benchMysql } from "./outputs_mysql.ts";
import { benchNats, compareNats } from "./outputs_nats.ts";
import { benchRabbitmq, compareRabbitmq } from "./outputs_rabbitmq.ts";
import { benchPubsub, comparePubsub } from "./outputs_pubsub.ts";
import { benchPostgresql } from "./outputs_postgresql.ts";
import { benchRedis, compareRedis } from "./outputs_redis.ts";
import { benchS3 } from "./outputs_s3.ts";
import { benchWebsocket } from "./outputs_websocket.ts";
import { benchZeromq, compareZeromq } from "./outputs_zeromq.ts";

/** At least this share of the bare client's events a second, unless a row has another one. */
const TARGET = 0.80;

/** Connections of the senders that wait for ClickHouse, which takes few large inserts. */
const CLICKHOUSE_CONNECTIONS = 512;

/** The systems that have so many. */
const MANY_AT_ONCE = ["clickhouse", "mysql", "postgresql"];

/** Connections of the senders that wait for the disk. */
const DISK_CONNECTIONS = 64;

/** How outputs are measured. */
export interface OutputBenchOptions extends LoadOptions {
  /** Another program that is measured beside `http`: `benthos`. */
  readonly beside: string | undefined;
}

/** Measures the outputs of the systems named; all of them without a name. */
export async function benchOutputs(systems: readonly string[], options: OutputBenchOptions): Promise<void> {
  const benchmarks: Readonly<Record<string, () => Promise<readonly OutputRow[]>>> = {
    kafka: () => benchKafka(options),
    mqtt: () => benchMqtt(options),
    nats: () => benchNats(options),
    zeromq: () => benchZeromq(options),
    redis: () => benchRedis("redis", options),
    redis_stream: () => benchRedis("redis_stream", options),
    task_queue: () => benchRedis("task_queue", options),
    rabbitmq: () => benchRabbitmq(options),
    activemq: () => benchActivemq(options),
    gcp_pubsub: () => benchPubsub(options),
    aws_sqs: () => benchAwsSqs(options),
    s3: () => benchS3(options),
    websocket: () => benchWebsocket(options),
    clickhouse: () => benchClickhouse(optionsOf("clickhouse", options)),
    postgresql: () => benchPostgresql(optionsOf("postgresql", options)),
    mysql: () => benchMysql(optionsOf("mysql", options)),
    disk: () => benchDisk({ ...options, connections: DISK_CONNECTIONS }),
  };
  const chosen = systems.length > 0 ? systems : [...Object.keys(benchmarks), "http"];
  if (chosen.includes("http")) await benchHttp({ ...options, withBenthos: options.beside === "benthos" });
  if (chosen.every((system) => system === "http")) return;
  print(`${row("", ["events/s", "bare client"])}   ratio`);
  for (const system of chosen) {
    for (const measured of await benchmarks[system]?.() ?? []) print(describe(measured));
    const module = system === "redis" ? "redis_rq" : system;
    if (!hasServer(module)) continue;
    const durable = await benchDurableDelivery(module, optionsOf(system, options));
    for (const measured of durable) print(describe(measured));
  }
}

/** With as many senders that wait as a system's batches need. */
function optionsOf(system: string, options: LoadOptions): LoadOptions {
  return MANY_AT_ONCE.includes(system) ? { ...options, connections: CLICKHOUSE_CONNECTIONS } : options;
}

/** A line of the table, with what the ratio is to be. */
function describe({ name, eventsPerSecond, floorEventsPerSecond, target = TARGET }: OutputRow): string {
  const ratio = eventsPerSecond / floorEventsPerSecond;
  const verdict = target === "ceiling" ? `${ratio.toFixed(2)} (a ceiling)` : judgeLeast(ratio, target);
  return `${row(name, [eventsPerSecond.toFixed(0), floorEventsPerSecond.toFixed(0)])}   ${verdict}`;
}

const COMPARISONS: Readonly<Record<string, ComparableBench>> = {
  kafka: compareKafka,
  mqtt: compareMqtt,
  nats: compareNats,
  zeromq: compareZeromq,
  redis: (...given) => compareRedis("redis", ...given),
  redis_stream: (...given) => compareRedis("redis_stream", ...given),
  task_queue: (...given) => compareRedis("task_queue", ...given),
  rabbitmq: compareRabbitmq,
  activemq: compareActivemq,
  gcp_pubsub: comparePubsub,
  aws_sqs: compareAwsSqs,
  clickhouse: (options, resources) =>
    compareClickhouse({ ...options, connections: CLICKHOUSE_CONNECTIONS }, resources),
  disk: (options, resources) => compareDisk({ ...options, connections: DISK_CONNECTIONS }, resources),
  http: compareHttp,
};

/** From `POST` to the answer, which comes when the system has the event. */
export async function compareOutputs(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const systems = options.systems.length > 0 ? options.systems : Object.keys(COMPARISONS);
  const comparables = [];
  for (const system of systems) {
    const compare = COMPARISONS[system];
    if (compare === undefined) throw new TypeError(`There is no output benchmark '${system}'`);
    comparables.push(...await compare(options, resources));
  }
  return comparables;
}
