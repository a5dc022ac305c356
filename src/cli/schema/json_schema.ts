/**
 * Schemas of the configuration as JSON Schema (2020-12), of what may be written: a text with a reference wherever a
 * value may stand, numbers as texts, and an empty text for what may be left out.
 *
 * @module
 */

import { z } from "zod";

/** What the schemas are written in. */
export const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** A JSON Schema, or a part of one. */
export type JsonSchema = { [key: string]: unknown };

/** Matches a text in which a reference stands: what is put in for it is not known here. */
const REFERENCE = "\\{\\$";
const EMPTY_OR_REFERENCE = `^$|${REFERENCE}`;
const NUMBER_TEXT = "^\\s*-?\\d+(\\.\\d+)?\\s*$";
const BOOLEAN_TEXT = "^\\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\\s*$";

/** What says something of a schema, and nothing of values. */
const ANNOTATIONS = ["title", "description", "default", "deprecated"];

/** Meta data of the program's own. */
const OWN_META = ["shortForm", "emptyIsValue", "namesHeader"];

/** What may be written for a schema where no reference is replaced. */
export function plainSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...json } = converted(schema);
  return json;
}

/** What may be written for a schema. */
export function writtenSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...json } = converted(schema);
  return asWritten(json, false);
}

function converted(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    reused: "inline",
    override: mend,
  }) as JsonSchema;
}

/**
 * The same schema with what is described once, as what may hold itself is, under names of the whole file: within it,
 * they are names of a part.
 */
export function withSharedParts(schema: JsonSchema): JsonSchema {
  const shared: JsonSchema = {};
  const root = lifted(schema["$defs"] ?? {}, shared, {}) as JsonSchema;
  const { $defs: _named, ...rest } = schema;
  return { ...lifted(rest, shared, {}) as JsonSchema, $defs: { ...root, ...shared } };
}

/** @param names what the parts of the schema around it are called in the file */
function lifted(value: unknown, shared: JsonSchema, names: Readonly<Record<string, string>>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => lifted(item, shared, names));
  const { $defs, ...rest } = value as JsonSchema;
  const parts = Object.entries($defs ?? {});
  const first = Object.keys(shared).length + 1;
  const inside = {
    ...names,
    ...Object.fromEntries(parts.map(([name], index) => [name, `part-${first + index}`])),
  };
  for (const [name] of parts) shared[inside[name]!] = true;
  for (const [name, part] of parts) shared[inside[name]!] = lifted(part, shared, inside);
  return Object.fromEntries(
    Object.entries(rest).map(([key, child]) => {
      const [, name = ""] = key === "$ref" ? /^#\/\$defs\/(.+)$/.exec(String(child)) ?? [] : [];
      return [key, name in inside ? `#/$defs/${inside[name]}` : lifted(child, shared, inside)];
    }),
  );
}

/** Puts in what the conversion leaves out, and out what it should leave out. */
function mend(
  { zodSchema, jsonSchema: given }: { readonly zodSchema: z.core.$ZodTypes; readonly jsonSchema: object },
): void {
  const json = given as JsonSchema;
  for (const key of OWN_META) delete json[key];
  if (json["minimum"] === Number.MIN_SAFE_INTEGER) delete json["minimum"];
  if (json["maximum"] === Number.MAX_SAFE_INTEGER) delete json["maximum"];
  const { def } = zodSchema._zod;
  // JSON Schema knows no flags.
  const { patterns } = zodSchema._zod.bag as { readonly patterns?: ReadonlySet<RegExp> };
  if ([...patterns ?? []].some(({ flags }) => /[ims]/.test(flags))) {
    delete json["pattern"];
    delete json["allOf"];
  }
  const { shortForm } = (z.globalRegistry.get(zodSchema) ?? {}) as { readonly shortForm?: JsonSchema };
  if (def.type !== "pipe" || shortForm === undefined) return;
  // What is read first may be written in another form, of which the schema of the result says nothing.
  const result = Object.fromEntries(Object.entries(json).filter(([key]) => !ANNOTATIONS.includes(key)));
  for (const key of Object.keys(result)) delete json[key];
  json["anyOf"] = [result, shortForm];
}

/**
 * The same schema for values before references are replaced.
 *
 * @param isOptional whether an empty text stands for nothing
 */
export function asWritten(schema: unknown, isOptional: boolean): JsonSchema {
  if (typeof schema !== "object" || schema === null) return schema as never;
  const json = { ...schema } as JsonSchema;
  for (const key of ["anyOf", "oneOf", "allOf", "prefixItems"]) {
    const parts = json[key];
    if (Array.isArray(parts)) json[key] = parts.map((part) => asWritten(part, isOptional));
  }
  // A text that several alternatives take, since each takes references, would fit none of them alone.
  if ("oneOf" in json) {
    json["anyOf"] = json["oneOf"];
    delete json["oneOf"];
  }
  if (json["$defs"] !== undefined) {
    const parts = Object.entries(json["$defs"] as JsonSchema);
    json["$defs"] = Object.fromEntries(parts.map(([name, part]) => [name, asWritten(part, false)]));
  }
  for (const key of ["items", "additionalProperties"]) {
    if (typeof json[key] === "object") json[key] = asWritten(json[key], false);
  }
  const required = (json["required"] ?? []) as readonly string[];
  if (json["properties"] !== undefined) {
    const properties = Object.entries(json["properties"] as JsonSchema);
    json["properties"] = Object.fromEntries(
      properties.map(([key, property]) => [key, asWritten(property, !required.includes(key))]),
    );
  }
  return withTexts(json, isOptional);
}

/** Adds the texts that may stand in the place of a number, a truth value, or a text with rules. */
function withTexts(json: JsonSchema, isOptional: boolean): JsonSchema {
  const texts = textsFor(json);
  if (texts === undefined) return json;
  const references = isOptional ? EMPTY_OR_REFERENCE : REFERENCE;
  const annotations = Object.entries(json).filter(([key]) => ANNOTATIONS.includes(key));
  const rules = Object.entries(json).filter(([key]) => !ANNOTATIONS.includes(key));
  return {
    ...Object.fromEntries(annotations),
    anyOf: [Object.fromEntries(rules), {
      type: "string",
      pattern: [texts, references].filter(Boolean).join("|"),
    }],
  };
}

/** A pattern of them; empty for references alone, and `undefined` where the schema takes any text already. */
function textsFor(json: JsonSchema): string | undefined {
  const values = json["enum"] as readonly unknown[] | undefined ??
    ("const" in json ? [json["const"]] : undefined);
  if (json["type"] === "integer" || json["type"] === "number") return NUMBER_TEXT;
  if (json["type"] === "boolean") return BOOLEAN_TEXT;
  if (values !== undefined) return values.every((value) => typeof value === "number") ? NUMBER_TEXT : "";
  if (json["type"] !== "string") return undefined;
  const hasRules = ["pattern", "format", "minLength", "maxLength", "allOf"].some((rule) => rule in json);
  return hasRules ? "" : undefined;
}
