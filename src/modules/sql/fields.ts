/**
 * `schema.fields` of `module-config`: values of the payload that have columns of their own.
 *
 * @module
 */

import { z } from "zod";
import { JsonPointer } from "../../json/pointer.ts";
import { reportAt } from "../../schema/fields.ts";

/** Types that a field can be declared with, as in the Python service. They make columns; an existing one keeps its own. */
const FIELD_TYPES = [
  "string",
  "text",
  "integer",
  "int",
  "float",
  "number",
  "boolean",
  "bool",
  "datetime",
  "timestamp",
  "date",
  "time",
  "json",
] as const;

const CONSTRAINTS = ["NOT NULL", "UNIQUE", "PRIMARY KEY"] as const;

/** A declared type. */
export type FieldType = typeof FIELD_TYPES[number];

/** What a column that is created is held to. */
export type FieldConstraint = typeof CONSTRAINTS[number];

/** Stands for the time of receipt as a default. */
const NOW = "CURRENT_TIMESTAMP";

/** A value of the payload with a column of its own. */
export interface SqlField {
  /** As the configuration calls it. */
  readonly name: string;
  readonly column: string;
  /** Where it stands in the payload. */
  readonly place: JsonPointer;
  readonly type: FieldType;
  readonly constraints: readonly FieldConstraint[];
  /** What counts where the payload has no such place: the text of a JSON value, or the time of receipt. */
  readonly absent: { readonly json: string } | "received_at";
}

/** Which names a server takes for tables and columns as they are. */
export interface NameRule {
  /** What they may be, as the rest of the sentence "a name of at most …". */
  readonly limit: string;
  /** What holds the table in the server, in front of its name. */
  readonly container: string;
  fits(name: string): boolean;
  /** The same for all ways to write a column's name. */
  canonical(name: string): string;
}

/** A column's name. */
export function columnName(rule: NameRule): z.ZodType<string> {
  return z.string().min(1).refine((name) => rule.fits(name), {
    error: `Not a name of at most ${rule.limit}`,
  });
}

const constraintField = z.string().transform((text) => text.trim().toUpperCase()).pipe(z.enum(CONSTRAINTS));

/** The fields by their names, compiled. */
export function fieldsSchema(rule: NameRule): z.ZodType<readonly SqlField[]> {
  const field = z.strictObject({
    column: columnName(rule).optional(),
    type: z.string().transform((type) => type.toLowerCase()).pipe(z.enum(FIELD_TYPES)).default("string"),
    json_pointer: z.string().optional(),
    constraints: z.array(constraintField).default([]),
    default: z.json().optional(),
  });
  return z.record(z.string().min(1), field).transform((fields, issues) =>
    Object.entries(fields).flatMap(
      ([name, { column = name, type, json_pointer, constraints, default: value }]) => {
        const place = json_pointer === undefined ? JsonPointer.of(name) : JsonPointer.parse(json_pointer);
        if (!rule.fits(column)) {
          reportAt(
            issues,
            [name, "column"],
            `The name is too long for a column: give one of at most ${rule.limit}`,
          );
        }
        if (place === undefined) {
          reportAt(issues, [name, "json_pointer"], "Not a JSON pointer, such as /order/id");
          return [];
        }
        return [{ name, column, place, type, constraints, absent: absentOf(value) }];
      },
    )
  );
}

function absentOf(value: z.output<ReturnType<typeof z.json>> | undefined): SqlField["absent"] {
  if (value === NOW) return "received_at";
  return { json: JSON.stringify(value ?? null) };
}
