/**
 * The connection to a PostgreSQL server, with errors that say whether events are tried again.
 *
 * @module
 */

import { checkServerIdentity } from "node:tls";
import { authorityOf } from "../../../io/address.ts";
import { type ConnectionLog, ConnectionSupervisor } from "../../../io/connection.ts";
import type { PostgresClient } from "../../../io/postgres/client.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { HostOrder, openClient, type PostgresLogin } from "../../../io/postgres/open.ts";
import { loadTls } from "../../../io/tls.ts";
import type { PostgresqlConnection } from "./connection.ts";
import { EXPLANATIONS, judge } from "./errors.ts";

/** One connection to the primary, which is opened when it is used, and again after it was lost. */
export class DatabaseServer implements AsyncDisposable {
  /** Begins sentences about the server. */
  readonly name: string;
  readonly #supervisor: ConnectionSupervisor<PostgresClient>;

  constructor(connection: PostgresqlConnection, log?: ConnectionLog) {
    const hosts = new HostOrder(connection.hosts);
    const login = loginOf(connection);
    const naming = { isPossible: false, onImpossible: () => {} };
    this.name = `PostgreSQL ${connection.hosts.map(({ host, port }) => authorityOf(host, port)).join(",")}`;
    this.#supervisor = new ConnectionSupervisor({
      server: this.name,
      log,
      open: async ({ signal, lost }) => {
        try {
          return await openClient(hosts, {
            login,
            naming,
            signal,
            lost: (reason) => lost(this.#judge(reason)),
          });
        } catch (error) {
          throw error instanceof PostgresError ? this.#judge(error) : error;
        }
      },
      close: (client) => client.end(),
    });
  }

  /**
   * Works on the connection. One whose statement says that it is of no use any more is closed.
   *
   * @param signal gives the work up, and the connection with it: what was under way may still happen
   * @throws {DeliveryError} when the server cannot be reached, or the signal aborts
   * @throws whatever the work throws, a {@linkcode PostgresError} included
   */
  async use<Result>(work: (client: PostgresClient) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    const outcome = await this.#supervisor.use(async (client) => {
      try {
        return { value: await work(client) };
      } catch (error) {
        if (error instanceof PostgresError && error.endsConnection) {
          this.#supervisor.drop(client, this.#judge(error));
        }
        return { error };
      }
    }, signal);
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }

  #judge(error: PostgresError) {
    return judge(this.name, "the connection", error).error;
  }
}

function loginOf({ user, database, password, tls, ignoresName }: PostgresqlConnection): PostgresLogin {
  return {
    user,
    database,
    applicationName: "cwm",
    password: () => password,
    missingPassword: "and the connection has none",
    tls: async (signal) => {
      if (tls === undefined) return false;
      const options = await loadTls(tls, signal);
      if (ignoresName) return { ...options, checkServerIdentity: () => undefined };
      const { servername } = options;
      // The library puts the host in its place, unless that is an address.
      if (servername === undefined) return options;
      return {
        ...options,
        checkServerIdentity: (_host, certificate) => checkServerIdentity(servername, certificate),
      };
    },
    explanations: EXPLANATIONS,
  };
}
