/**
 * The fields of a secret as texts.
 *
 * @module
 */

import { isObject } from "./answer.ts";

/** What `JSON.parse` gives its reviver besides key and value (ECMAScript proposal "JSON.parse source text access"). */
interface SourceContext {
  /** The characters of a number, string, boolean or null as they stand in the text. */
  readonly source?: string;
}

interface JsonWithSource {
  parse(text: string, reviver: (key: string, value: unknown, context: SourceContext) => unknown): unknown;
  /** A value that `JSON.stringify` writes with exactly these characters. */
  rawJSON(source: string): object;
}

const json = JSON as unknown as JsonWithSource;

/**
 * Parses JSON and keeps every number as it is spelled. A double would round integers beyond 2^53, and a secret
 * of digits would be another one.
 */
export function parseKeepingNumbers(text: string): unknown {
  return json.parse(
    text,
    (_key, value, { source }) => typeof value === "number" ? json.rawJSON(source!) : value,
  );
}

/** A number of {@linkcode parseKeepingNumbers} as a double; NaN for anything else. */
export function numberOf(value: unknown): number {
  return typeof value === "object" && value !== null ? Number(JSON.stringify(value)) : NaN;
}

/**
 * The fields by name: texts as they are, numbers as they are spelled, `true` and `false`, objects and lists as
 * JSON. A field that is null is no field.
 *
 * @param data the secret as {@linkcode parseKeepingNumbers} returned it; anything but an object has no fields
 */
export function fieldsOf(data: unknown): ReadonlyMap<string, string> {
  if (!isObject(data)) return new Map();
  return new Map(
    Object.entries(data)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
