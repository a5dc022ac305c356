/**
 * What the modules of all SQL servers are, whatever the server.
 *
 * @module
 */

import type { ConnectionLog } from "../../io/connection.ts";
import type { DocumentedModule } from "../module.ts";
import { type SqlConfig, sqlConfigSchema } from "./config.ts";
import type { SqlDialect } from "./dialect.ts";
import type { NameRule } from "./fields.ts";
import type { SqlServer } from "./server.ts";

/** What is loaded when there is a webhook that uses the server. */
interface SqlSystem<Connection, Client, Statement> {
  readonly dialect: SqlDialect<Client, Statement>;
  /** Nothing is opened before it is used. */
  connect(connection: Connection, log?: ConnectionLog): SqlServer<Client>;
}

/** What one SQL server has that others have not. */
interface SqlModuleOptions<Connection, Client, Statement> extends
  Pick<
    DocumentedModule<SqlConfig, Connection>,
    | "name"
    | "otherNames"
    | "summary"
    | "documentation"
    | "connectionTypes"
    | "connectionSchema"
    | "connectionDestinations"
  > {
  readonly names: NameRule;
  /** Loads it. */
  system(): Promise<SqlSystem<Connection, Client, Statement>>;
}

/** A module that stores each event as a row. Events of all webhooks with the same table share statements. */
export function sqlModule<Connection, Client, Statement>(
  { names, system, ...own }: SqlModuleOptions<Connection, Client, Statement>,
): DocumentedModule<SqlConfig, Connection> {
  return {
    ...own,
    configSchema: sqlConfigSchema(names),
    destinations: ({ table }) => [{ kind: "tables", name: table.join("."), key: "table" }],
    acceptance: "durable",
    reads: "bytes",
    forWebhook: (config, { dataType }) =>
      dataType === "json" ? config : { ...config, isBlob: true, batchKey: `blob ${config.batchKey}` },
    // One statement a table at a time: a slow server gets fewer and larger ones by itself.
    partition: ({ batchKey }) => batchKey,
    concurrency: 1,
    gathers: 1,
    maxBatch: 200,
    maxBatchBytes: 1024 * 1024,
    ordered: ({ upsertColumn }) => upsertColumn !== undefined,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    inspect: async (connection, ...look) => {
      const [{ connect, dialect }, { inspectTable }] = await Promise.all([
        system(),
        import("./inspection.ts"),
      ]);
      return await inspectTable(connect(connection), dialect, ...look);
    },
    notices: async (connection, ...look) => {
      const [{ connect, dialect }, { describeTable }] = await Promise.all([
        system(),
        import("./inspection.ts"),
      ]);
      return await describeTable(connect(connection), dialect, ...look);
    },
    open: async (connection, context) => {
      // Not for those who do not use the server.
      const [{ connect, dialect }, { SqlOutput }] = await Promise.all([system(), import("./output.ts")]);
      return new SqlOutput(connect(connection, context), dialect);
    },
  };
}
