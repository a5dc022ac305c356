/**
 * `postgresql`: stores each event as a row of a table. Events of all webhooks with the same table share statements.
 *
 * An event is stored at least once, and once where the table has a unique index on `id` or `event_id`: a repeat meets
 * the row and changes nothing.
 *
 * @module
 */

import type { DocumentedModule } from "../../module.ts";
import { type SqlConfig, sqlConfigSchema } from "../config.ts";
import { type PostgresqlConnection, postgresqlConnectionSchema } from "./connection.ts";

/** `NAMEDATALEN` less the byte that ends a name: the server cuts what is longer. */
const MAX_NAME_BYTES = 63;

/** Stores events in PostgreSQL. */
export const postgresqlModule: DocumentedModule<SqlConfig, PostgresqlConnection> = {
  name: "postgresql",
  otherNames: ["postgres"],
  summary: "a row of a PostgreSQL table",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["postgresql", "postgres"],
  configSchema: sqlConfigSchema(MAX_NAME_BYTES),
  connectionSchema: postgresqlConnectionSchema,
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
  inspect: async (...look) => {
    const { inspectTable } = await import("./inspection.ts");
    return await inspectTable(...look);
  },
  notices: async (...look) => {
    const { describeTable } = await import("./inspection.ts");
    return await describeTable(...look);
  },
  open: async (connection, context) => {
    const { PostgresqlOutput } = await import("./output.ts"); // Not for those who do not use PostgreSQL.
    return new PostgresqlOutput(connection, context);
  },
};
