/**
 * Opening a connection: the hosts in turn, until one is a primary that takes writes.
 *
 * @module
 */

// @ts-types="@types/pg"
import type { Client, CustomTypesConfig } from "pg";
import { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { authorityOf } from "../address.ts";
import { outputNames } from "../name_lookups.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import { abortable } from "../../time/abortable.ts";
import { PostgresClient, type StatementNaming } from "./client.ts";
import { type Explanations, PostgresError, postgresError, SQL_STATE } from "./errors.ts";

/** How long one host may take when there are others, in milliseconds. */
const HOST_TIMEOUT_MS = 1_500;

/** How long a connection may be silent before the system asks whether its other end is there, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/** Who connects to which database, and how. */
export interface PostgresLogin {
  readonly user: string;
  readonly database: string;
  /** What the server shows of the connection, as in `pg_stat_activity`. */
  readonly applicationName: string;
  /** The password at this moment; `undefined`: there is none. */
  password(signal: AbortSignal): string | undefined | Promise<string | undefined>;
  /** What to say where there is none and the server wants one, as the end of a sentence. */
  readonly missingPassword: string;
  /** How the connection is encrypted; `false`: not at all. */
  tls(signal: AbortSignal): ConnectionOptions | false | Promise<ConnectionOptions | false>;
  /** What refusals mean here. */
  readonly explanations: Explanations;
}

/** What a connection is opened with. */
export interface OpenOptions {
  readonly login: PostgresLogin;
  readonly naming: StatementNaming;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Called when the connection has ended by itself, also in the middle of being opened. */
  readonly lost: (reason: PostgresError) => void;
}

/** The hosts of a server, the one first that took writes last. */
export class HostOrder {
  readonly #hosts: readonly ServerAddress[];
  #first = 0;

  constructor(hosts: readonly ServerAddress[]) {
    this.#hosts = hosts;
  }

  /** All of them, in the order in which they are to be tried. */
  list(): readonly ServerAddress[] {
    return [...this.#hosts.slice(this.#first), ...this.#hosts.slice(0, this.#first)];
  }

  /** This one has taken writes. */
  prefer(host: ServerAddress): void {
    this.#first = Math.max(0, this.#hosts.indexOf(host));
  }
}

/**
 * Opens a connection to the first host that is a primary.
 *
 * @throws {PostgresError} of the host that came nearest to that
 */
export async function openClient(hosts: HostOrder, options: OpenOptions): Promise<PostgresClient> {
  let failure: PostgresError | undefined;
  const tried = hosts.list();
  for (const host of tried) {
    try {
      const client = await openHost(host, tried.length > 1, options);
      hosts.prefer(host);
      return client;
    } catch (error) {
      const server = `PostgreSQL ${authorityOf(host.host, host.port)}`;
      const reason = postgresError(server, error, options.login.explanations);
      // What a server has answered says more than that another one did not.
      if (failure === undefined || (failure.sqlState === "" && reason.sqlState !== "")) failure = reason;
      if (options.signal.aborted) break;
    }
  }
  throw failure ?? new PostgresError("There is no server to connect to", { endsConnection: true });
}

async function openHost(
  { host, port }: ServerAddress,
  hasOthers: boolean,
  { login, naming, signal, lost }: OpenOptions,
): Promise<PostgresClient> {
  const until = hasOthers ? AbortSignal.any([signal, AbortSignal.timeout(HOST_TIMEOUT_MS)]) : signal;
  const authority = authorityOf(host, port);
  const [{ default: pg }, password, ssl] = await Promise.all([
    import("pg"),
    login.password(signal),
    login.tls(signal),
  ]);
  const client: Client = new pg.Client({
    host,
    port,
    user: login.user,
    database: login.database,
    // Asked for only where the server wants one; without a function, files of libpq would be read.
    password: () => password ?? Promise.reject(missingPassword(authority, login)),
    ssl,
    application_name: login.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    stream: lookingUp,
    types: typesOf(pg.types.getTypeParser),
  });
  let isOpen = false;
  const onLost = (error: Error) => {
    // Before, the host's failure is thrown, and another host may do.
    if (isOpen) lost(postgresError(`PostgreSQL ${authority}`, error, login.explanations));
  };
  client.on("error", onLost);
  client.on("end", () => onLost(new Error("ended")));
  try {
    await abortable(client.connect(), until);
    const [row] = (await abortable(client.query<HostState>(HOST_STATE), until)).rows;
    if (row === undefined || row.standby || row.read_only) throw readOnly(authority);
    isOpen = true;
    return new PostgresClient(client, { authority, version: row.version }, naming, login.explanations);
  } catch (error) {
    client.connection.stream.destroy();
    if (until.aborted && !signal.aborted) {
      throw new PostgresError(`PostgreSQL ${authority} did not answer within ${HOST_TIMEOUT_MS} ms`, {
        endsConnection: true,
        cause: error,
      });
    }
    throw error;
  }
}

interface HostState {
  readonly standby: boolean;
  readonly read_only: boolean;
  readonly version: number;
}

const HOST_STATE = `select pg_is_in_recovery() as standby,
  current_setting('transaction_read_only') = 'on' as read_only,
  current_setting('server_version_num')::int as version`;

function readOnly(authority: string): PostgresError {
  return new PostgresError(
    `PostgreSQL ${authority} takes no writes: it is a standby, or was set to read-only`,
    {
      sqlState: SQL_STATE.readOnlyTransaction,
      endsConnection: true,
    },
  );
}

function missingPassword(authority: string, { missingPassword }: PostgresLogin): PostgresError {
  return new PostgresError(`PostgreSQL ${authority} wants a password, ${missingPassword}`, {
    endsConnection: true,
  });
}

/** A socket whose host is looked up as all others are. The library leaves no say in that. */
function lookingUp(): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  return Object.assign(socket, {
    connect: (port: number, host: string) => connect({ port, host, lookup: outputNames.lookup }),
  });
}

const INT8 = 20;

/** Numbers of 64 bits are numbers: none that the gateway reads is larger than the largest exact one. */
function typesOf(usual: CustomTypesConfig["getTypeParser"]): CustomTypesConfig {
  const getTypeParser =
    ((oid: number, format?: "text") => oid === INT8 ? Number : usual(oid, format)) as typeof usual;
  return { getTypeParser };
}
