/**
 * The connection to a MySQL or MariaDB server.
 *
 * @module
 */

import { authorityOf } from "../../../io/address.ts";
import type { ConnectionLog } from "../../../io/connection.ts";
import { loadTls } from "../../../io/tls.ts";
import { SqlServer } from "../server.ts";
import { MysqlClient } from "./client.ts";
import type { MysqlConnection } from "./connection.ts";
import { judge } from "./errors.ts";
import { MysqlError } from "./mysql_error.ts";

/** One connection to the server. */
export function connect(connection: MysqlConnection, log?: ConnectionLog): SqlServer<MysqlClient> {
  const server = `MySQL ${authorityOf(connection.host, connection.port)}`;
  const reasonOf = (error: unknown) => judge(server, "the connection", error)?.error;
  return new SqlServer({
    server,
    log,
    open: async ({ signal, lost }) => {
      const tls = connection.tls === undefined ? undefined : await loadTls(connection.tls, signal);
      try {
        return await MysqlClient.open(
          { ...connection, tls },
          signal,
          (reason) => lost(judge(server, "the connection", reason).error),
        );
      } catch (error) {
        throw reasonOf(error) ?? error;
      }
    },
    close: (client) => client.end(),
    endOf: (error) => error instanceof MysqlError && error.endsConnection ? reasonOf(error) : undefined,
  });
}
