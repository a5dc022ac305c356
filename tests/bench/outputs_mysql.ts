/**
 * How fast events get into MariaDB, against a program that stores the same batches with bare `mysql2`: handed to the
 * output in batches, and from `POST` at a gateway to committed, with senders that wait for that.
 *
 * @module
 */

import { join } from "@std/path";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import type { MariadbDatabase } from "../support/mariadb/access.ts";
import { mysqlOutput } from "../support/mariadb/output.ts";
import { MariadbServer } from "../support/mariadb/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { SMALL_BODY } from "./bodies.ts";
import { progress } from "./etcd_report.ts";
import { type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { connectFloor, insertRows, tableStatement } from "./mysql_floor.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";
import { type FloorRow, ROWS_PER_STATEMENT } from "./postgresql_floor.ts";

const DIRECT: BatchLoad = { events: 20_000, batch: ROWS_PER_STATEMENT, atOnce: 1 };

const TABLES = ["by_output", "by_floor", "by_gateway", "by_floor_server"] as const;

/** Commits wait for the disk, as on a server of an operator. */
const SETTINGS = [
  "--innodb-flush-log-at-trx-commit=1",
  "--innodb-flush-method=fsync",
  "--innodb-log-file-size=96M",
];

/** Measures the output and its floors. */
export async function benchMysql(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using server = await MariadbServer.start({ settings: SETTINGS });
  await using database = await server.createDatabase();
  for (const table of TABLES) await database.sql(tableStatement(table));
  return [await benchBatches(database, options.rounds), ...await benchRequests(database, options)];
}

async function benchBatches(database: MariadbDatabase, rounds: number): Promise<OutputRow> {
  const connection = await connectFloor(database.server.port, database.name);
  await using output = await mysqlOutput(database, { table: "by_output" });
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    progress(`batches, round ${round + 1}`);
    const events = Array.from({ length: DIRECT.events }, () => verifiedEvent({ body: SMALL_BODY }));
    floor.push(
      await batchRate(
        DIRECT,
        (start) =>
          insertRows(connection, "by_floor", events.slice(start, start + ROWS_PER_STATEMENT).map(floorRowOf)),
      ),
    );
    measured.push(
      await batchRate(DIRECT, async (start) => {
        const results = await output.deliver(...events.slice(start, start + ROWS_PER_STATEMENT));
        if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
      }),
    );
  }
  await connection.end();
  for (const table of ["by_output", "by_floor"]) {
    const [[count] = []] = await database.sql(`select count(*) from ${table}`);
    if (Number(count) !== DIRECT.events * rounds) throw new Error(`${table} has ${count} rows`);
  }
  return medianRow(`mysql, batches of ${ROWS_PER_STATEMENT}`, measured, floor);
}

function floorRowOf(event: VerifiedEvent): FloorRow {
  const headers = JSON.stringify(Object.fromEntries(event.headers));
  return { ...event, headers, body: event.body.text };
}

async function benchRequests(database: MariadbDatabase, options: LoadOptions): Promise<readonly OutputRow[]> {
  progress("requests");
  await using directory = await TempDir.create();
  const request = { path: "/webhook/default", body: SMALL_BODY };
  const program = join(REPOSITORY, "tests/bench/servers/floor_mysql.ts");
  const place = [`${database.server.port}`, database.name];
  const measured = await measureInTurn([
    { name: "floor", program: [program, "PORT", ...place, "by_floor_server"], ...request },
    { ...await gatewayTo(database, directory), ...request },
  ], options);
  const rateOf = (name: string) => measured.get(name)?.requestsPerSecond ?? NaN;
  const costOf = (name: string) => 10_000 / (measured.get(name)?.cpuPer10k ?? NaN);
  const compare = (name: string, valueOf: (name: string) => number) => ({
    name: `mysql, ${name}`,
    eventsPerSecond: valueOf("gateway"),
    floorEventsPerSecond: valueOf("floor"),
  });
  return [
    compare("from POST to committed", rateOf),
    compare("from POST to committed, by CPU", costOf),
  ];
}

async function gatewayTo(
  database: MariadbDatabase,
  directory: TempDir,
): Promise<Pick<Contestant, "name" | "program" | "environment">> {
  const webhook = { module: "mysql", accept: "delivered", "module-config": { table: "by_gateway" } };
  const connection = {
    type: "mysql",
    host: "127.0.0.1",
    port: database.server.port,
    database: database.name,
  };
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
