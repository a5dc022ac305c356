/** How fast events are accepted into PostgreSQL, and what that costs its server, against a floor in the same run. */

import { join } from "@std/path";
import { formatRequest } from "../support/http/raw_http.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { ORDER_BYTES, orderBodies } from "./bodies.ts";
import { type Contestant, type LoadOptions, type Measurement, startContestant } from "./http_load.ts";

/** Lots of some 50: while one is under way, the other half of the senders waits for the next. */
const CONNECTIONS = 100;

/** What is asked of the gateway in front of an output that takes all. */
const TARGETS =
  "Target: at least 1.0 of the floor, server at most 20 µs an event, WAL at most 0.6 of the payload " +
  "(1.15 without lz4), at most 1.1 commits a lot";

const ACCEPTS = "floor: stores rows";
const DELIVERS = "floor: stores and removes rows";

/** Which floor does the same visible work. */
const FLOOR_OF: Readonly<Record<string, string>> = {
  "gateway, output holds all": ACCEPTS,
  "gateway, output takes all": DELIVERS,
};

const BODIES = 1_000;

/** A program that is measured, with a database of its own unless it has a file. */
interface Subject {
  readonly name: string;
  readonly storesIn: "postgres" | "sqlite";
  contestant(url: string): Contestant;
}

/** What the server of the database did, all in all. */
interface ServerFigures {
  readonly cpuSeconds: number;
  readonly walBytes: number;
  /** Transactions that wrote something, each of which waits for the disk. */
  readonly commits: number;
  /** Statements that stored events or removed them. */
  readonly lots: number;
}

interface Figures extends Measurement {
  readonly requests: number;
  /** What the server did meanwhile; of no meaning where it was not used. */
  readonly server: ServerFigures;
}

/** Measures every program once a round, in turn, each with a fresh database of one server. */
export async function benchDurablePostgres({ seconds, rounds }: LoadOptions): Promise<void> {
  await using server = await PostgresServer.start({
    fsync: true,
    walFileMiB: 16,
    settings: {
      shared_preload_libraries: "pg_stat_statements",
      shared_buffers: "128MB",
      max_wal_size: "1GB",
    },
  });
  await server.query("create extension pg_stat_statements");
  const subjects = subjectsOf(REPOSITORY);
  const measured = new Map<string, Figures[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) measured.get(subject.name)!.push(await measure(subject, server, seconds));
  }
  printTable(measured, { seconds, rounds });
}

/** @param root of the build that is measured */
function subjectsOf(root: string): Subject[] {
  const program = (name: string, ...args: string[]) => [join(root, "tests/bench/servers", name), ...args];
  const bodies = orderBodies(BODIES);
  const common = {
    path: "/webhook/default",
    body: bodies[0]!,
    headers: {},
  };
  const floor = (name: string, ...mode: string[]): Subject => ({
    name,
    storesIn: "postgres",
    contestant: (url) => ({
      name,
      program: program("floor_durable_postgres.ts", "PORT", url, ...mode),
      ...common,
    }),
  });
  const gateway = (name: string, mode: string, storesIn: Subject["storesIn"] = "postgres"): Subject => ({
    name,
    storesIn,
    contestant: (url) => ({
      name,
      program: program("gateway_durable.ts", "PORT", "DIRECTORY", mode),
      ...common,
      ...(storesIn === "postgres" ? { environment: { JOURNAL: url } } : {}),
    }),
  });
  return [
    floor(ACCEPTS),
    gateway("gateway, output holds all", "holds"),
    floor(DELIVERS, "remove"),
    gateway("gateway, output takes all", "takes"),
    gateway("the same with SQLite", "takes", "sqlite"),
  ];
}

async function measure(subject: Subject, server: PostgresServer, seconds: number): Promise<Figures> {
  await using database = await server.createDatabase();
  const contestant = subject.contestant(database.url);
  await using running = await startContestant({ ...contestant, requests: allOrders }, CONNECTIONS);
  const before = await figuresOf(server, database.name);
  const measurement = await running.measure(seconds);
  const after = await figuresOf(server, database.name);
  return {
    ...measurement,
    requests: measurement.requestsPerSecond * seconds,
    server: {
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      walBytes: after.walBytes - before.walBytes,
      commits: after.commits - before.commits,
      lots: after.lots - before.lots,
    },
  };
}

function allOrders(port: number): Promise<readonly Uint8Array[]> {
  const headers = { host: `127.0.0.1:${port}`, "content-type": "application/json" };
  return Promise.resolve(
    orderBodies(BODIES).map((body) => formatRequest("POST", "/webhook/default", { headers, body })),
  );
}

async function figuresOf(server: PostgresServer, database: string): Promise<ServerFigures> {
  const [row] = await server.query(
    `select pg_current_wal_insert_lsn() - '0/0' as wal, pg_snapshot_xmax(pg_current_snapshot())::text as commits,
      (select coalesce(sum(calls), 0) from pg_stat_statements s join pg_database d on d.oid = s.dbid
        where d.datname = $1 and query ~* '(insert into|delete from)\\s+("?\\w+"?\\.)?"?(events|pack|line)"?\\M') as lots`,
    [database],
  );
  return {
    cpuSeconds: await server.processorSeconds(),
    walBytes: Number(row?.wal),
    commits: Number(row?.commits),
    lots: Number(row?.lots),
  };
}

function printTable(
  measured: ReadonlyMap<string, readonly Figures[]>,
  { seconds, rounds }: Pick<LoadOptions, "seconds" | "rounds">,
): void {
  print(
    `durable, PostgreSQL: ${CONNECTIONS} connections, events of ${ORDER_BYTES} bytes, ${rounds} rounds of`,
  );
  print(`${seconds} s each, medians; CPU in µs an event`);
  print("");
  print(
    row([
      "",
      "requests/s",
      "of its floor",
      "p99 ms",
      "CPU",
      "server",
      "WAL/payload",
      "events/lot",
      "commits/lot",
    ]),
  );
  for (const [name, rounds] of measured) {
    const of = (figure: (figures: Figures) => number) => median(rounds.map(figure));
    const floor = measured.get(FLOOR_OF[name] ?? "");
    const ratio = floor === undefined ? "" : median(
      rounds.map(({ requestsPerSecond }, round) => requestsPerSecond / floor[round]!.requestsPerSecond),
    )
      .toFixed(2);
    const isServed = rounds.every(({ server }) => server.lots > 0);
    const served = (figure: (figures: Figures) => number, digits: number) =>
      isServed ? of(figure).toFixed(digits) : "";
    print(row([
      name,
      of(({ requestsPerSecond }) => requestsPerSecond).toFixed(0),
      ratio,
      of(({ p99Ms }) => p99Ms).toFixed(1),
      of(({ cpuPer10k }) => cpuPer10k * 100).toFixed(1),
      served(({ server, requests }) => server.cpuSeconds / requests * 1e6, 1),
      served(({ server, requests }) => server.walBytes / requests / ORDER_BYTES, 2),
      served(({ server, requests }) => requests / server.lots, 1),
      served(({ server }) => server.commits / server.lots, 2),
    ]));
  }
  print("");
  print(TARGETS);
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? NaN;
}

function row([name = "", ...figures]: readonly string[]): string {
  return name.padEnd(32) + figures.map((figure) => figure.padStart(13)).join("");
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
