/**
 * Connections to the PostgreSQL server of the journal. Each part of the journal has one of its own, so that nothing
 * waits behind what another part does; all of them share what is known of the hosts.
 *
 * There is no session state: whatever a pooler in front does with connections, each statement stands alone.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { DeliveryError } from "../../../errors.ts";
import { authorityOf } from "../../../io/address.ts";
import { type ConnectionState, ConnectionSupervisor } from "../../../io/connection.ts";
import type { PostgresSettings } from "../../../settings/journal/postgres_url.ts";
import type { PostgresClient, StatementNaming } from "../../../io/postgres/client.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { HostOrder, openClient, type PostgresLogin } from "../../../io/postgres/open.ts";
import { journalLogin } from "./login.ts";

/** How long the server is left alone after each failure: at most half a second, so that it is soon noticed to be back. */
const PAUSES = { initialMs: 25, maxMs: 400 };

const OPEN_TIMEOUT_MS = 5_000;

/** What all connections to a server are opened with. */
export interface PostgresServerOptions {
  readonly settings: PostgresSettings;
  readonly logger: Logger;
  /** Runs on the first connection before any other statement, and again until it has succeeded once. */
  prepare?(client: PostgresClient): Promise<void>;
}

/** The server of the journal. Disposal ends all connections to it. */
export class PostgresServer implements AsyncDisposable {
  readonly #options: PostgresServerOptions;
  readonly #hosts: HostOrder;
  readonly #login: PostgresLogin;
  readonly #naming: StatementNaming;
  readonly #connections = new AsyncDisposableStack();
  #prepared: Promise<void> | undefined;

  constructor(options: PostgresServerOptions) {
    this.#options = options;
    this.#hosts = new HostOrder(options.settings.hosts);
    this.#login = journalLogin(options.settings);
    this.#naming = {
      isPossible: true,
      onImpossible: () => {
        options.logger.info(
          "The journal's PostgreSQL does not keep statements, as behind a pooler that lends connections by transaction: each is prepared when it is sent",
        );
      },
    };
  }

  /** Begins sentences about the server. */
  get name(): string {
    return `PostgreSQL ${
      this.#options.settings.hosts.map(({ host, port }) => authorityOf(host, port)).join(",")
    }`;
  }

  /** Another connection, which is opened when it is used. It ends with the server. */
  connection(): PostgresConnection {
    return this.#connections.use(
      new PostgresConnection({
        server: this.name,
        open: async (signal, lost) => {
          const client = await openClient(this.#hosts, {
            login: this.#login,
            naming: this.#naming,
            signal,
            lost,
          });
          try {
            await this.#prepare(client);
          } catch (error) {
            client.end();
            throw error;
          }
          return client;
        },
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }

  #prepare(client: PostgresClient): Promise<void> {
    this.#prepared ??= (this.#options.prepare?.(client) ?? Promise.resolve()).catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }
}

/** How a connection is opened. */
interface Opener {
  readonly server: string;
  open(signal: AbortSignal, lost: (reason: PostgresError) => void): Promise<PostgresClient>;
}

/** One connection, which is opened when it is used, and again after it was lost. */
export class PostgresConnection implements AsyncDisposable {
  readonly #supervisor: ConnectionSupervisor<PostgresClient>;

  constructor({ server, open }: Opener) {
    this.#supervisor = new ConnectionSupervisor<PostgresClient>({
      server,
      openTimeoutMs: OPEN_TIMEOUT_MS,
      pauses: PAUSES,
      open: async ({ signal, lost }) => {
        try {
          return await open(signal, (reason) => lost(asDeliveryError(reason)));
        } catch (error) {
          throw error instanceof PostgresError ? asDeliveryError(error) : error;
        }
      },
      close: (client) => client.end(),
    });
  }

  get state(): ConnectionState {
    return this.#supervisor.state;
  }

  /** How long it is until the next connection may be tried, in milliseconds: until then, whoever comes fails at once. */
  get pauseMs(): number {
    return this.#supervisor.pauseMs;
  }

  /**
   * Works on the connection, which is opened if need be. A client that is another one than before means that the
   * connection was lost in between.
   *
   * @param signal gives the work up, and the connection with it: what was under way may still happen
   * @throws {PostgresError} when the server cannot be reached or refuses a statement; with `endsConnection`, what was
   *   under way may have happened
   */
  async use<Result>(work: (client: PostgresClient) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    let outcome: { readonly value: Result } | { readonly error: unknown };
    try {
      outcome = await this.#supervisor.use(async (client) => {
        try {
          return { value: await work(client) };
        } catch (error) {
          if (error instanceof PostgresError && error.endsConnection) {
            this.#supervisor.drop(client, asDeliveryError(error));
          }
          return { error };
        }
      }, signal);
    } catch (error) {
      throw asPostgresError(error);
    }
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Gives the connection up: whoever comes next has another. Nothing happens when there is another one already. */
  drop(client: PostgresClient): void {
    this.#supervisor.drop(client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }
}

/** The supervisor of connections knows errors of outputs; this is the way there and back. */
function asDeliveryError(error: PostgresError): DeliveryError {
  return new DeliveryError("output_unavailable", error.message, { cause: error });
}

function asPostgresError(error: unknown): unknown {
  if (!(error instanceof DeliveryError)) return error;
  if (error.cause instanceof PostgresError) return error.cause;
  return new PostgresError(error.message, { endsConnection: true, cause: error });
}
