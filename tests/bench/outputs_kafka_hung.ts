/**
 * What brokers that hang for a while do to the other webhooks of a gateway, and whether everything that was
 * accepted is there afterwards.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/gateway_process.ts";
import { KafkaServer } from "../support/kafka_server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { luaScript, runWrk } from "./http_load.ts";

/** The figures of one run. */
export interface HungKafkaReport {
  /** 99th percentile of the answers of a `log` webhook, in milliseconds: before and while the brokers hang. */
  readonly quietP99Ms: number;
  readonly hungP99Ms: number;
  /** Events for Kafka that were answered with 200, and how many of them have no record or several. */
  readonly accepted: number;
  readonly missing: number;
  readonly repeated: number;
}

/** Requests a second to the webhook that needs Kafka. */
const RATE = 200;

/** Connections that send to the other one as fast as they can. */
const CONNECTIONS = 4;

const QUIET_SECONDS = 5;

/** How long the gateway may take to deliver what it has stored, in milliseconds. */
const CATCH_UP_MS = 60_000;

const TOPIC = "orders";
const WEBHOOKS = {
  printed: { module: "log" },
  orders: { module: "kafka", "module-config": { topic: TOPIC } },
};

/** @param seconds how long the brokers hang */
export async function benchHungKafka(seconds: number): Promise<HungKafkaReport> {
  await using kafka = await KafkaServer.start({ brokers: 3 });
  await kafka.createTopic(TOPIC, 6);
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", WEBHOOKS);
  await directory.writeJson("connections.json", {
    kafka_main: { type: "kafka", bootstrap_servers: kafka.bootstrap },
  });
  await using gateway = await GatewayProcess.start({ cwd: directory.path });
  await gateway.waitUntilReady();
  const script = await directory.writeText("request.lua", luaScript({ body: '{"number":1}' }));
  const print = (duration: number) => runWrk(`${gateway.url}/webhook/printed`, script, duration, CONNECTIONS);
  const publish = (duration: number) => load(`${gateway.url}/webhook/orders`, duration);
  await Promise.all([print(1), publish(1)]);
  const [quiet, quietEvents] = await Promise.all([print(QUIET_SECONDS), publish(QUIET_SECONDS)]);
  // Some events are sent before the brokers hang and some after.
  const published = publish(seconds + 5);
  await kafka.freeze();
  const hung = await print(seconds);
  kafka.thaw();
  const accepted = [...quietEvents, ...await published].filter((id) => id !== undefined);
  const counts = await eventually(async () => {
    const found = await countEvents(kafka);
    if (accepted.some((id) => !found.has(id))) {
      throw new Error(`${found.size} of ${accepted.length} have arrived`);
    }
    return found;
  }, { timeoutMs: CATCH_UP_MS, intervalMs: 500 }).catch(() => countEvents(kafka));
  return {
    quietP99Ms: quiet.p99Ms,
    hungP99Ms: hung.p99Ms,
    accepted: accepted.length,
    missing: accepted.filter((id) => !counts.has(id)).length,
    repeated: accepted.filter((id) => (counts.get(id) ?? 0) > 1).length,
  };
}

/** Sends at an even rate, whether answers come or not. Returns the ids of those that were accepted. */
async function load(url: string, seconds: number): Promise<readonly (string | undefined)[]> {
  const answers: Promise<string | undefined>[] = [];
  const startedAt = performance.now();
  for (let number = 0; number < RATE * seconds; number++) {
    const wait = startedAt + number * 1000 / RATE - performance.now();
    if (wait > 0) await sleep(wait);
    answers.push(post(url, `{"number":${number}}`));
  }
  return await Promise.all(answers);
}

async function post(url: string, body: string): Promise<string | undefined> {
  const answer = await fetch(url, { method: "POST", body });
  const { event_id } = await answer.json() as { readonly event_id?: string };
  return event_id;
}

/** How many records there are of each event. */
async function countEvents(kafka: KafkaServer): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { headers } of await kafka.consume(TOPIC)) {
    const id = new Map(headers).get("cwm-event-id") ?? "";
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}
