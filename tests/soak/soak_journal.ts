/** A PostgreSQL that holds the journal of a soak, and how much its tables and its log take meanwhile. */

import { MIB, mib } from "../attacks/victim.ts";
import type { TestDatabase } from "../support/postgres/access.ts";
import { PostgresServer } from "../support/postgres/server.ts";

/** How much larger tables may be at their worst in the last third of the time than in the first. */
const MAX_MORE_TABLES = 32 * MIB;

/** The server keeps old parts of its log up to this size. */
const MAX_WAL = 128 * MIB;

/** What it takes on disk, in bytes. */
interface Sizes {
  readonly tables: number;
  readonly wal: number;
}

/** One server with one database. */
export class SoakJournal implements AsyncDisposable {
  readonly #server: PostgresServer;
  readonly #database: TestDatabase;
  readonly #samples: Sizes[] = [];

  private constructor(server: PostgresServer, database: TestDatabase) {
    this.#server = server;
    this.#database = database;
  }

  static async start(): Promise<SoakJournal> {
    await using undo = new AsyncDisposableStack();
    const server = undo.use(
      await PostgresServer.start({ fsync: true, settings: { max_wal_size: "64MB", wal_keep_size: "0" } }),
    );
    const journal = new SoakJournal(server, await server.createDatabase());
    undo.move();
    return journal;
  }

  /** What the gateway is started with. */
  get environment(): Readonly<Record<string, string>> {
    return { JOURNAL: this.#database.url };
  }

  /** Looks at the sizes, and returns them for people. */
  async sample(): Promise<string> {
    const [row] = await this.#database.query(
      `select (select coalesce(sum(pg_total_relation_size(c.oid)), 0) from pg_class c
          where c.relnamespace = 'cwm'::regnamespace and c.relkind = 'r') as tables,
        (select sum(size) from pg_ls_waldir()) as wal`,
    );
    const sizes = { tables: Number(row?.tables), wal: Number(row?.wal) };
    this.#samples.push(sizes);
    return `tables ${mib(sizes.tables)}, WAL ${mib(sizes.wal)}`;
  }

  /** Each promise, with whether it was kept. */
  judge(): readonly (readonly [isKept: boolean, figure: string])[] {
    const third = Math.ceil(this.#samples.length / 3);
    const most = (samples: readonly Sizes[], of: (sizes: Sizes) => number) => Math.max(...samples.map(of));
    const first = most(this.#samples.slice(0, third), ({ tables }) => tables);
    const last = most(this.#samples.slice(-third), ({ tables }) => tables);
    const wal = most(this.#samples, ({ wal }) => wal);
    return [
      [
        last - first <= MAX_MORE_TABLES,
        `the journal's tables: ${mib(first)} at most in the first third, ${mib(last)} in the last`,
      ],
      [wal <= MAX_WAL, `the server's log: ${mib(wal)} at most`],
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
