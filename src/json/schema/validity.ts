/**
 * Whether a schema is one that can be used: values of keywords, references and patterns.
 *
 * @module
 */

import { tokenOf } from "../pointer.ts";
import { childrenOf, type Place, type Places, SchemaError } from "./places.ts";
import type { KeywordKind } from "./dialect.ts";
import { Pattern, PatternError } from "./pattern/pattern.ts";
import { isObject, type JsonObject } from "./values.ts";

const TYPES: readonly unknown[] = ["null", "boolean", "object", "array", "number", "string", "integer"];

/** What the value of a keyword must be, and how that is said. */
type Rule = readonly [isValid: (value: unknown) => boolean, expected: string];

const isText = (value: unknown) => typeof value === "string";
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
const isSchema = (value: unknown) => isObject(value) || typeof value === "boolean";
const isMap = (value: unknown) => isObject(value) && Object.values(value).every(isSchema);

const RULES: Readonly<Record<KeywordKind, Rule>> = {
  schema: [isSchema, "a schema"],
  schemas: [
    (value) => Array.isArray(value) && value.length > 0 && value.every(isSchema),
    "a list of schemas that is not empty",
  ],
  map: [isMap, "an object of schemas"],
  patterns: [isMap, "an object of schemas"],
  dependencies: [
    (value) => isObject(value) && Object.values(value).every((child) => isSchema(child) || isTexts(child)),
    "an object of schemas or lists of names",
  ],
  items: [
    (value) => isSchema(value) || (Array.isArray(value) && value.every(isSchema)),
    "a schema or a list of schemas",
  ],
  types: [
    (value) => TYPES.includes(value) || (Array.isArray(value) && value.length > 0 && value.every(isType)),
    `one of ${TYPES.map((type) => `'${type}'`).join(", ")}, or a list of them`,
  ],
  values: [Array.isArray, "a list"],
  number: [Number.isFinite, "a number"],
  positive: [(value) => Number.isFinite(value) && (value as number) > 0, "a number above 0"],
  count: [(value) => Number.isInteger(value) && (value as number) >= 0, "a whole number from 0"],
  flag: [(value) => typeof value === "boolean", "true or false"],
  text: [isText, "a text"],
  pattern: [isText, "a text"],
  names: [isTexts, "a list of texts"],
  namesByName: [
    (value) => isObject(value) && Object.values(value).every(isTexts),
    "an object of lists of texts",
  ],
  anything: [() => true, ""],
};

function isType(value: unknown): boolean {
  return TYPES.includes(value);
}

/** @throws {SchemaError} for the first thing that is wrong */
export function requireValid(places: Places): void {
  // References may lead to further places, which are gone through then.
  for (const place of places) requireValidPlace(places, place);
  for (const place of places) if ("$ref" in place.schema) requireEnd(places, place);
}

function requireValidPlace(places: Places, place: Place): void {
  const { schema, pointer } = place;
  for (const [keyword, value] of keywordsOf(places, schema)) {
    const kind = places.dialect.keywords.get(keyword)!;
    const [isValid, expected] = RULES[kind];
    if (!isValid(value)) throw new SchemaError(`${pointer}/${keyword}`, `Must be ${expected}`);
    if (keyword === "$ref" || keyword === "$dynamicRef") places.resolve(value as string, place, keyword);
    if (kind === "pattern") requirePattern(value as string, `${pointer}/${keyword}`);
    if (kind !== "patterns") continue;
    for (const pattern of Object.keys(value as JsonObject)) {
      requirePattern(pattern, `${pointer}/${keyword}/${tokenOf(pattern)}`);
    }
  }
}

/** The keywords of a schema that count. */
export function keywordsOf(places: Places, schema: JsonObject): [keyword: string, value: unknown][] {
  if (places.dialect.draft === "draft-07" && schema["$ref"] !== undefined) return [["$ref", schema["$ref"]]];
  return Object.entries(schema).filter(([keyword]) => places.dialect.keywords.has(keyword));
}

function requirePattern(pattern: string, pointer: string): void {
  try {
    new Pattern(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new SchemaError(pointer, `The pattern cannot be used: ${error.message}`);
  }
}

/** Keywords whose schemas are held against the same value. */
const IN_PLACE = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"];

/** A schema that refers to itself for one and the same value would never come to an end. @param start has a reference */
function requireEnd(places: Places, start: Place): void {
  const seen = new Set<JsonObject>();
  const ahead = successors(places, start);
  while (ahead.length > 0) {
    const schema = ahead.pop()!;
    if (schema === start.schema) throw new SchemaError(start.pointer, "Refers to itself without an end");
    if (seen.has(schema)) continue;
    seen.add(schema);
    ahead.push(...successors(places, places.placeOf(schema)));
  }
}

function successors(places: Places, place: Place): JsonObject[] {
  const next: unknown[] = [];
  for (const [keyword, value] of keywordsOf(places, place.schema)) {
    if (keyword === "$ref") next.push(places.resolve(value as string, place, keyword));
    else if (IN_PLACE.includes(keyword)) {
      const kind = places.dialect.keywords.get(keyword)!;
      next.push(...Array.from(childrenOf(kind, value), ([, child]) => child));
    }
  }
  return next.filter(isObject);
}
