/**
 * The tables of README, made from the code that they describe. `readme_test.ts` fails when README says
 * something else; `deno task readme` puts them in.
 *
 * @module
 */

import { z } from "zod";
import { verifierKinds } from "../../../src/auth/registry.ts";
import {
  chainConfigSchema,
  chainItemSchema,
  idempotencySchema,
  limitsSchema,
  retrySchema,
} from "../../../src/config/compile/delivery_schema.ts";
import { PLANNED_KEYS } from "../../../src/config/compile/not_built.ts";
import { responseSchema } from "../../../src/config/compile/response_schema.ts";
import { webhookSchema } from "../../../src/config/compile/schema.ts";
import { CONNECTOR_VARIABLES, connectorSchema, targetSchema } from "../../../src/connector/config_schema.ts";
import { ERROR_CATALOGUE } from "../../../src/errors.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { SETTING_DEFINITIONS } from "../../../src/settings/settings.ts";
import { pythonConfigurations } from "../python_configurations/python_configurations.ts";

/** What stands between `<!-- NAME -->` and `<!-- end -->`, by name. */
export function readmeSections(): ReadonlyMap<string, string> {
  return new Map([
    ["table: webhook", schemaTable(webhookSchema)],
    ...verifierKinds.filter((kind) => isObject(kind.configSchema)).map((kind): [string, string] => [
      `table: ${kind.key}`,
      schemaTable(kind.configSchema),
    ]),
    ...outputModules.map((
      module,
    ): [string, string] => [`table: ${module.name}`, schemaTable(module.configSchema)]),
    ...connectionSchemas().map(([type, schema]): [string, string] => [
      `table: connection ${type}`,
      schemaTable(schema),
    ]),
    ["table: response", schemaTable(responseSchema)],
    ...outputModules.flatMap(({ name, ownConnectionSchema: schema }): [string, string][] =>
      schema === undefined ? [] : [[`table: ${name} redis`, schemaTable(schema)]]
    ),
    ["table: retry", schemaTable(retrySchema)],
    ["table: limits", schemaTable(limitsSchema)],
    ["table: idempotency", schemaTable(idempotencySchema)],
    ["table: chain item", schemaTable(chainItemSchema)],
    ["table: chain-config", schemaTable(chainConfigSchema)],
    ["table: connector", schemaTable(connectorSchema)],
    ["table: connector target", schemaTable(targetSchema)],
    ["table: connector variables", variablesTable()],
    ["table: settings", settingsTable()],
    ["table: errors", errorsTable()],
    ["table: python configurations", pythonTable()],
    ["list: not built yet", notBuiltList()],
    ["list: keys without effect", keysWithoutEffectList()],
    ["list: planned keys", [...PLANNED_KEYS].map((key) => `\`${key}\``).join(", ")],
  ]);
}

/** Each schema of a connection once, under the first of the types that it is for. */
function connectionSchemas(): (readonly [type: string, schema: z.ZodType])[] {
  const types = new Map<z.ZodType, string>();
  for (const { connectionTypes: [type], connectionSchema } of outputModules) {
    if (type !== undefined && connectionSchema !== undefined && !types.has(connectionSchema)) {
      types.set(connectionSchema, type);
    }
  }
  return Array.from(types, ([schema, type]) => [type, schema]);
}

/** README with its sections replaced by what the code says. */
export function withSections(readme: string): string {
  let text = readme;
  for (const [name, section] of readmeSections()) {
    const inline = name.startsWith("list: ");
    const body = inline ? section : `\n\n${section}\n\n`;
    const marked = new RegExp(`(<!-- ${name} -->)[^]*?(<!-- end -->)`);
    if (!marked.test(text)) throw new Error(`README has no place for '${name}'`);
    text = text.replace(marked, (_all, begin: string, end: string) => begin + body + end);
  }
  return text;
}

function settingsTable(): string {
  return table(
    ["variable", "default", "type", "meaning"],
    SETTING_DEFINITIONS.map((setting) => [
      `\`${setting.variable}\``,
      setting.default.startsWith("(") ? setting.default : `\`${setting.default}\``,
      setting.type,
      setting.description,
    ]),
  );
}

function variablesTable(): string {
  return table(
    ["variable", "sets"],
    Object.entries(CONNECTOR_VARIABLES).map(([variable, key]) => [`\`${variable}\``, `\`${key}\``]),
  );
}

function errorsTable(): string {
  const happens = {
    refused: "not accepted",
    retry: "may be tried again",
    dead_letter: "trying again cannot help",
  };
  return table(
    ["code", "status", "event", "meaning", "what to do"],
    Object.entries(ERROR_CATALOGUE).map(([code, { status, disposition, message, remedy }]) => [
      `\`${code}\``,
      String(status),
      happens[disposition],
      message,
      remedy,
    ]),
  );
}

/** What becomes of configurations in the shapes of the Python service's own files. */
function pythonTable(): string {
  const rows = pythonConfigurations().map(({ title, webhooks, expected, why }) => {
    const refused = Object.keys(expected.refused).length;
    return [
      title,
      String(Object.keys(webhooks).length),
      orNothing(expected.taken),
      orNothing(expected.waiting) + listOf(expected.not_built),
      orNothing(expected.in_vault),
      refused === 0 ? "" : `${refused}: ${why}`,
    ];
  });
  return table(["configuration", "webhooks", "taken", "not built yet", "secret in Vault", "refused"], rows);
}

/** Of each module the keys of `module-config` that do nothing. */
function keysWithoutEffectList(): string {
  return outputModules.flatMap(({ name, keysWithoutEffect }): string[] => {
    if (keysWithoutEffect === undefined) return [];
    return [`${Object.keys(keysWithoutEffect).map((key) => `\`${key}\``).join(", ")} of \`${name}\``];
  }).join("; ");
}

function orNothing(count: number): string {
  return count === 0 ? "" : String(count);
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const names = Object.entries(counts).map(([name, count]) => `\`${name}\`${count === 1 ? "" : ` ${count}`}`);
  return names.length === 0 ? "" : `: ${names.join(", ")}`;
}

/** How many webhooks of all these configurations wait for what, the most first. */
function notBuiltList(): string {
  const all = new Map<string, number>();
  for (const { expected } of pythonConfigurations()) {
    for (const [name, count] of Object.entries(expected.not_built)) {
      all.set(name, (all.get(name) ?? 0) + count);
    }
  }
  const sorted = [...all].sort(([first, a], [second, b]) => b - a || (first < second ? -1 : 1));
  return sorted.map(([name, count]) => `\`${name}\` ${count}`).join(", ");
}

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly defaultValue?: unknown;
}

/** One row a key of an object schema: its type, its default, what it means. */
function schemaTable(schema: z.ZodType): string {
  const shape = Object.entries((objectSchema(schema) as z.ZodObject).shape as Record<string, z.ZodType>);
  return table(
    ["key", "type", "default", "meaning"],
    shape.map((
      [key, field],
    ) => [`\`${key}\``, typeLabel(field), defaultLabel(field), descriptionOf(key, field)]),
  );
}

function isObject(schema: z.ZodType): boolean {
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
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly JsonSchema[];
}

function formLabel(form: JsonSchema): string {
  if (form.enum !== undefined) return form.enum.map((value) => `\`${value}\``).join(", ");
  if (form.anyOf !== undefined) return [...new Set(form.anyOf.map(formLabel))].join(" or ");
  if (form.type === "array") return "list";
  const { minimum, maximum } = form;
  const range = minimum === undefined ? "" : `, ${minimum} to ${maximum}`;
  return `${form.type}${range}`;
}

function defaultLabel(field: z.ZodType): string {
  const { type, innerType, defaultValue } = definition(field);
  if (type === "default") return `\`${JSON.stringify(defaultValue)}\``;
  if (type === "optional") return "";
  return innerType === undefined ? "required" : defaultLabel(innerType);
}

function descriptionOf(key: string, field: z.ZodType): string {
  const description = field.description ?? definition(field).innerType?.description;
  if (description === undefined) throw new Error(`The schema of '${key}' has no description`);
  return description;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
