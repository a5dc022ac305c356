/**
 * The `activemq` output against the bare client in the same run. The broker's queue is emptied before each contestant.
 *
 * @module
 */

import { join } from "@std/path";
import { activemqModule } from "../../src/modules/activemq/activemq.ts";
import { ActivemqDesk } from "../support/activemq/desk.ts";
import { ACTIVEMQ_USERS } from "../support/activemq/server.ts";
import { type SharedActivemq, sharedActivemq } from "../support/activemq/shared.ts";
import { OpenOutput } from "../support/open_output.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { openFloorClient } from "./activemq_floor.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { SMALL_BODY } from "./bodies.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";

const QUEUE = "open.bench";
const DESTINATION = `/queue/${QUEUE}`;

/** As the gateway hands them over, and how many at once. */
const BATCH = 32;
const EVENTS = 4 * 1024;
const DIRECT: BatchLoad = { events: EVENTS, batch: BATCH, atOnce: 2 };

/** Measures from `POST` to the answer, and then with batches that are handed to the output directly. */
export async function benchActivemq(options: LoadOptions): Promise<readonly OutputRow[]> {
  const broker = await sharedActivemq();
  await using desk = await ActivemqDesk.open(broker.port);
  await using directory = await TempDir.create();
  const contestants = [floorOf(broker), await gatewayOf(REPOSITORY, broker, directory)];
  const measured: Record<string, { rates: number[]; costs: number[] }> = {};
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of contestants) {
      const [one] = (await measureInTurn([contestant], { ...options, rounds: 1 })).values();
      const { rates, costs } = measured[contestant.name] ??= { rates: [], costs: [] };
      rates.push(one!.requestsPerSecond);
      costs.push(10_000 / one!.cpuPer10k);
      await desk.take(QUEUE);
    }
  }
  const { floor, gateway } = measured as Record<"floor" | "gateway", (typeof measured)[""]>;
  return [
    medianRow("activemq, from POST", gateway.rates, floor.rates),
    medianRow("activemq, from POST, by CPU", gateway.costs, floor.costs),
    await measureBatches(broker, desk, options.rounds),
  ];
}

/** From `POST` to the answer, with one broker for all builds. */
export async function compareActivemq(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const broker = await sharedActivemq();
  const desk = resources.use(await ActivemqDesk.open(broker.port));
  return [
    comparableLoad("activemq, from POST", options, async (root) => {
      await desk.take(QUEUE);
      return await gatewayOf(root, broker, await directories.of(root));
    }),
  ];
}

function floorOf({ port }: SharedActivemq): Contestant {
  const program = join(REPOSITORY, "tests/bench/servers/floor_activemq.ts");
  return {
    name: "floor",
    program: [program, "PORT", `${port}`, DESTINATION],
    path: "/webhook/default",
    body: SMALL_BODY,
  };
}

async function gatewayOf(
  root: string,
  { port }: SharedActivemq,
  directory: TempDir,
): Promise<Contestant> {
  const webhook = { module: "activemq", accept: "delivered", "module-config": { destination: QUEUE } };
  const login = { user: "writer", password: ACTIVEMQ_USERS.writer };
  const connection = { type: "activemq", host: "127.0.0.1", port, ...login };
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

async function measureBatches(
  { port }: SharedActivemq,
  desk: ActivemqDesk,
  rounds: number,
): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await bareRate(port));
    await desk.take(QUEUE);
    measured.push(await outputRate(port));
    await desk.take(QUEUE);
  }
  return medianRow(`activemq, batches of ${BATCH}`, measured, floor);
}

async function outputRate(port: number): Promise<number> {
  const login = { user: "writer", password: ACTIVEMQ_USERS.writer };
  await using output = await OpenOutput.open(activemqModule, { host: "127.0.0.1", port, ...login });
  const events = Array.from({ length: EVENTS }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + BATCH), { destination: QUEUE });
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(port: number): Promise<number> {
  const client = await openFloorClient(port);
  const rate = await batchRate(DIRECT, async (start) => {
    await Promise.all(Array.from({ length: BATCH }, (_, index) => {
      const id = `event-of-the-floor-${start + index}`;
      return client.send(DESTINATION, id, SMALL_BODY, "application/json");
    }));
  });
  await client.close();
  return rate;
}
