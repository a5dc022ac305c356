/**
 * The `kafka` output against the bare client that sends the same batches in the same run. The broker is Apache
 * Kafka where Java and Maven are there, otherwise the mock cluster of librdkafka, which costs less.
 *
 * @module
 */

import { join } from "@std/path";
import { KafkaOutputDriver } from "../support/kafka/output.ts";
import { KafkaServer } from "../support/kafka/server.ts";
import { classPath, installKafka, KAFKA_VERSION } from "../real/kafka/installation.ts";
import { RealKafka } from "../real/kafka/real_kafka.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { batchRate } from "./batch_rate.ts";
import { PUSH_BODY } from "./bodies.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable, Gain } from "./against/comparison.ts";
import { print } from "./etcd_report.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { openFloorProducer, recordOfTheFloor } from "./kafka_floor.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";

const MOCK_BROKERS = 3;
const PARTITIONS = 6;

/** What the bench needs of a cluster. */
interface Brokers extends AsyncDisposable {
  readonly bootstrap: string;
  createTopic(topic: string): Promise<void>;
  countRecords(topic: string): Promise<number>;
  /** Records a second that Java's producer gets acknowledged, without HTTP. Left out where there is no Java. */
  ceiling?(topic: string, seconds: number): Promise<number>;
}

async function startBrokers(): Promise<Brokers> {
  const obstacle = await installKafka();
  if (obstacle !== undefined) {
    print(`The mock cluster of librdkafka is the broker: ${obstacle}`);
    const mock = await KafkaServer.start({ brokers: MOCK_BROKERS });
    return {
      bootstrap: mock.bootstrap,
      createTopic: (topic) => mock.createTopic(topic, PARTITIONS),
      countRecords: (topic) => mock.countRecords(topic, PARTITIONS),
      [Symbol.asyncDispose]: () => mock[Symbol.asyncDispose](),
    };
  }
  print(`One broker of Apache Kafka ${KAFKA_VERSION}`);
  const kafka = await RealKafka.start();
  return {
    bootstrap: kafka.bootstrap,
    createTopic: (topic) =>
      kafka.createTopic(topic, { replicas: Array.from({ length: PARTITIONS }, () => [1]) }),
    countRecords: (topic) => kafka.countRecords(topic),
    ceiling: (topic, seconds) => measureJava(kafka.bootstrap, topic, seconds),
    [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
  };
}

/** How much faster the gateway is at least than a bare client that sends each event by itself. */
const GAIN_OF_BATCHES = 2.6;

/** What writing to the brokers without kafkajs has gained, since the last revision that used it. */
const GAIN_OF_OWN_CLIENT: Gain = { since: "5fb4257", rate: 1.3, cpu: 0.7 };

/** As many records outstanding as senders wait in the bench of the gateway, by default. */
const OUTSTANDING = 64;

async function measureJava(bootstrap: string, topic: string, seconds: number): Promise<number> {
  const program = join(REPOSITORY, "tests/bench/servers/JavaCeiling.java");
  const { success, stdout, stderr } = await new Deno.Command("java", {
    args: ["-cp", classPath(), program, bootstrap, topic, `${seconds}`, `${OUTSTANDING}`, PUSH_BODY],
  }).output();
  if (!success) throw new Error(`JavaCeiling failed: ${new TextDecoder().decode(stderr)}`);
  return Number(new TextDecoder().decode(stdout));
}

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
  return [...await measurePosts(options), await measureBatches(options.rounds)];
}

async function measurePosts(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using directory = await TempDir.create();
  await using kafka = await startBrokers();
  const rates = { each: [] as number[], floor: [] as number[], gateway: [] as number[] };
  const ceiling: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const name of ["each", "floor", "gateway"] as const) {
      const topic = `${name}-${round}`;
      await kafka.createTopic(topic);
      const contestant = name === "gateway"
        ? await gatewayTo(topic, REPOSITORY, kafka, directory)
        : bareServer(name === "each" ? "floor_kafka_each.ts" : "floor_kafka.ts", kafka.bootstrap, topic);
      const [measurement] = (await measureInTurn([contestant], { ...options, rounds: 1 })).values();
      rates[name].push(measurement!.requestsPerSecond);
      await assertVisible(kafka, topic, measurement!.requestsPerSecond * options.seconds);
    }
    if (kafka.ceiling === undefined) continue;
    await kafka.createTopic(`ceiling-${round}`);
    ceiling.push(await kafka.ceiling(`ceiling-${round}`, options.seconds));
  }
  return [
    medianRow("kafka, from POST", rates.gateway, rates.floor),
    { ...medianRow("kafka, against one send each", rates.gateway, rates.each), target: GAIN_OF_BATCHES },
    ...(ceiling.length === 0 ? [] : [{
      ...medianRow("kafka, against Java, no HTTP", rates.gateway, ceiling),
      target: "ceiling" as const,
    }]),
  ];
}

/** A program with the bare client instead of the gateway. */
function bareServer(program: string, bootstrap: string, topic: string): Contestant {
  return {
    name: program,
    program: [join(REPOSITORY, "tests/bench/servers", program), "PORT", bootstrap, topic],
    path: "/webhook/default",
    body: PUSH_BODY,
  };
}

/** With a topic of its own for each measurement. */
export async function compareKafka(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const kafka = resources.use(await startBrokers());
  let topics = 0;
  return [
    {
      ...comparableLoad("kafka, from POST", options, async (root) => {
        const topic = `compared-${topics++}`;
        await kafka.createTopic(topic);
        return await gatewayTo(topic, root, kafka, await directories.of(root));
      }),
      gain: GAIN_OF_OWN_CLIENT,
    },
  ];
}

/** A gateway that answers when the brokers have the event. */
async function gatewayTo(
  topic: string,
  root: string,
  kafka: Brokers,
  directory: TempDir,
): Promise<Contestant> {
  const webhook = { module: "kafka", accept: "delivered", "module-config": { topic } };
  const connection = { type: "kafka", bootstrap_servers: kafka.bootstrap };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson(`${topic}.json`, { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { kafka: connection }),
    },
    path: "/webhook/default",
    body: PUSH_BODY,
  };
}

async function measureBatches(rounds: number): Promise<OutputRow> {
  await using kafka = await startBrokers();
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (
      const [name, rates, rate] of [["floor", floor, bareRate], ["gateway", measured, outputRate]] as const
    ) {
      const topic = `${name}-${round}`;
      await kafka.createTopic(topic);
      rates.push(await rate(kafka.bootstrap, topic));
      await assertVisible(kafka, topic, EVENTS);
    }
  }
  return medianRow(`kafka, batches of ${DELIVERED_BATCH}`, measured, floor);
}

async function outputRate(bootstrap: string, topic: string): Promise<number> {
  await using output = await KafkaOutputDriver.open({ bootstrap_servers: bootstrap });
  const events = Array.from({ length: EVENTS }, () => verifiedEvent({ body: PUSH_BODY }));
  return await batchRate(
    { events: EVENTS, batch: DELIVERED_BATCH, atOnce: DELIVERED_AT_ONCE },
    async (start) => {
      const batch = events.slice(start, start + DELIVERED_BATCH);
      const results = await output.deliverEvents(batch, { topic });
      if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
    },
  );
}

async function bareRate(bootstrap: string, topic: string): Promise<number> {
  const producer = await openFloorProducer(bootstrap);
  const body = new TextEncoder().encode(PUSH_BODY);
  const rate = await batchRate({ events: EVENTS, batch: SENT_BATCH, atOnce: 1 }, async (start) => {
    const messages = Array.from({ length: SENT_BATCH }, (_, index) => {
      return recordOfTheFloor(`event-of-the-floor-${start + index}`, body, "application/json");
    });
    await producer.send({ topic, acks: -1, messages });
  });
  await producer.disconnect();
  return rate;
}

/** @throws {Error} when less has arrived than was acknowledged */
async function assertVisible(kafka: Brokers, topic: string, events: number): Promise<void> {
  const visible = await kafka.countRecords(topic);
  if (visible < Math.floor(events)) throw new Error(`Of ${events} events ${visible} are in topic ${topic}`);
}
