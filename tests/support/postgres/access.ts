/** What tests do with PostgreSQL past everything that is tested: databases of their own, and questions. */

// @ts-types="@types/pg"
import pg from "pg";

/** The superuser of the servers of tests. It needs no password from this machine. */
export const SUPERUSER = "postgres";

/** A row as the client returns it: integers of 8 bytes are strings, bytes are buffers. */
export type Row = Readonly<Record<string, unknown>>;

/** A server that listens on a port of this machine. */
export class PostgresAccess {
  constructor(readonly port: number) {}

  /** `postgres://postgres@127.0.0.1:<port>/<database>` */
  url(database: string = SUPERUSER, user: string = SUPERUSER): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs one statement on a connection of its own and returns its rows. */
  async query(sql: string, values: readonly unknown[] = [], database?: string): Promise<Row[]> {
    await using session = await this.session(database);
    return await session.query(sql, values);
  }

  /** A connection that stays open until disposal, for what has to stand in one session. */
  async session(database?: string): Promise<PostgresSession> {
    return await PostgresSession.open(this.url(database));
  }

  /** A new, empty database. Disposal drops it, whoever is connected. */
  async createDatabase(): Promise<TestDatabase> {
    const name = `cwm_${crypto.randomUUID().replaceAll("-", "")}`;
    await this.query(`create database ${name} template template0`);
    return new TestDatabase(this, name);
  }
}

/** A database of one test. */
export class TestDatabase implements AsyncDisposable {
  constructor(readonly server: PostgresAccess, readonly name: string) {}

  /** What a gateway is configured with. */
  get url(): string {
    return this.server.url(this.name);
  }

  query(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.server.query(sql, values, this.name);
  }

  session(): Promise<PostgresSession> {
    return this.server.session(this.name);
  }

  /** Ends all connections to this database, as an administrator does, and returns how many there were. */
  async terminateSessions(): Promise<number> {
    const rows = await this.server.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
      [this.name],
    );
    return rows.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.query(`drop database if exists ${this.name} with (force)`);
  }
}

/** One connection. */
export class PostgresSession implements AsyncDisposable {
  /** What the server said beside its answers, in its order. */
  readonly notices: { readonly code: string | undefined; readonly message: string | undefined }[] = [];
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
    // A connection that is lost fails the statement under way, or the next one.
    client.on("error", () => {});
    client.on("notice", ({ code, message }) => this.notices.push({ code, message }));
  }

  static async open(url: string): Promise<PostgresSession> {
    const session = new PostgresSession(new pg.Client({ connectionString: url }));
    await session.#client.connect();
    return session;
  }

  async query(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#client.query<Record<string, unknown>>(sql, [...values]);
    return rows;
  }

  /** The process that serves this connection. */
  async pid(): Promise<number> {
    const [row] = await this.query("select pg_backend_pid() as pid");
    return Number(row?.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}
