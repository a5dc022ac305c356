/**
 * `module-config` of `clickhouse`: its schema and compiled form. The keys are those of the Python original.
 *
 * @module
 */

import { z } from "zod";
import { timeoutField } from "../../schema/connection_fields.ts";
import { booleanField } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 3600;

/** Most characters of an identifier, as in the original. What else ClickHouse does not like about a name, it says itself. */
export const MAX_NAME = 255;

/** Engines that a table can be created with. */
export const TABLE_ENGINES = ["MergeTree", "ReplacingMergeTree"] as const;

/** A compiled `module-config`. */
export interface ClickhouseConfig {
  /** Equal for webhooks whose rows can share an insert. */
  readonly batchKey: string;
  readonly table: string;
  readonly includeHeaders: boolean;
  readonly includeTimestamp: boolean;
  readonly createTable: boolean;
  readonly engine: typeof TABLE_ENGINES[number];
  readonly timeoutMs: number;
}

const moduleFields = z.strictObject({
  table: z.string().min(1).max(MAX_NAME).default("webhook_logs").meta({
    description: "The table. It is quoted, so any name that ClickHouse knows can be used.",
  }),
  include_headers: booleanField().optional().meta({
    description: "Fills `headers` with the received headers as JSON, credentials and signatures redacted. " +
      "`false`: with `{}`. Default: `true`.",
  }),
  forward_headers: booleanField().optional().meta({ description: "The same as `include_headers`." }),
  include_timestamp: booleanField().default(true).meta({
    description: "Fills `timestamp` with the time of receipt. `false`: leaves it to the column's default.",
  }),
  create_table: booleanField().default(false).meta({
    description: "Creates the table when it does not exist.",
  }),
  engine: z.enum(TABLE_ENGINES).default("MergeTree").meta({
    description: "Engine of a table that is created.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that one attempt may take.",
  }),
});

/** Strict schema that ends in the compiled form. */
export const clickhouseConfigSchema: z.ZodType<ClickhouseConfig> = moduleFields.transform((input, issues) => {
  const includeHeaders = eitherOf(input, "include_headers", "forward_headers", issues) ?? true;
  return {
    batchKey: JSON.stringify([
      input.table,
      includeHeaders,
      input.include_timestamp,
      input.create_table,
      input.engine,
    ]),
    table: input.table,
    includeHeaders,
    includeTimestamp: input.include_timestamp,
    createTable: input.create_table,
    engine: input.engine,
    timeoutMs: input.timeout * 1000,
  };
});
