/**
 * The `mqtt` output against the bare client in the same run, with a Mosquitto that nobody has subscribed to.
 *
 * @module
 */

import { join } from "@std/path";
import { mqttModule } from "../../src/modules/mqtt/mqtt.ts";
import { MosquittoServer } from "../support/mqtt/server.ts";
import { OpenOutput } from "../support/open_output.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { SMALL_BODY } from "./bodies.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { openFloorClient, publishOfTheFloor } from "./mqtt_floor.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";

const TOPIC = "output";

/** As the gateway hands them over, and how many at once. */
const BATCH = 64;
const EVENTS = 32 * 1024;
const DIRECT: BatchLoad = { events: EVENTS, batch: BATCH, atOnce: 2 };

/**
 * Measures from `POST` at a gateway process to the answer, which comes after the broker has the event, and then with
 * batches that are handed to the output directly. Both by the processor time of 10,000, and by rate.
 */
export async function benchMqtt(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using broker = await MosquittoServer.start();
  await using directory = await TempDir.create();
  const program = join(REPOSITORY, "tests/bench/servers/floor_mqtt.ts");
  const floor: Contestant = {
    name: "floor",
    program: [program, "PORT", `${broker.port}`, TOPIC],
    path: "/webhook/default",
    body: SMALL_BODY,
  };
  const gateway = await gatewayOf(REPOSITORY, broker, directory);
  const measured = await measureInTurn([floor, gateway], options);
  const rateOf = (name: string) => measured.get(name)!.requestsPerSecond;
  const costOf = (name: string) => 10_000 / measured.get(name)!.cpuPer10k;
  return [
    {
      name: "mqtt, from POST",
      eventsPerSecond: rateOf("gateway"),
      floorEventsPerSecond: rateOf("floor"),
    },
    {
      name: "mqtt, from POST, by CPU",
      eventsPerSecond: costOf("gateway"),
      floorEventsPerSecond: costOf("floor"),
    },
    await measureBatches(broker, options.rounds),
  ];
}

/** From `POST` to the answer, with one broker for all builds. */
export async function compareMqtt(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const broker = resources.use(await MosquittoServer.start());
  return [
    comparableLoad(
      "mqtt, from POST",
      options,
      async (root) => await gatewayOf(root, broker, await directories.of(root)),
    ),
  ];
}

/** A gateway that answers when the broker has the event. */
async function gatewayOf(root: string, broker: MosquittoServer, directory: TempDir): Promise<Contestant> {
  const webhook = { module: "mqtt", accept: "delivered", "module-config": { topic: TOPIC } };
  const connection = { type: "mqtt", host: "127.0.0.1", port: broker.port };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { broker: connection }),
    },
    path: "/webhook/default",
    body: SMALL_BODY,
  };
}

async function measureBatches(broker: MosquittoServer, rounds: number): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await bareRate(broker.port));
    measured.push(await outputRate(broker.port));
  }
  return medianRow(`mqtt, batches of ${BATCH}`, measured, floor);
}

async function outputRate(port: number): Promise<number> {
  await using output = await OpenOutput.open(mqttModule, { host: "127.0.0.1", port });
  const events = Array.from({ length: EVENTS }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + BATCH), { topic: TOPIC });
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(port: number): Promise<number> {
  const client = await openFloorClient(port);
  const body = new TextEncoder().encode(SMALL_BODY);
  const rate = await batchRate(DIRECT, async (start) => {
    await Promise.all(Array.from({ length: BATCH }, (_, index) => {
      const id = `event-of-the-floor-${start + index}`;
      return publishOfTheFloor(client, TOPIC, id, body, "application/json");
    }));
  });
  await client.endAsync();
  return rate;
}
