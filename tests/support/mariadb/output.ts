import { mysqlModule } from "../../../src/modules/sql/mysql/mysql.ts";
import { openSqlOutput, type SqlOutputUnderTest } from "../sql/output.ts";
import type { MariadbDatabase } from "./access.ts";

/**
 * Opens the output.
 *
 * @param config its `module-config`
 * @param connection further keys of the connection, or others than those of the database
 */
export async function mysqlOutput(
  { server, name }: Pick<MariadbDatabase, "name"> & { readonly server: { readonly port: number } },
  config: object,
  connection: Readonly<Record<string, unknown>> = {},
): Promise<SqlOutputUnderTest> {
  return await openSqlOutput(mysqlModule, config, {
    host: "127.0.0.1",
    port: server.port,
    database: name,
    ...connection,
  });
}
