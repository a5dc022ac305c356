/**
 * The `kafka` output against the bare client that sends the same batches in the same run.
 *
 * @module
 */

import { join } from "@std/path";
import { KafkaOutputDriver } from "../support/kafka_output.ts";
import { KafkaServer } from "../support/kafka_server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { median } from "./etcd_report.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { openFloorProducer, recordOfTheFloor } from "./kafka_floor.ts";
import type { OutputRow } from "./output_rows.ts";

const BODY = JSON.stringify({
  action: "push",
  repository: { id: 12345, name: "myapp", full_name: "org/myapp" },
  sender: { login: "octocat", id: 583231 },
  ref: "refs/heads/main",
  number: 1234,
});

const BROKERS = 3;
const PARTITIONS = 6;

/** Batches as the gateway hands them over, several at once, and as its sender puts them together. */
const DELIVERED_BATCH = 125;
const DELIVERED_AT_ONCE = 8;
const SENT_BATCH = 500;
const EVENTS = 40_000;

/**
 * Measures from `POST` at a gateway process to the answer, which comes when the brokers have the event, and
 * then with batches that are handed to the output directly.
 */
export async function benchKafka(options: LoadOptions): Promise<readonly OutputRow[]> {
  return [await measurePosts(options), await measureBatches(options.rounds)];
}

async function measurePosts(options: LoadOptions): Promise<OutputRow> {
  await using directory = await TempDir.create();
  await using kafka = await KafkaServer.start({ brokers: BROKERS });
  const rates: Record<string, number[]> = { gateway: [], floor: [] };
  for (let round = 0; round < options.rounds; round++) {
    for (const name of ["floor", "gateway"]) {
      const topic = `${name}-${round}`;
      await kafka.createTopic(topic, PARTITIONS);
      const contestant: Contestant = name === "gateway"
        ? await gatewayTo(topic, REPOSITORY, kafka, directory)
        : {
          name,
          program: [join(REPOSITORY, "tests/bench/servers/floor_kafka.ts"), "PORT", kafka.bootstrap, topic],
          path: "/webhook/default",
          body: BODY,
        };
      const [measurement] = (await measureInTurn([contestant], { ...options, rounds: 1 })).values();
      rates[name]!.push(measurement!.requestsPerSecond);
      await assertVisible(kafka, topic, measurement!.requestsPerSecond * options.seconds);
    }
  }
  return rowOf("kafka, from POST", rates["gateway"]!, rates["floor"]!);
}

/** With a topic of its own for each measurement. */
export async function compareKafka(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directory = resources.use(await TempDir.create());
  const kafka = resources.use(await KafkaServer.start({ brokers: BROKERS }));
  let topics = 0;
  return [
    comparableLoad("kafka, from POST", options, async (root) => {
      const topic = `compared-${topics++}`;
      await kafka.createTopic(topic, PARTITIONS);
      return await gatewayTo(topic, root, kafka, directory);
    }),
  ];
}

/** A gateway that answers when the brokers have the event. */
async function gatewayTo(
  topic: string,
  root: string,
  kafka: KafkaServer,
  directory: TempDir,
): Promise<Contestant> {
  const webhook = { module: "kafka", accept: "delivered", "module-config": { topic } };
  const connection = { type: "kafka", bootstrap_servers: kafka.bootstrap };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      DATA_DIR: directory.file("data"),
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { kafka: connection }),
    },
    path: "/webhook/default",
    body: BODY,
  };
}

async function measureBatches(rounds: number): Promise<OutputRow> {
  await using kafka = await KafkaServer.start({ brokers: BROKERS });
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (
      const [name, rates, rate] of [["floor", floor, bareRate], ["gateway", measured, outputRate]] as const
    ) {
      const topic = `${name}-${round}`;
      await kafka.createTopic(topic, PARTITIONS);
      rates.push(await rate(kafka.bootstrap, topic));
      await assertVisible(kafka, topic, EVENTS);
    }
  }
  return rowOf(`kafka, batches of ${DELIVERED_BATCH}`, measured, floor);
}

async function outputRate(bootstrap: string, topic: string): Promise<number> {
  await using output = await KafkaOutputDriver.open({ bootstrap_servers: bootstrap });
  const events = Array.from({ length: EVENTS }, () => verifiedEvent({ body: BODY }));
  return await ratePerSecond(DELIVERED_BATCH, DELIVERED_AT_ONCE, async (start) => {
    const batch = events.slice(start, start + DELIVERED_BATCH);
    const results = await output.deliverEvents(batch, { topic });
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(bootstrap: string, topic: string): Promise<number> {
  const producer = await openFloorProducer(bootstrap);
  const body = new TextEncoder().encode(BODY);
  const rate = await ratePerSecond(SENT_BATCH, 1, async (start) => {
    const messages = Array.from({ length: SENT_BATCH }, (_, index) => {
      return recordOfTheFloor(`event-of-the-floor-${start + index}`, body, "application/json");
    });
    await producer.send({ topic, acks: -1, messages });
  });
  await producer.disconnect();
  return rate;
}

/** Sends everything in batches, so many at once, the first tenth of it to warm up. */
async function ratePerSecond(
  batch: number,
  atOnce: number,
  send: (start: number) => Promise<void>,
): Promise<number> {
  let next = 0;
  const run = async (until: number) => {
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (next < until) {
        const start = next;
        next += batch;
        await send(start);
      }
    }));
  };
  await run(EVENTS / 10);
  const warm = next;
  const startedAt = performance.now();
  await run(EVENTS);
  return (next - warm) / (performance.now() - startedAt) * 1000;
}

/** @throws {Error} when less has arrived than was acknowledged */
async function assertVisible(kafka: KafkaServer, topic: string, events: number): Promise<void> {
  const visible = await kafka.countRecords(topic, PARTITIONS);
  if (visible < Math.floor(events)) throw new Error(`Of ${events} events ${visible} are in topic ${topic}`);
}

function rowOf(name: string, measured: readonly number[], floor: readonly number[]): OutputRow {
  return { name, eventsPerSecond: median(measured), floorEventsPerSecond: median(floor) };
}
