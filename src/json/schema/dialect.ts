/**
 * The two drafts of JSON Schema that are understood, and of what kind the value of each of their keywords is.
 *
 * @see https://json-schema.org/draft/2020-12 and https://json-schema.org/draft-07
 * @module
 */

/**
 * What a keyword's value is.
 *
 * - `schema`, `schemas` (a list), `map` (of schemas by name): schemas of their own.
 * - `patterns`: a map whose names are patterns; `dependencies`: a map of schemas or lists of names.
 * - `items`: a schema or a list of schemas, in draft-07.
 */
export type KeywordKind =
  | "schema"
  | "schemas"
  | "map"
  | "patterns"
  | "dependencies"
  | "items"
  | "types"
  | "values"
  | "number"
  | "positive"
  | "count"
  | "flag"
  | "text"
  | "pattern"
  | "names"
  | "namesByName"
  | "anything";

/** A draft. */
export interface Dialect {
  readonly draft: "2020-12" | "draft-07";
  /** Keywords that count. All others are remarks. */
  readonly keywords: ReadonlyMap<string, KeywordKind>;
}

const COMMON: Readonly<Record<string, KeywordKind>> = {
  $id: "text",
  $ref: "text",
  $comment: "text",
  type: "types",
  enum: "values",
  const: "anything",
  multipleOf: "positive",
  maximum: "number",
  exclusiveMaximum: "number",
  minimum: "number",
  exclusiveMinimum: "number",
  maxLength: "count",
  minLength: "count",
  pattern: "pattern",
  maxItems: "count",
  minItems: "count",
  uniqueItems: "flag",
  maxProperties: "count",
  minProperties: "count",
  required: "names",
  properties: "map",
  patternProperties: "patterns",
  additionalProperties: "schema",
  propertyNames: "schema",
  contains: "schema",
  allOf: "schemas",
  anyOf: "schemas",
  oneOf: "schemas",
  not: "schema",
  if: "schema",
  then: "schema",
  else: "schema",
  definitions: "map",
};

const DRAFT_2020_12: Dialect = {
  draft: "2020-12",
  keywords: new Map(Object.entries({
    ...COMMON,
    $anchor: "text",
    $dynamicAnchor: "text",
    $dynamicRef: "text",
    $defs: "map",
    prefixItems: "schemas",
    items: "schema",
    minContains: "count",
    maxContains: "count",
    dependentRequired: "namesByName",
    dependentSchemas: "map",
    unevaluatedItems: "schema",
    unevaluatedProperties: "schema",
  })),
};

const DRAFT_07: Dialect = {
  draft: "draft-07",
  keywords: new Map(Object.entries({
    ...COMMON,
    items: "items",
    additionalItems: "schema",
    dependencies: "dependencies",
  })),
};

const BY_URI: ReadonlyMap<string, Dialect> = new Map([
  ["https://json-schema.org/draft/2020-12/schema", DRAFT_2020_12],
  ["http://json-schema.org/draft-07/schema", DRAFT_07],
]);

/** The draft that a schema names in `$schema`; 2020-12 where it names none, `undefined` where it names another. */
export function dialectOf($schema: unknown): Dialect | undefined {
  if ($schema === undefined) return DRAFT_2020_12;
  return typeof $schema === "string"
    ? BY_URI.get(
      $schema.replace(/#$/, "").replace(
        /^https:\/\/json-schema.org\/draft-07/,
        "http://json-schema.org/draft-07",
      ),
    )
    : undefined;
}
