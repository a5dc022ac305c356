/**
 * The `nats` output against the bare client in the same run, with a stream that keeps little.
 *
 * @module
 */

import { join } from "@std/path";
import { natsModule } from "../../src/modules/nats/nats.ts";
import { NatsServer } from "../support/nats/server.ts";
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
import { openFloorClient, publishOfTheFloor } from "./nats_floor.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";

const SUBJECT = "output";

const STREAM = "OUTPUT";

/** As the gateway hands them over, and how many at once. */
const BATCH = 64;
const EVENTS = 32 * 1024;
const DIRECT: BatchLoad = { events: EVENTS, batch: BATCH, atOnce: 2 };

/**
 * Measures from `POST` at a gateway process to the answer, which comes after the stream has stored the event, and then with
 * batches that are handed to the output directly. Both by the processor time of 10,000, and by rate.
 */
export async function benchNats(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using server = await startServer();
  await using directory = await TempDir.create();
  const program = join(REPOSITORY, "tests/bench/servers/floor_nats.ts");
  const floor: Contestant = {
    name: "floor",
    program: [program, "PORT", `${server.port}`, SUBJECT],
    path: "/webhook/default",
    body: SMALL_BODY,
  };
  const gateway = await gatewayOf(REPOSITORY, server, directory);
  const measured = await measureInTurn([floor, gateway], options);
  const rateOf = (name: string) => measured.get(name)!.requestsPerSecond;
  const costOf = (name: string) => 10_000 / measured.get(name)!.cpuPer10k;
  return [
    {
      name: "nats, from POST",
      eventsPerSecond: rateOf("gateway"),
      floorEventsPerSecond: rateOf("floor"),
    },
    {
      name: "nats, from POST, by CPU",
      eventsPerSecond: costOf("gateway"),
      floorEventsPerSecond: costOf("floor"),
    },
    await measureBatches(server, options.rounds),
  ];
}

/** A stream that drops what it has, so that its length is no part of what is measured. */
async function startServer(): Promise<NatsServer> {
  const server = await NatsServer.start();
  await (await server.desk()).createStream(STREAM, [SUBJECT], { storage: "memory", max_msgs: 1_000 });
  return server;
}

/** From `POST` to the answer, with one server for all builds. */
export async function compareNats(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const server = resources.use(await startServer());
  return [
    comparableLoad(
      "nats, from POST",
      options,
      async (root) => await gatewayOf(root, server, await directories.of(root)),
    ),
  ];
}

/** A gateway that answers when the stream has stored the event. */
async function gatewayOf(root: string, server: NatsServer, directory: TempDir): Promise<Contestant> {
  const webhook = { module: "nats", accept: "delivered", "module-config": { subject: SUBJECT } };
  const connection = { type: "nats", servers: `127.0.0.1:${server.port}` };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { server: connection }),
    },
    path: "/webhook/default",
    body: SMALL_BODY,
  };
}

async function measureBatches(server: NatsServer, rounds: number): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await bareRate(server.port));
    measured.push(await outputRate(server.port));
  }
  return medianRow(`nats, batches of ${BATCH}`, measured, floor);
}

async function outputRate(port: number): Promise<number> {
  await using output = await OpenOutput.open(natsModule, { servers: `127.0.0.1:${port}` });
  const events = Array.from({ length: EVENTS }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + BATCH), { subject: SUBJECT });
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(port: number): Promise<number> {
  const client = await openFloorClient(port);
  const body = new TextEncoder().encode(SMALL_BODY);
  const rate = await batchRate(DIRECT, async (start) => {
    await Promise.all(Array.from({ length: BATCH }, (_, index) => {
      const id = `event-of-the-floor-${start + index}`;
      return publishOfTheFloor(client, SUBJECT, id, body, "application/json");
    }));
  });
  await client.connection.close();
  return rate;
}
