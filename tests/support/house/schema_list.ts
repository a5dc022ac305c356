/**
 * Schemas as lists: one line a key, with its type, its default and what it means.
 *
 * @module
 */

import { z } from "zod";

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly defaultValue?: unknown;
}

/** One line a key of an object schema: its type, its default, what it means. */
export function schemaList(schema: z.ZodType): string {
  const shape = Object.entries((objectSchema(schema) as z.ZodObject).shape as Record<string, z.ZodType>);
  return list(shape.map(([key, field]) => {
    const preset = defaultLabel(field);
    const kind = preset === "" ? typeLabel(field) : `${typeLabel(field)}, ${preset}`;
    return [key, kind, descriptionOf(key, field)];
  }));
}

export function isObject(schema: z.ZodType): boolean {
  return definition(objectSchema(schema)).type === "object";
}

/** The object schema within transforms. */
function objectSchema(schema: z.ZodType): z.ZodType {
  const inner = definition(schema).in;
  return inner === undefined ? schema : objectSchema(inner);
}

function definition(schema: z.ZodType): Definition {
  return schema.def as unknown as Definition;
}

function typeLabel(field: z.ZodType): string {
  const whole = z.toJSONSchema(field, { io: "input", unrepresentable: "any" }) as JsonSchema;
  // That a key may be null, too, is for files that were written for the original.
  const forms = (whole.anyOf ?? [whole]).filter(({ type }) => type !== "null");
  return [...new Set(forms.map(formLabel))].join(" or ");
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly JsonSchema[];
}

function formLabel(form: JsonSchema): string {
  if (form.enum !== undefined) return form.enum.map((value) => `\`${value}\``).join(", ");
  if (form.anyOf !== undefined) return [...new Set(form.anyOf.map(formLabel))].join(" or ");
  if (form.type === "array") return "list";
  return [[form.type ?? "any JSON"].flat().join(" or "), ...rangeOf(form)].join(", ");
}

function rangeOf({ minimum, maximum = Infinity }: JsonSchema): readonly string[] {
  if (minimum === undefined) return [];
  return [maximum < Number.MAX_SAFE_INTEGER ? `${minimum} to ${maximum}` : `at least ${minimum}`];
}

function defaultLabel(field: z.ZodType): string {
  const { type, innerType, defaultValue } = definition(field);
  if (type === "default") return `default \`${JSON.stringify(defaultValue)}\``;
  if (type === "optional") return "";
  return innerType === undefined ? "required" : defaultLabel(innerType);
}

function descriptionOf(key: string, field: z.ZodType): string {
  const description = field.description ?? definition(field).innerType?.description;
  if (description === undefined) throw new Error(`The schema of '${key}' has no description`);
  return description;
}

/** One line a name: of what kind it is, and what it means. */
export function list(
  lines: readonly (readonly [name: string, kind: string | undefined, meaning: string])[],
): string {
  return lines.map(([name, kind, meaning]) =>
    `- \`${name}\`${kind === undefined ? "" : ` (${kind})`}: ${meaning}`
  ).join("\n");
}
