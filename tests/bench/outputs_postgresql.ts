/**
 * How fast events get into PostgreSQL, against a program that stores the same batches with bare `pg`: handed to the
 * output in batches, and from `POST` at a gateway to committed, with senders that wait for that.
 *
 * @module
 */

import { join } from "@std/path";
import pg from "pg";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { postgresqlOutput } from "../support/postgres/output.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { SMALL_BODY } from "./bodies.ts";
import { median, progress } from "./etcd_report.ts";
import { type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import type { OutputRow } from "./output_rows.ts";
import { insertRows, ROWS_PER_STATEMENT, tableStatement } from "./postgresql_floor.ts";

/** Events of each round of batches. */
const EVENTS = 20_000;

const TABLES = ["by_output", "by_floor", "by_gateway", "by_floor_server"] as const;

/** Measures the output and its floors, on a server whose commits wait for the disk. */
export async function benchPostgresql(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using server = await PostgresServer.start({ fsync: true, walFileMiB: 16 });
  for (const table of TABLES) await server.query(tableStatement(table));
  return [await benchBatches(server, options.rounds), await benchRequests(server, options)];
}

async function benchBatches(server: PostgresServer, rounds: number): Promise<OutputRow> {
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  await using output = await postgresqlOutput({ name: "postgres", server }, { table: "by_output" });
  const figures: { output: number[]; floor: number[] } = { output: [], floor: [] };
  for (let round = 0; round < rounds; round++) {
    progress(`batches, round ${round + 1}`);
    const events = Array.from({ length: EVENTS }, () => verifiedEvent({ body: SMALL_BODY }));
    figures.floor.push(
      await rateOf(events, (batch) =>
        insertRows(
          client,
          "by_floor",
          batch.map((event) => ({
            ...event,
            headers: JSON.stringify(Object.fromEntries(event.headers)),
            body: event.body.text,
          })),
        )),
    );
    figures.output.push(
      await rateOf(events, async (batch) => {
        const results = await output.deliver(...batch);
        if (results.some((result) => result !== "delivered")) throw new Error("Events were not delivered");
      }),
    );
  }
  await client.end();
  for (const table of ["by_output", "by_floor"]) {
    const [row] = await server.query(`select count(*)::int as count from ${table}`);
    if (row?.count !== EVENTS * rounds) throw new Error(`${table} has ${row?.count} rows`);
  }
  return {
    name: `postgresql, batches of ${ROWS_PER_STATEMENT}`,
    eventsPerSecond: median(figures.output),
    floorEventsPerSecond: median(figures.floor),
  };
}

async function rateOf(
  events: readonly VerifiedEvent[],
  store: (batch: readonly VerifiedEvent[]) => Promise<void>,
): Promise<number> {
  const start = performance.now();
  for (let next = 0; next < events.length; next += ROWS_PER_STATEMENT) {
    await store(events.slice(next, next + ROWS_PER_STATEMENT));
  }
  return events.length / (performance.now() - start) * 1000;
}

async function benchRequests(server: PostgresServer, options: LoadOptions): Promise<OutputRow> {
  progress("requests");
  await using directory = await TempDir.create();
  const request = { path: "/webhook/default", body: SMALL_BODY };
  const program = join(REPOSITORY, "tests/bench/servers/floor_postgresql.ts");
  const results = await measureInTurn([
    { ...await gatewayTo(server, directory), ...request },
    { name: "floor", program: [program, "PORT", server.url(), "by_floor_server"], ...request },
  ], options);
  return {
    name: "postgresql, from POST to committed",
    eventsPerSecond: results.get("gateway")?.requestsPerSecond ?? NaN,
    floorEventsPerSecond: results.get("floor")?.requestsPerSecond ?? NaN,
  };
}

/** A gateway that answers when the event is committed. */
async function gatewayTo(
  server: PostgresServer,
  directory: TempDir,
): Promise<Pick<Contestant, "name" | "program" | "environment">> {
  const webhook = { module: "postgresql", accept: "delivered", "module-config": { table: "by_gateway" } };
  const connection = { type: "postgresql", host: "127.0.0.1", port: server.port };
  return {
    name: "gateway",
    program: [join(REPOSITORY, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { db: connection }),
    },
  };
}
