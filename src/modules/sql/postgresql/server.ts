/**
 * The connection to a PostgreSQL server, with errors that say whether events are tried again.
 *
 * @module
 */

import { checkServerIdentity } from "node:tls";
import { authorityOf } from "../../../io/address.ts";
import type { ConnectionLog } from "../../../io/connection.ts";
import type { PostgresClient } from "../../../io/postgres/client.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { HostOrder, openClient, type PostgresLogin } from "../../../io/postgres/open.ts";
import { loadTls } from "../../../io/tls.ts";
import { SqlServer } from "../server.ts";
import type { PostgresqlConnection } from "./connection.ts";
import { EXPLANATIONS, judge } from "./errors.ts";

/** One connection to the primary of several hosts. */
export function connect(
  connection: PostgresqlConnection,
  log?: ConnectionLog,
): SqlServer<PostgresClient> {
  const hosts = new HostOrder(connection.hosts);
  const login = loginOf(connection);
  const naming = { isPossible: false, onImpossible: () => {} };
  const server = `PostgreSQL ${connection.hosts.map(({ host, port }) => authorityOf(host, port)).join(",")}`;
  const reasonOf = (error: unknown) => judge(server, "the connection", error)?.error;
  return new SqlServer({
    server,
    log,
    open: async ({ signal, lost }) => {
      try {
        return await openClient(hosts, {
          login,
          naming,
          signal,
          lost: (reason) => lost(judge(server, "the connection", reason).error),
        });
      } catch (error) {
        throw reasonOf(error) ?? error;
      }
    },
    close: (client) => client.end(),
    endOf: (error) => error instanceof PostgresError && error.endsConnection ? reasonOf(error) : undefined,
  });
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
