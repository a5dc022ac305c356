/**
 * JSON Schemas of `webhooks.json` and `connections.json`: what is written in them, for editors and for programs that
 * write them. What needs more than one file to be known is for `cwm check`: whether a connection exists, for example.
 *
 * @module
 */

import { chainItemSchema } from "../../config/compile/delivery_schema.ts";
import { connectionSchema, webhookSchema } from "../../config/compile/schema.ts";
import { OF_RETRY, OF_STEPS, OF_WEBHOOKS } from "../../config/compile/without_effect.ts";
import { CONNECTION_NAME, MAX_WEBHOOK_ID, WEBHOOK_ID } from "../../event/names.ts";
import { namesOf, type OutputModule } from "../../modules/module.ts";
import { outputModules } from "../../modules/registry.ts";
import { knownKeys } from "../../schema/known_keys.ts";
import { DIALECT, type JsonSchema, withSharedParts, writtenSchema } from "./json_schema.ts";

/** What an author writes for people, in entries and directly below their keys. */
const REMARKS: JsonSchema = {
  "^_": true,
  "^x-": true,
  "^//$": true,
  "^\\$schema$": true,
  "^description$": true,
};

const REFERENCE: JsonSchema = { type: "string", pattern: "\\{\\$" };

/** The members of both files that are no entries. */
const FILE_REMARKS: JsonSchema = {
  $schema: { type: "string", description: "The file with this schema, for editors." },
  "//": true,
};

/** Of `webhooks.json`. */
export function webhooksSchema(): JsonSchema {
  const modules = outputModules.map((module): [string, JsonSchema] => [
    `module-config of ${module.name}`,
    withRemarks(withDeadKeys(writtenSchema(module.configSchema), module.keysWithoutEffect)),
  ]);
  const name = { pattern: WEBHOOK_ID.source, maxLength: MAX_WEBHOOK_ID };
  return file("Webhooks", "webhook", name, ["module", "chain"], {
    webhook: webhookEntry(),
    step: stepEntry(),
    ...Object.fromEntries(modules),
  });
}

/** Of `connections.json`. */
export function connectionsSchema(): JsonSchema {
  const types = outputModules.flatMap(({ connectionTypes }) => connectionTypes);
  const { properties } = writtenSchema(connectionSchema) as { readonly properties: JsonSchema };
  const known = [...new Set(types)].map((type) => {
    const { connectionSchema: schema } = outputModules.find(({ connectionTypes }) =>
      connectionTypes.includes(type)
    )!;
    return {
      if: hasValue("type", [type]),
      then: schema === undefined ? true : withType(writtenSchema(schema)),
    };
  });
  return file("Connections", "connection", { pattern: CONNECTION_NAME.source }, ["type"], {
    connection: {
      type: "object",
      required: ["type"],
      properties: {
        type: {
          ...properties["type"] as JsonSchema,
          anyOf: [{ enum: [...new Set(types)] }, { type: "string" }],
        },
      },
      allOf: known,
    },
  });
}

/**
 * @param name what the name of an entry must look like
 * @param marks keys by which an entry whose name begins with `x-` differs from a remark
 */
function file(
  title: string,
  entry: string,
  name: JsonSchema,
  marks: readonly string[],
  $defs: JsonSchema,
): JsonSchema {
  const ref = { $ref: `#/$defs/${entry}` };
  const isEntry = { type: "object", anyOf: marks.map((mark) => ({ required: [mark] })) };
  return withSharedParts({
    $schema: DIALECT,
    title,
    type: "object",
    propertyNames: { anyOf: [name, { pattern: "^_|^x-|^//$|^\\$schema$" }] },
    properties: { ...FILE_REMARKS, description: { if: { type: "string" }, then: true, else: ref } },
    patternProperties: { "^_": true, "^x-": { if: isEntry, then: ref } },
    additionalProperties: ref,
    $defs,
  });
}

function webhookEntry(): JsonSchema {
  const { properties, ...schema } = writtenSchema(webhookSchema) as {
    properties: Record<string, JsonSchema>;
  };
  const { additionalProperties: _closed, ...others } = schema as JsonSchema;
  const own = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, withRemarks(value)]));
  return {
    ...others,
    anyOf: [{ required: ["module"] }, { required: ["chain"] }],
    properties: {
      ...own,
      ...without(properties, deprecated(OF_WEBHOOKS)),
      retry: withDeadKeys(own["retry"]!, OF_RETRY),
      module: { ...own["module"], ...moduleName() },
      chain: {
        description: own["chain"]!["description"],
        anyOf: [{ type: "array", minItems: 1, maxItems: 20, items: { $ref: "#/$defs/step" } }, REFERENCE, {
          const: "",
        }],
      },
    },
    patternProperties: REMARKS,
    allOf: [
      ...outputModules.map((module) => ({
        if: hasValue("module", namesOf(module)),
        then: settingsOf(module, knownKeys(webhookSchema), true),
      })),
      { if: { required: ["chain"] }, then: { properties: keysOfAll() } },
    ],
    unevaluatedProperties: false,
  };
}

function stepEntry(): JsonSchema {
  const { additionalProperties: _closed, properties, ...others } = writtenSchema(chainItemSchema) as {
    additionalProperties: unknown;
    properties: Record<string, JsonSchema>;
  };
  const object = {
    ...others,
    properties: {
      ...properties,
      ...without(properties, deprecated(OF_STEPS)),
      retry: withDeadKeys(properties["retry"]!, OF_RETRY),
      module: { ...properties["module"], ...moduleName() },
    },
    patternProperties: REMARKS,
    allOf: outputModules.map((module) => ({
      if: hasValue("module", namesOf(module)),
      then: settingsOf(module, knownKeys(chainItemSchema), false),
    })),
    unevaluatedProperties: false,
  };
  return { if: { type: "string" }, then: moduleName(), else: object };
}

function moduleName(): JsonSchema {
  return { anyOf: [{ enum: outputModules.flatMap(namesOf) }, REFERENCE] };
}

/**
 * The settings of a module: in `module-config`, or beside it.
 *
 * @param ownKeys keys that mean something else beside it
 * @param isWhole whether all of them have to stand here
 */
function settingsOf(module: OutputModule, ownKeys: readonly string[], isWhole: boolean): JsonSchema {
  const { name, configSchema, keysWithoutEffect = {}, ownConnectionSchema } = module;
  const { properties = {}, required = [] } = writtenSchema(configSchema) as {
    readonly properties?: JsonSchema;
    readonly required?: readonly string[];
  };
  const place = `#/$defs/${encodeURIComponent(`module-config of ${name}`)}`;
  const beside = [...knownKeys(configSchema), ...Object.keys(keysWithoutEffect)]
    .filter((key) => !ownKeys.includes(key))
    .map((key) => [key, key in properties ? { $ref: `${place}/properties/${key}` } : true]);
  return {
    properties: {
      ...Object.fromEntries(beside),
      "module-config": { $ref: place },
      ...(ownConnectionSchema === undefined
        ? {}
        : { redis: withRemarks(writtenSchema(ownConnectionSchema)) }),
    },
    ...(isWhole && ownConnectionSchema === undefined && required.length > 0
      ? { allOf: required.map((key) => hasSetting(key)) }
      : {}),
  };
}

function hasSetting(key: string): JsonSchema {
  const inside = { required: ["module-config"], properties: { "module-config": { required: [key] } } };
  return { anyOf: [inside, { required: [key] }] };
}

/** Beside a chain stand settings of all of its modules. */
function keysOfAll(): JsonSchema {
  const keys = outputModules.flatMap(({ configSchema, keysWithoutEffect = {} }) => [
    ...knownKeys(configSchema),
    ...Object.keys(keysWithoutEffect),
  ]);
  return Object.fromEntries(keys.map((key) => [key, true]));
}

function hasValue(key: string, values: readonly string[]): JsonSchema {
  return { required: [key], properties: { [key]: { enum: values } } };
}

/** An object without required keys: they may stand beside it. Remarks may stand in it. */
function withRemarks(schema: JsonSchema): JsonSchema {
  return onObjects(schema, (object) => ({ ...object, patternProperties: REMARKS }));
}

/** The schema of a connection's other keys, which is closed, with the type among them. */
function withType(schema: JsonSchema): JsonSchema {
  return onObjects(schema, ({ properties, ...object }) => ({
    ...object,
    properties: {
      type: true,
      ...Object.fromEntries(
        Object.entries(properties as Record<string, JsonSchema>).map((
          [key, property],
        ) => [key, withRemarks(property)]),
      ),
    },
    patternProperties: REMARKS,
  }));
}

/** Keys that files of the Python service have and that do nothing. */
function withDeadKeys(schema: JsonSchema, keys: Readonly<Record<string, string>> = {}): JsonSchema {
  return onObjects(schema, ({ required: _elsewhere, properties, ...object }) => ({
    ...object,
    properties: { ...without(properties as JsonSchema, deprecated(keys)), ...properties as JsonSchema },
  }));
}

function deprecated(keys: Readonly<Record<string, string>>): JsonSchema {
  return Object.fromEntries(
    Object.entries(keys).map((
      [key, cure],
    ) => [key, { description: `No effect: ${cure}.`, deprecated: true }]),
  );
}

function without(known: JsonSchema, more: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(more).filter(([key]) => !Object.hasOwn(known, key)));
}

/** Changes every object that a schema describes, however it may be written. */
function onObjects(schema: JsonSchema, change: (object: JsonSchema) => JsonSchema): JsonSchema {
  if (typeof schema !== "object") return schema;
  const { anyOf } = schema;
  const changed = Array.isArray(anyOf)
    ? { ...schema, anyOf: anyOf.map((part) => onObjects(part, change)) }
    : schema;
  return changed["properties"] === undefined ? changed : change(changed);
}
