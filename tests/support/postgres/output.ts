import { postgresqlModule } from "../../../src/modules/sql/postgresql/postgresql.ts";
import { openSqlOutput, type SqlOutputUnderTest } from "../sql/output.ts";
import type { TestDatabase } from "./access.ts";

/**
 * Opens the output.
 *
 * @param config its `module-config`
 * @param connection further keys of the connection, or others than those of the database
 */
export async function postgresqlOutput(
  database: Pick<TestDatabase, "name"> & { readonly server: { readonly port: number } },
  config: object,
  connection: Readonly<Record<string, unknown>> = {},
): Promise<SqlOutputUnderTest> {
  const place = { host: "127.0.0.1", port: database.server.port, database: database.name };
  const isWhole = connection["connection_string"] !== undefined;
  return await openSqlOutput(
    postgresqlModule,
    config,
    isWhole ? connection : { ...place, ...connection },
  );
}
