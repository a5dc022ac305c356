/**
 * `module-config` of databases with SQL: its schema and compiled form. The keys are those of the Python service.
 *
 * @module
 */

import { z } from "zod";
import { timeoutField } from "../../schema/connection_fields.ts";
import { booleanField, reportAt } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { columnName, fieldsSchema, type NameRule, type SqlField } from "./fields.ts";

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 3600;

/** What of an event has columns: the payload as a whole, values of it, or both. */
export const STORAGE_MODES = ["json", "relational", "hybrid"] as const;

/** An index of a table that is created. */
export interface SqlIndex {
  readonly name: string;
  readonly columns: readonly string[];
}

/** A compiled `module-config`. */
export interface SqlConfig {
  /** Equal for webhooks whose rows can share an insert. */
  readonly batchKey: string;
  /** The table's name, behind that of its schema or database where one is given. */
  readonly table: readonly string[];
  readonly mode: typeof STORAGE_MODES[number];
  readonly includeHeaders: boolean;
  readonly createTable: boolean;
  readonly fields: readonly SqlField[];
  readonly indexes: readonly SqlIndex[];
  /** The column whose row an event replaces; `undefined`: each event is a row of its own. */
  readonly upsertColumn: string | undefined;
  /** Whether a table that is created takes any bytes as payload. */
  readonly isBlob: boolean;
  readonly timeoutMs: number;
}

/** Columns of a table that is created, beside those of fields. */
const OWN_COLUMNS: Readonly<Record<SqlConfig["mode"], readonly string[]>> = {
  json: ["id", "event_id", "namespace", "webhook_id", "timestamp", "payload", "headers", "created_at"],
  relational: ["id", "event_id", "namespace", "webhook_id", "created_at"],
  hybrid: ["id", "event_id", "namespace", "webhook_id", "payload", "headers", "created_at"],
};

/** A column has one value. */
function reportColumns(fields: readonly SqlField[], rule: NameRule, issues: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const { name, column } of fields) {
    const canonical = rule.canonical(column);
    if (seen.has(canonical)) {
      reportAt(
        issues,
        ["schema", "fields", name, "column"],
        "Another field has this column: give each its own",
      );
    }
    seen.add(canonical);
  }
}

/** The table would be created without the index, or not at all. */
function reportIndexes(
  indexes: readonly SqlIndex[],
  columns: readonly string[],
  rule: NameRule,
  issues: z.RefinementCtx,
): void {
  const known = new Set(columns.map((name) => rule.canonical(name)));
  for (const { name, columns } of indexes) {
    for (const [place, column] of columns.entries()) {
      if (known.has(rule.canonical(column))) continue;
      reportAt(
        issues,
        ["schema", "indexes", name, "columns", place],
        "The table would have no such column: name one of a field, as its `column` says",
      );
    }
  }
}

/** Strict schema that ends in the compiled form. @param rule the names that the server takes */
export function sqlConfigSchema(rule: NameRule): z.ZodType<SqlConfig> {
  const name = columnName(rule);
  return z.strictObject({
    table: z.string().default("webhook_events").meta({
      description:
        `The table, \`name\` or \`${rule.container}.name\`. It is quoted, so any name can be used, in its exact case.`,
    }),
    storage_mode: z.enum(STORAGE_MODES).default("json").meta({
      description:
        "What gets columns: `json` the payload as a whole, `relational` the `schema.fields`, `hybrid` both.",
    }),
    schema: z.strictObject({
      fields: fieldsSchema(rule).default([]),
      indexes: z.record(name, z.strictObject({ columns: z.array(name).min(1) })).default({}),
    }).optional().meta({
      description:
        "`fields`: values of the payload by name, each with `column` (default: the name), `json_pointer` " +
        "(default: the member of this name at the top), `type`, `constraints` and `default` (for payloads without it; " +
        "`CURRENT_TIMESTAMP` is the time of receipt). `indexes`: `columns` of indexes by name. Types, constraints and " +
        "indexes are those of a table that is created.",
    }),
    upsert: booleanField().default(false).meta({
      description:
        "`true`: an event replaces the row with the same value of `upsert_key`. Without `schema.fields`, as " +
        "in mode `json`, it has no effect.",
    }),
    upsert_key: z.string().min(1).default("id").meta({
      description: "The field whose column has a unique index of its own.",
    }),
    include_headers: booleanField().optional().meta({
      description:
        "Fills `headers` with the received headers as JSON, credentials and signatures redacted. `false`: leaves it to the column's default. Default: `true`.",
    }),
    forward_headers: booleanField().optional().meta({ description: "The same as `include_headers`." }),
    include_timestamp: booleanField().default(true).meta({
      description: "Read for the sake of older files and of no effect: `timestamp` is the time of receipt.",
    }),
    create_table: booleanField().default(false).meta({
      description: "Creates the table and its indexes when the table does not exist.",
    }),
    timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
      description: "Seconds that one attempt may take.",
    }),
  }).transform((input, issues): SqlConfig => {
    const { table, storage_mode: mode, schema, create_table: createTable } = input;
    const includeHeaders = eitherOf(input, "include_headers", "forward_headers", issues) ?? true;
    const parts = table.split(".");
    if (parts.length > 2 || parts.some((part) => part === "" || !rule.fits(part))) {
      reportAt(issues, "table", `Not a name, or ${rule.container}.name, of at most ${rule.limit} each`);
    }
    const fields = mode === "json" ? [] : schema?.fields ?? [];
    reportColumns(fields, rule, issues);
    if (mode === "relational" && fields.length === 0) {
      reportAt(issues, "schema", "Required in mode relational: the fields that get columns");
    }
    const upserts = input.upsert && fields.length > 0;
    const upsertColumn = upserts ? fields.find(({ name }) => name === input.upsert_key)?.column : undefined;
    if (upserts && upsertColumn === undefined) {
      reportAt(issues, "upsert_key", "Names no field of schema.fields");
    }
    const indexes = Object.entries(schema?.indexes ?? {}).map(([name, { columns }]) => ({ name, columns }));
    if (createTable) {
      reportIndexes(
        indexes,
        [...fields.map(({ column }) => column), ...OWN_COLUMNS[mode]],
        rule,
        issues,
      );
    }
    return {
      batchKey: JSON.stringify([table, mode, includeHeaders, createTable, input.schema, upsertColumn]),
      table: parts,
      mode,
      includeHeaders,
      createTable,
      fields,
      indexes,
      upsertColumn,
      isBlob: false,
      timeoutMs: input.timeout * 1000,
    };
  });
}
