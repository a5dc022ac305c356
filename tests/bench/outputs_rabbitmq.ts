/**
 * The output of RabbitMQ against a bare client that sends the same messages in the same run.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { connect } from "amqplib";
import { rabbitmqModule } from "../../src/modules/rabbitmq/rabbitmq.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RabbitmqDesk } from "../support/rabbitmq/desk.ts";
import { RabbitmqServer } from "../support/rabbitmq/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { LARGE_BODY, SMALL_BODY } from "./bodies.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";
import { floorProperties } from "./rabbitmq_floor.ts";

const SECRET = "a secret of the benchmark alone";
const QUEUE = "bench";
const SIZES = [["196 B", SMALL_BODY], ["19 KB", LARGE_BODY]] as const;

/** How batches are handed over directly. */
const BATCH = 64;
const DIRECT_EVENTS = 20 * 1024;
const DIRECT: BatchLoad = { events: DIRECT_EVENTS, batch: BATCH, atOnce: 2 };

/** Measures from `POST` to the answer, and then with batches that are handed to the output directly. */
export async function benchRabbitmq(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using rabbitmq = await RabbitmqServer.start();
  await using desk = new RabbitmqDesk(rabbitmq.port);
  const rows: OutputRow[] = [];
  for (const [size, body] of SIZES) rows.push(await measurePosts(size, body, rabbitmq, desk, options));
  return [...rows, await measureBatches(rabbitmq, desk, options.rounds)];
}

/** With an empty queue for each program that starts. */
export async function compareRabbitmq(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const rabbitmq = resources.use(await RabbitmqServer.start());
  const desk = resources.use(new RabbitmqDesk(rabbitmq.port));
  return SIZES.map(([size, body]) =>
    comparableLoad(`rabbitmq, ${size}, from POST`, options, async (root) => {
      await emptyQueue(desk);
      return await gatewayOf(body, root, rabbitmq, await directories.of(root));
    })
  );
}

async function measurePosts(
  size: string,
  body: string,
  rabbitmq: RabbitmqServer,
  desk: RabbitmqDesk,
  options: LoadOptions,
): Promise<OutputRow> {
  await using directory = await TempDir.create();
  const gateway = await gatewayOf(body, REPOSITORY, rabbitmq, directory);
  const program = join(REPOSITORY, "tests/bench/servers/floor_rabbitmq.ts");
  const floor: Contestant = {
    name: "floor",
    program: [program, "PORT", String(rabbitmq.port), QUEUE, SECRET],
    ...signedRequest(body),
  };
  const rates: Record<string, number[]> = { gateway: [], floor: [] };
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of [floor, gateway]) {
      await emptyQueue(desk);
      const [measurement] = (await measureInTurn([contestant], { ...options, rounds: 1 })).values();
      rates[contestant.name]!.push(measurement!.requestsPerSecond);
    }
  }
  return medianRow(`rabbitmq, ${size}, from POST`, rates["gateway"]!, rates["floor"]!);
}

async function emptyQueue(desk: RabbitmqDesk): Promise<void> {
  await desk.makeQueue({}, QUEUE);
  await desk.purgeQueue(QUEUE);
}

/** What both have to do with a request before they deliver it: check its signature, and parse it. */
function signedRequest(body: string): Pick<Contestant, "path" | "body" | "headers"> {
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  return { path: "/webhook/default", body, headers: { "X-Signature": signature } };
}

/** A gateway that answers when RabbitMQ has the event. */
async function gatewayOf(
  body: string,
  root: string,
  rabbitmq: RabbitmqServer,
  directory: TempDir,
): Promise<Contestant> {
  const hmac = { secret: SECRET, header: "X-Signature" };
  const webhook = { module: "rabbitmq", accept: "delivered", hmac, "module-config": { queue_name: QUEUE } };
  const connection = { type: "rabbitmq", host: "127.0.0.1", port: rabbitmq.port };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { rabbitmq: connection }),
    },
    ...signedRequest(body),
  };
}

async function measureBatches(
  rabbitmq: RabbitmqServer,
  desk: RabbitmqDesk,
  rounds: number,
): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await emptyQueue(desk);
    floor.push(await bareRate(rabbitmq.port));
    await emptyQueue(desk);
    measured.push(await outputRate(rabbitmq.port));
  }
  return medianRow(`rabbitmq, batches of ${BATCH}`, measured, floor);
}

async function outputRate(port: number): Promise<number> {
  await using output = await OpenOutput.open(rabbitmqModule, { host: "127.0.0.1", port });
  const events = Array.from({ length: DIRECT_EVENTS }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + BATCH), { queue_name: QUEUE });
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(port: number): Promise<number> {
  const model = await connect({ hostname: "127.0.0.1", port }, { noDelay: true });
  const channel = await model.createConfirmChannel();
  const bodies = Array.from({ length: DIRECT_EVENTS }, () => Buffer.from(SMALL_BODY));
  const publish = (body: Buffer, index: number) =>
    new Promise<void>((resolve, reject) => {
      channel.publish("", QUEUE, body, floorProperties(`event-of-the-floor-${index}`), (error: unknown) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  const rate = await batchRate(DIRECT, async (start) => {
    await Promise.all(bodies.slice(start, start + BATCH).map((body, index) => publish(body, start + index)));
  });
  await model.close();
  return rate;
}
