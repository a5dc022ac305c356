/**
 * How fast events get into ClickHouse, against a program that inserts the same batches with bare `fetch`:
 *
 * - handed to the output in batches, as the dispatcher does;
 * - from `POST` at a gateway to visible in the table, with senders that wait for that.
 *
 * @module
 */

import { join } from "@std/path";
import { allDelivered, ClickhouseOutput } from "../support/clickhouse/output.ts";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { insertRows, rowOf } from "./clickhouse_floor.ts";
import { PUSH_BODY } from "./bodies.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { median, progress } from "./etcd_report.ts";
import { comparableLoad, type Contestant, measureInTurn } from "./http_load.ts";
import type { OutputRow } from "./output_rows.ts";

export interface ClickhouseBenchOptions {
  /** Events of each round of batches. @default 100000 */
  readonly events?: number;
  /** Rounds of each contestant, in turn; the medians count. @default 3 */
  readonly rounds?: number;
  /** How long each round of requests lasts, in seconds. @default 5 */
  readonly seconds?: number;
  /** Senders that wait at the same time. @default 512 */
  readonly connections?: number;
}

/** Rows of one insert, which is what the output makes of batches when more are always there. */
const ROWS_PER_INSERT = 10_000;
/** What the dispatcher hands over in one call, and how many calls are under way. */
const DELIVERIES_PER_CALL = 1_000;
const CALLS = 20;

const HEADERS = {
  accept: "*/*",
  "content-length": "160",
  "content-type": "application/json",
  host: "localhost:8000",
  "user-agent": "GitHub-Hookshot/044aadd",
  "x-github-event": "push",
};

const TABLES = ["by_output", "by_floor", "by_gateway", "by_floor_server"] as const;
const ENGINE = "MergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY (namespace, webhook_id, timestamp, id)";

/** Measures the output and its floors. */
export async function benchClickhouse(options: ClickhouseBenchOptions = {}): Promise<OutputRow[]> {
  await using server = await ClickhouseServer.start();
  for (const table of TABLES) await server.createTable(table, { engine: ENGINE });
  return [await benchBatches(server, options), await benchRequests(server, options)];
}

async function benchBatches(
  server: ClickhouseServer,
  { events: count = 100_000, rounds = 3 }: ClickhouseBenchOptions,
): Promise<OutputRow> {
  await using output = await ClickhouseOutput.open({ http_port: server.port, batch_rows: ROWS_PER_INSERT });
  const figures: { output: number[]; floor: number[] } = { output: [], floor: [] };
  for (let round = 0; round < rounds; round++) {
    progress(`batches, round ${round + 1}`);
    const events = Array.from({ length: count }, () => verifiedEvent({ body: PUSH_BODY, headers: HEADERS }));
    figures.output.push(await measure(count, () => deliver(output, events)));
    figures.floor.push(await measure(count, () => insertBare(server.port, events)));
  }
  for (const table of ["by_output", "by_floor"]) await expectRows(server, table, count * rounds);
  return {
    name: "clickhouse, batches to the output",
    eventsPerSecond: median(figures.output),
    floorEventsPerSecond: median(figures.floor),
  };
}

async function benchRequests(
  server: ClickhouseServer,
  { rounds = 3, seconds = 5, connections = 512 }: ClickhouseBenchOptions,
): Promise<OutputRow> {
  progress("requests");
  await using directory = await TempDir.create();
  const program = join(REPOSITORY, "tests/bench/servers/floor_clickhouse.ts");
  const results = await measureInTurn([
    await gatewayTo(server, REPOSITORY, directory),
    {
      name: "floor",
      program: [program, "PORT", String(server.port), "by_floor_server"],
      path: "/webhook/default",
      body: PUSH_BODY,
    },
  ], { rounds, seconds, connections });
  return {
    name: `clickhouse, POST to visible, ${connections} senders that wait`,
    eventsPerSecond: results.get("gateway")?.requestsPerSecond ?? NaN,
    floorEventsPerSecond: results.get("floor")?.requestsPerSecond ?? NaN,
  };
}

/** From `POST` to visible in the table, with senders that wait for that. */
export async function compareClickhouse(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const server = resources.use(await ClickhouseServer.start());
  await server.createTable("by_gateway", { engine: ENGINE });
  return [
    comparableLoad(
      "clickhouse, from POST",
      options,
      async (root) => gatewayTo(server, root, await directories.of(root)),
    ),
  ];
}

/** A gateway that answers when the event is in the table. */
async function gatewayTo(server: ClickhouseServer, root: string, directory: TempDir): Promise<Contestant> {
  const webhook = { module: "clickhouse", accept: "delivered", "module-config": { table: "by_gateway" } };
  const connection = { type: "clickhouse", host: "127.0.0.1", http_port: server.port };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { main: connection }),
    },
    path: "/webhook/default",
    body: PUSH_BODY,
  };
}

/** Events per second. */
async function measure(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return count / (performance.now() - start) * 1000;
}

async function deliver(output: ClickhouseOutput, events: readonly VerifiedEvent[]): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: CALLS }, async () => {
    while (next < events.length) {
      const batch = events.slice(next, next += DELIVERIES_PER_CALL);
      const results = await output.deliverAll(batch, { table: "by_output" });
      if (String(results) !== String(allDelivered(batch))) throw new Error("Events were not delivered");
    }
  }));
}

async function insertBare(port: number, events: readonly VerifiedEvent[]): Promise<void> {
  for (let next = 0; next < events.length; next += ROWS_PER_INSERT) {
    const batch = events.slice(next, next + ROWS_PER_INSERT);
    await insertRows(port, "by_floor", batch.map((event) => rowOf(event, event.headers, event.body.text)));
  }
}

async function expectRows(server: ClickhouseServer, table: string, count: number): Promise<void> {
  const [rows, ids] = (await server.query(`SELECT count(), uniqExact(id) FROM ${table}`)).split("\t").map(
    Number,
  );
  // The same events go to both tables, so each id is there once.
  if (rows !== count || ids !== count) {
    throw new Error(`${table} has ${rows} rows of ${ids} events, not ${count}`);
  }
}
