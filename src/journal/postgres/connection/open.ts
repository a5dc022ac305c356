/**
 * Opening a connection: the hosts in turn, until one is a primary that takes writes.
 *
 * @module
 */

// @ts-types="@types/pg"
import type { Client, CustomTypesConfig } from "pg";
import { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { authorityOf } from "../../../io/address.ts";
import { outputNames } from "../../../io/name_lookups.ts";
import { readSmallFile, unreadableReason } from "../../../io/small_file.ts";
import { PemFileError, readPemFiles } from "../../../io/tls.ts";
import type { PostgresHost, PostgresSettings, PostgresTls } from "../../../settings/journal/postgres_url.ts";
import { abortable } from "../../../time/abortable.ts";
import { PostgresClient, type StatementNaming } from "./client.ts";
import { PostgresError, postgresError, SQL_STATE } from "./errors.ts";

/** How long one host may take when there are others, in milliseconds. */
const HOST_TIMEOUT_MS = 1_500;

/** How long a connection may be silent before the system asks whether its other end is there, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/** What a connection is opened with. */
export interface OpenOptions {
  readonly settings: PostgresSettings;
  readonly naming: StatementNaming;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Called when the connection has ended by itself, also in the middle of being opened. */
  readonly lost: (reason: PostgresError) => void;
}

/** The hosts of a server, the one first that took writes last. */
export class HostOrder {
  readonly #hosts: readonly PostgresHost[];
  #first = 0;

  constructor(hosts: readonly PostgresHost[]) {
    this.#hosts = hosts;
  }

  /** All of them, in the order in which they are to be tried. */
  list(): readonly PostgresHost[] {
    return [...this.#hosts.slice(this.#first), ...this.#hosts.slice(0, this.#first)];
  }

  /** This one has taken writes. */
  prefer(host: PostgresHost): void {
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
      const reason = postgresError(`PostgreSQL ${authorityOf(host.host, host.port)}`, error);
      // What a server has answered says more than that another one did not.
      if (failure === undefined || (failure.sqlState === "" && reason.sqlState !== "")) failure = reason;
      if (options.signal.aborted) break;
    }
  }
  throw failure ?? new PostgresError("JOURNAL names no server", { endsConnection: true });
}

async function openHost(
  { host, port }: PostgresHost,
  hasOthers: boolean,
  { settings, naming, signal, lost }: OpenOptions,
): Promise<PostgresClient> {
  const until = hasOthers ? AbortSignal.any([signal, AbortSignal.timeout(HOST_TIMEOUT_MS)]) : signal;
  const authority = authorityOf(host, port);
  const [{ default: pg }, password, ssl] = await Promise.all([
    import("pg"),
    passwordOf(settings, signal),
    sslOf(settings.tls, signal),
  ]);
  const client: Client = new pg.Client({
    host,
    port,
    user: settings.user,
    database: settings.database,
    // Asked for only where the server wants one; without a function, files of libpq would be read.
    password: () => password ?? Promise.reject(noPassword(authority)),
    ssl,
    application_name: "cwm",
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    stream: lookingUp,
    types: typesOf(pg.types.getTypeParser),
  });
  let isOpen = false;
  const onLost = (error: Error) => {
    // Before, the host's failure is thrown, and another host may do.
    if (isOpen) lost(postgresError(`PostgreSQL ${authority}`, error));
  };
  client.on("error", onLost);
  client.on("end", () => onLost(new Error("ended")));
  try {
    await abortable(client.connect(), until);
    const [row] = (await abortable(client.query<HostState>(HOST_STATE), until)).rows;
    if (row === undefined || row.standby || row.read_only) throw readOnly(authority);
    isOpen = true;
    return new PostgresClient(client, { authority, version: row.version }, naming);
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

function noPassword(authority: string): PostgresError {
  return new PostgresError(
    `PostgreSQL ${authority} wants a password, and neither JOURNAL nor JOURNAL_PASSWORD_FILE has one`,
    { endsConnection: true },
  );
}

async function passwordOf({ password }: PostgresSettings, signal: AbortSignal): Promise<string | undefined> {
  if (password === undefined) return undefined;
  if ("text" in password) return password.text;
  try {
    return (await readSmallFile(password.file, { signal })).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new PostgresError(
      `The file of JOURNAL_PASSWORD_FILE cannot be read: ${unreadableReason(cause)}`,
      { endsConnection: true, cause },
    );
  }
}

async function sslOf(tls: PostgresTls | undefined, signal: AbortSignal): Promise<ConnectionOptions | false> {
  if (tls === undefined) return false;
  const { caFile, certFile, keyFile, verifies } = tls;
  const names = { ca: "sslrootcert", cert: "sslcert", key: "sslkey" };
  try {
    const pems = await readPemFiles({ ca: caFile, cert: certFile, key: keyFile }, names, { signal });
    return {
      ...pems,
      rejectUnauthorized: verifies !== "nothing",
      ...(verifies === "authority" ? { checkServerIdentity: () => undefined } : {}),
    };
  } catch (error) {
    if (!(error instanceof PemFileError)) throw error;
    throw new PostgresError(error.message, { endsConnection: true, cause: error });
  }
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

/** Numbers of 64 bits are numbers: none of the journal's is larger than the largest exact one. */
function typesOf(usual: CustomTypesConfig["getTypeParser"]): CustomTypesConfig {
  const getTypeParser =
    ((oid: number, format?: "text") => oid === INT8 ? Number : usual(oid, format)) as typeof usual;
  return { getTypeParser };
}
