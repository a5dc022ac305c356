/**
 * One open connection to MySQL or MariaDB, and how it is opened.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { checkServerIdentity, TLSSocket } from "node:tls";
import type { Connection, ConnectionOptions, ResultSetHeader, RowDataPacket } from "mysql2";
import { InvariantError } from "../../../errors.ts";
import { outputNames } from "../../../io/name_lookups.ts";
import type { TlsOptions } from "../../../io/tls.ts";
import { abortable } from "../../../time/abortable.ts";
import type { Cell } from "../columns.ts";
import { type MysqlError, mysqlError } from "./mysql_error.ts";

/** How long a connection may be silent before the system asks whether its other end is there, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/**
 * How long a statement waits for a lock at most, in seconds: as long as an attempt takes where nothing else is
 * configured. One whose client has gone waits on; by the server's own settings, for a table's lock, for days.
 */
const LOCK_WAIT_SECONDS = 10;

/** What is wrong is an error and not a warning, for tables of all kinds; the number 0 is no request for the next one. */
const SQL_MODE = [
  "STRICT_ALL_TABLES",
  "ERROR_FOR_DIVISION_BY_ZERO",
  "NO_ZERO_IN_DATE",
  "NO_ZERO_DATE",
  "NO_ENGINE_SUBSTITUTION",
  "NO_AUTO_VALUE_ON_ZERO",
];

/** Holds whatever the server's own settings and its `init_connect` say. */
const SESSION = `set names utf8mb4, time_zone = '+00:00', autocommit = 1, sql_mode = '${SQL_MODE.join()}',
  innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}, lock_wait_timeout = ${LOCK_WAIT_SECONDS}`;

const FACTS = "select @@max_allowed_packet as packet, version() as version";

/** Statements that the server keeps for a connection; there is a bound for those of all its clients. */
const MAX_STATEMENTS = 64;

/** `COM_QUIT`: without it, the server's log has a warning for each connection that ends. */
const QUIT = Uint8Array.of(1, 0, 0, 0, 1);

/** Who connects to what, and how. */
export interface MysqlLogin {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** `undefined`: no TLS. */
  readonly tls: TlsOptions | undefined;
}

/** What is known of the server. */
export interface ServerFacts {
  readonly isMariaDb: boolean;
  /** The longest statement that it takes, with its values, in bytes. */
  readonly maxPacketBytes: number;
}

/** A row as the client returns it. */
export type ResultRow = Readonly<Record<string, unknown>>;

/** What a statement returned. */
export interface Answer {
  readonly rows: readonly ResultRow[];
  /** Rows that it stored; one that replaced another counts twice. */
  readonly stored: number;
}

type Result = RowDataPacket[] | ResultSetHeader;
type Done = (error: Error | null, result: Result) => void;

/** What the library's types leave out. */
type Streaming = Connection & {
  readonly stream: Socket;
  startTLS(onSecure: (error?: Error) => void): void;
};

/** An open connection. Statements are sent one after the other. */
export class MysqlClient {
  readonly #connection: Streaming;
  #facts: ServerFacts = { isMariaDb: false, maxPacketBytes: 0 };
  #underWay = 0;

  private constructor(connection: Streaming) {
    this.#connection = connection;
  }

  /**
   * Opens a connection.
   *
   * @param signal gives up
   * @param lost is called when the connection has ended by itself, also in the middle of being opened
   * @throws {MysqlError} when the server cannot be reached, or refuses
   * @throws the signal's reason
   */
  static async open(
    login: MysqlLogin,
    signal: AbortSignal,
    lost: (reason: MysqlError) => void,
  ): Promise<MysqlClient> {
    const { createConnection } = (await import("mysql2")).default;
    signal.throwIfAborted();
    const { host, port, tls } = login;
    const socket = connect({ host, port, lookup: outputNames.lookup, noDelay: true });
    socket.once("connect", () => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    const connection = createConnection({ ...optionsOf(login), stream: socket }) as Streaming;
    const client = new MysqlClient(connection);
    const guard = tls === undefined ? undefined : new TlsGuard(connection, login, tls);
    try {
      await abortable(client.#ready(), signal);
      guard?.assertPassed();
      connection.on("error", (error) => lost(mysqlError(error)));
      connection.stream.once("close", () => lost(mysqlError(undefined)));
      if (connection.stream.destroyed) throw mysqlError(undefined);
      await abortable(client.query(SESSION), signal);
      const { rows: [row] } = await abortable(client.query(FACTS), signal);
      client.#facts = {
        isMariaDb: textOf(row?.["version"]).includes("MariaDB"),
        maxPacketBytes: Number(row?.["packet"]),
      };
      return client;
    } catch (error) {
      connection.on("error", () => {}); // It is known by now.
      connection.stream.destroy();
      socket.destroy();
      throw signal.aborted ? signal.reason : guard?.refusal ?? mysqlError(error);
    }
  }

  get facts(): ServerFacts {
    return this.#facts;
  }

  /** Runs a statement that is not often needed. @throws {MysqlError} when the server refuses it */
  query(text: string): Promise<Answer> {
    return this.#run((done) => this.#connection.query<Result>(text, done));
  }

  /** Runs a statement that the server keeps, with values that it reads apart from it. @throws {MysqlError} */
  execute(text: string, values: Cell[]): Promise<Answer> {
    return this.#run((done) => this.#connection.execute<Result>(text, values, done));
  }

  /** Ends the connection at once, whatever is under way on it. */
  end(): void {
    const { stream } = this.#connection;
    if (this.#underWay === 0) stream.end(QUIT, () => stream.destroy());
    else stream.destroy();
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connection.connect((error) => error === null ? resolve() : reject(error));
    });
  }

  async #run(start: (done: Done) => void): Promise<Answer> {
    this.#underWay++;
    try {
      const result = await new Promise<Result>((resolve, reject) =>
        start((error, result) => error === null ? resolve(result) : reject(error))
      );
      return Array.isArray(result) ? { rows: result, stored: 0 } : { rows: [], stored: result.affectedRows };
    } catch (error) {
      throw mysqlError(error);
    } finally {
      this.#underWay--;
    }
  }
}

/**
 * Looks at the server's certificate before the user's name and password are sent. The library would compare it with
 * `localhost` where the host is an address, and puts a code of its own in the place of what is wrong.
 */
class TlsGuard {
  /** What was wrong. */
  refusal: MysqlError | undefined;
  #hasPassed = false;

  constructor(
    connection: Streaming,
    { host }: MysqlLogin,
    { servername = host, rejectUnauthorized }: TlsOptions,
  ) {
    const start = connection.startTLS.bind(connection);
    connection.startTLS = (onSecure) =>
      start((error) => {
        const { stream } = connection;
        // Of a certificate that is not verified, the name says nothing.
        const isNamed = error === undefined && rejectUnauthorized && stream instanceof TLSSocket;
        const refusal = isNamed ? checkServerIdentity(servername, stream.getPeerCertificate()) : error;
        this.refusal = refusal === undefined ? undefined : mysqlError(refusal);
        this.#hasPassed = refusal === undefined;
        onSecure(refusal);
      });
  }

  /** @throws {InvariantError} when the certificate was not looked at */
  assertPassed(): void {
    if (!this.#hasPassed) throw new InvariantError("The certificate of a MySQL server was not looked at");
  }
}

/** A text that the client returns as bytes where the server does not say that it is one. */
export function textOf(value: unknown): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value ?? "");
}

function optionsOf({ host, database, user, password, tls }: MysqlLogin): ConnectionOptions {
  return {
    // Of use for the name that is asked for in TLS alone: the socket is there already.
    host: tls?.servername ?? host,
    database,
    user,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { ssl: tls }),
    connectTimeout: 0,
    flags: ["-FOUND_ROWS", "-LOCAL_FILES"],
    maxPreparedStatements: MAX_STATEMENTS,
    connectAttributes: { program_name: "cwm" },
    trace: false,
    disableEval: true,
    dateStrings: true,
  };
}
