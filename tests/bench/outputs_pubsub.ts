/**
 * The `gcp_pubsub` output against `fetch` in the same run, with a server that speaks as Pub/Sub's REST interface does.
 *
 * @module
 */

import { join } from "@std/path";
import { gcpPubsubModule } from "../../src/modules/gcp_pubsub/gcp_pubsub.ts";
import { OpenOutput } from "../support/open_output.ts";
import { ChildProcess } from "../support/process/child_process.ts";
import { PROJECT } from "../support/pubsub/account.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { SMALL_BODY } from "./bodies.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";
import { messageOfTheFloor, publishOfTheFloor } from "./pubsub_floor.ts";

const TOPIC = "output";

/** As the gateway hands them over, and how many at once. */
const BATCH = 64;
const EVENTS = 16 * 1024;
const DIRECT: BatchLoad = { events: EVENTS, batch: BATCH, atOnce: 2 };

/** Measures from `POST` to the answer, and then with batches that are handed to the output directly. */
export async function benchPubsub(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using server = await BenchServer.start();
  await using directory = await TempDir.create();
  const contestants = [floorOf(server.port), await gatewayOf(REPOSITORY, server.port, directory)];
  const measured = await measureInTurn(contestants, options);
  const rateOf = (name: string) => measured.get(name)!.requestsPerSecond;
  const costOf = (name: string) => 10_000 / measured.get(name)!.cpuPer10k;
  return [
    {
      name: "gcp_pubsub, from POST",
      eventsPerSecond: rateOf("gateway"),
      floorEventsPerSecond: rateOf("floor"),
    },
    {
      name: "gcp_pubsub, from POST, by CPU",
      eventsPerSecond: costOf("gateway"),
      floorEventsPerSecond: costOf("floor"),
    },
    await measureBatches(server.port, options.rounds),
  ];
}

/** From `POST` to the answer, with one server for all builds. */
export async function comparePubsub(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const { port } = resources.use(await BenchServer.start());
  return [
    comparableLoad(
      "gcp_pubsub, from POST",
      options,
      async (root) => await gatewayOf(root, port, await directories.of(root)),
    ),
  ];
}

/** The server in a process of its own. */
class BenchServer implements AsyncDisposable {
  private constructor(readonly port: number, readonly process: ChildProcess) {}

  static async start(): Promise<BenchServer> {
    const program = join(REPOSITORY, "tests/bench/servers/pubsub.ts");
    const process = ChildProcess.spawn(Deno.execPath(), { args: ["run", "--allow-all", program, TOPIC] });
    const [, port] = await process.waitForLine(/^port (\d+)$/);
    return new BenchServer(Number(port), process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

function floorOf(port: number): Contestant {
  return {
    name: "floor",
    program: [join(REPOSITORY, "tests/bench/servers/floor_pubsub.ts"), "PORT", `${port}`, TOPIC],
    path: "/webhook/default",
    body: SMALL_BODY,
  };
}

async function gatewayOf(root: string, port: number, directory: TempDir): Promise<Contestant> {
  const webhook = { module: "gcp_pubsub", accept: "delivered", "module-config": { topic: TOPIC } };
  const connection = { type: "gcp_pubsub", project_id: PROJECT, emulator_host: `127.0.0.1:${port}` };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { pubsub: connection }),
    },
    path: "/webhook/default",
    body: SMALL_BODY,
  };
}

async function measureBatches(port: number, rounds: number): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await bareRate(port));
    measured.push(await outputRate(port));
  }
  return medianRow(`gcp_pubsub, batches of ${BATCH}`, measured, floor);
}

async function outputRate(port: number): Promise<number> {
  const connection = { project_id: PROJECT, emulator_host: `127.0.0.1:${port}` };
  await using output = await OpenOutput.open(gcpPubsubModule, connection);
  const events = Array.from({ length: EVENTS }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + BATCH), { topic: TOPIC });
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(port: number): Promise<number> {
  const body = new TextEncoder().encode(SMALL_BODY);
  return await batchRate(DIRECT, async (start) => {
    const messages = Array.from(
      { length: BATCH },
      (_, index) => messageOfTheFloor(`event-of-the-floor-${start + index}`, body, "application/json"),
    );
    await publishOfTheFloor(port, TOPIC, messages);
  });
}
