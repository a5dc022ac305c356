/**
 * What the types of columns can hold, as far as this module fills them. Types are named as the server
 * describes them.
 *
 * See https://clickhouse.com/docs/sql-reference/data-types
 *
 * @module
 */

/**
 * How a time is written so that it names the same instant in every time zone: as seconds since 1970 for
 * `DateTime` and integers, with milliseconds for `DateTime64` and other numbers, as the day in UTC for `Date`,
 * as ISO 8601 in UTC for text.
 */
export type TimeForm = "seconds" | "milliseconds" | "date" | "iso";

/** A type without what does not change how a value is written. */
interface BaseType {
  readonly name: string;
  /** What stands in its parentheses; empty without any. */
  readonly parameters: string;
}

/** ISO 8601 with milliseconds, in characters. */
const ISO_LENGTH = 24;

/** Digits of a time in seconds since 1970, until the year 2286. */
const SECONDS_DIGITS = 10;

const TIME_FORMS: ReadonlyMap<string, TimeForm> = new Map([
  ["DateTime", "seconds"],
  ["DateTime32", "seconds"],
  ["DateTime64", "milliseconds"],
  ["Date", "date"],
  ["Date32", "date"],
  ...["UInt32", "UInt64", "UInt128", "UInt256", "Int64", "Int128", "Int256"]
    .map((name): [string, TimeForm] => [name, "seconds"]),
  ["Float64", "milliseconds"],
  ["String", "iso"],
  ["Dynamic", "iso"],
]);

/** How a time is written into a column of a type; `undefined` when no form of it is right there. */
export function timeFormOf(type: string): TimeForm | undefined {
  const { name, parameters } = baseOf(type);
  const form = TIME_FORMS.get(name);
  if (form !== undefined) return form;
  switch (name) {
    case "FixedString":
      return Number(parameters) >= ISO_LENGTH ? "iso" : undefined;
    case "Decimal":
      return timeFormOfDecimal(parameters);
    case "Variant":
      return timeFormOfVariant(parameters);
    default:
      return undefined;
  }
}

/** Whether a column of a type holds any text without backslashes of at most so many bytes. */
export function holdsText(type: string, longest: number): boolean {
  const { name, parameters } = baseOf(type);
  if (name === "FixedString") return Number(parameters) >= longest;
  if (name === "Variant") return namesIn(parameters).includes("String");
  return name === "String" || name === "Dynamic";
}

/** Whether a column of a type holds the names of namespaces or webhooks: text, or the names that an enumeration lists. */
export function holdsName(type: string, longest: number): boolean {
  return holdsText(type, longest) || /^Enum(?:8|16)?$/.test(baseOf(type).name);
}

/**
 * Whether a column of a type holds any JSON object as it is. `Dynamic` and `Variant` do not: version 26.9 undoes
 * the escapes of their text twice, so backslashes are lost.
 */
export function holdsJsonObject(type: string): boolean {
  return ["String", "JSON", "Object"].includes(baseOf(type).name);
}

/**
 * Whether a column of a type holds some bodies as they are. Which of them is for the server to say, event by
 * event: a number fits `UInt64`, and other text does not.
 */
export function holdsSomeBodies(type: string): boolean {
  return !["Map", "Dynamic", "Variant", "AggregateFunction", "Nothing"].includes(baseOf(type).name);
}

/** `Nullable(T)`, `LowCardinality(T)` and `SimpleAggregateFunction(f, T)` are written as `T`. */
function baseOf(type: string): BaseType {
  const [, name = type, parameters = ""] = /^(\w+)\((.*)\)$/s.exec(type.trim()) ?? [];
  if (name === "Nullable" || name === "LowCardinality") return baseOf(parameters);
  if (name === "SimpleAggregateFunction") return baseOf(splitParameters(parameters).at(-1) ?? "");
  return { name, parameters };
}

/** The precision and the scale: digits in all, and those after the point. */
function timeFormOfDecimal(parameters: string): TimeForm | undefined {
  const [precision = NaN, scale = NaN] = splitParameters(parameters).map(Number);
  if (!(precision - scale >= SECONDS_DIGITS)) return undefined;
  if (scale === 0) return "seconds";
  return scale >= 3 ? "milliseconds" : undefined;
}

/** The form for the most exact of the types that take one. */
function timeFormOfVariant(parameters: string): TimeForm | undefined {
  const names = namesIn(parameters);
  const name = ["DateTime64", "DateTime", "String"].find((wanted) => names.includes(wanted));
  return name === undefined ? undefined : TIME_FORMS.get(name);
}

/** The names of the types that a `Variant` is made of. */
function namesIn(parameters: string): readonly string[] {
  return splitParameters(parameters).map((type) => baseOf(type).name);
}

/** Takes `max, Decimal(18, 3)` apart at the comma that is in no parentheses and no text. */
function splitParameters(parameters: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const [token] of parameters.matchAll(/'(?:[^'\\]|\\.)*'|[^]/g)) {
    if (token === "(") depth++;
    else if (token === ")") depth--;
    if (token === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += token;
  }
  return parts.map((part) => part.trim());
}
