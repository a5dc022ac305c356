/**
 * The description of the routes as an OpenAPI 3.1 document.
 *
 * @module
 */

import { z } from "zod";
import { ERROR_CATALOGUE, type ErrorCode, InvariantError } from "../../../errors.ts";
import { VERSION } from "../../../version.ts";
import type { Route } from "../../router.ts";
import { type Content, named, type Operation, type Security } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";

type Json = Record<string, unknown>;

/** What every request may meet, and what those behind the admin token may. */
const COMMON_ERRORS: readonly ErrorCode[] = ["invalid_host", "internal_error"];
const ADMIN_ERRORS: readonly ErrorCode[] = ["unauthorized", "forbidden", "role_required", "rate_limited"];

const SECURITY: Readonly<Record<Security, readonly Json[]>> = {
  none: [],
  webhook: [],
  admin: [{ admin: [] }],
  channel: [{ channel: [] }],
  metrics: [{}, { metrics: [] }, { admin: [] }],
};

const SECURITY_SCHEMES: Json = {
  admin: {
    type: "http",
    scheme: "bearer",
    description:
      "`ADMIN_TOKEN`, or a token of `ADMIN_TOKENS_FILE` that has the role. While neither is set, the answer is 403.",
  },
  channel: { type: "http", scheme: "bearer", description: "The token of the channel." },
  metrics: { type: "http", scheme: "bearer", description: "`METRICS_TOKEN`, where it is set." },
};

const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  namespace: "1 to 64 characters of `a-z A-Z 0-9 _ -`.",
  webhook_id: "1 to 64 of `a-z A-Z 0-9 _ -` and single dots inside, beginning with a letter or digit.",
  channel: "The channel, as the webhook's `module-config` names it.",
};

const errorSchema = named(
  "Error",
  z.object({
    error: z.object({
      code: z.enum(Object.keys(ERROR_CATALOGUE) as ErrorCode[]).meta({ description: "Stable." }),
      message: z.string().meta({ description: "For people." }),
    }),
  }),
);

/** Whether the operation is one of the route. */
function belongsTo({ path, method }: Operation, route: Route): boolean {
  const isAtRoute = route.isPrefix === true ? path.startsWith(route.path) : path === route.path;
  return isAtRoute && Object.hasOwn(route.methods, method);
}

/**
 * Describes what a gateway answers: webhooks, and of all other operations those that it has routes for.
 *
 * @param routes all that it has beside the webhooks
 * @throws {InvariantError} for one that is not described
 */
export function describeApi(routes: readonly Route[]): Json {
  for (const route of routes) requireDescribed(route);
  const operations = OPERATIONS.filter((operation) =>
    operation.path.startsWith("/webhook/") || routes.some((route) => belongsTo(operation, route))
  );
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = paths[operation.path] ??= pathItem(operation);
    const route = routes.find((route) => belongsTo(operation, route));
    const role = route?.methods[operation.method]?.role;
    path[operation.method.toLowerCase()] = {
      ...describe(operation),
      ...(role === undefined ? {} : { "x-role": role }),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Core Webhook Module",
      version: VERSION,
      license: { name: "MIT", identifier: "MIT" },
      description: "Every GET may be a HEAD. Later versions may add fields to answers.",
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas: namedSchemas(operations), securitySchemes: SECURITY_SCHEMES },
  };
}

/** What all methods of a path have in common: the parameters in it. */
function pathItem({ path }: Operation): Json {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  if (names.length === 0) return {};
  const parameters = names.map((name) => ({
    name,
    in: "path",
    required: true,
    description: PATH_PARAMETERS[name],
    schema: { type: "string" },
  }));
  return { parameters };
}

/** A route that nobody has described would be missing without a word. */
function requireDescribed(route: Route): void {
  const operations = OPERATIONS.filter((operation) => belongsTo(operation, route));
  for (const method of Object.keys(route.methods)) {
    if (operations.some((operation) => operation.method === method)) continue;
    throw new InvariantError(`${method} ${route.path} is not described in src/http/routes/api`);
  }
}

function describe({ id, summary, security, query, headers, body, answers, ...operation }: Operation): Json {
  const parameters = [...parametersOf("query", query), ...parametersOf("header", headers)];
  const codes = [
    ...COMMON_ERRORS,
    ...(security === "admin" ? ADMIN_ERRORS : []),
    ...operation.errors ?? [],
  ];
  return {
    operationId: id,
    summary,
    ...(security === "webhook" ? { description: "What the request has to show stands in the webhook." } : {}),
    security: SECURITY[security],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { description: body.description, content: contentOf(body) } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer)])),
      ...errorResponses(codes, Object.keys(answers)),
    },
  };
}

function response(content: Content): Json {
  return {
    description: content.description,
    headers: { "X-Request-Id": { description: "The id of the request.", schema: { type: "string" } } },
    ...(content.type === undefined ? {} : { content: contentOf(content) }),
  };
}

function contentOf({ type = "*/*", schema }: Content): Json {
  return { [type]: schema === undefined ? {} : { schema: schemaOf(schema) } };
}

function parametersOf(place: "query" | "header", schema: z.ZodObject | undefined): readonly Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => {
    const { description, ...value } = schemaOf(field as z.ZodType);
    const isRequired = !(field as z.ZodType).safeParse(undefined).success;
    return { name, in: place, required: isRequired, description, schema: value };
  });
}

/** One answer for each status, which says by which codes it comes. */
function errorResponses(codes: readonly ErrorCode[], taken: readonly string[]): Json {
  const byStatus = Object.groupBy(new Set(codes), (code) => ERROR_CATALOGUE[code].status);
  const described = Object.entries(byStatus).filter(([status]) => !taken.includes(status));
  return Object.fromEntries(described.map(([status, group = []]) => [status, {
    description: group.map((code) => `\`${code}\`: ${ERROR_CATALOGUE[code].message}.`).join(" "),
    content: {
      "application/json": {
        schema: {
          allOf: [{ $ref: refTo("Error") }],
          properties: { error: { properties: { code: { enum: group } } } },
        },
      },
    },
  }]));
}

function refTo(id: string): string {
  return `#/components/schemas/${id}`;
}

/** As JSON Schema, in which schemas with a name are references. */
function schemaOf(schema: z.ZodType): Json {
  const id = schema.meta()?.id;
  if (id !== undefined) return { $ref: refTo(id) };
  const { $schema: _dialect, $defs: _named, ...rest } = z.toJSONSchema(schema, CONVERSION) as Json;
  return JSON.parse(JSON.stringify(rest).replaceAll("#/$defs/", refTo("")));
}

/** As a request is written and an answer is read, without the bounds that any whole number has in JavaScript. */
const CONVERSION: z.core.ToJSONSchemaParams = {
  io: "input",
  unrepresentable: "any",
  override: ({ jsonSchema }) => {
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    // Said by `contentEncoding`, and no format of JSON Schema.
    if (jsonSchema.format === "base64") delete jsonSchema.format;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
};

/** Every schema with a name that the operations use, and those within them. */
function namedSchemas(operations: readonly Operation[]): Json {
  const used = operations.flatMap(({ body, answers }) => [body, ...Object.values(answers)])
    .flatMap((content) => content?.schema ?? []);
  const all = z.toJSONSchema(z.object(Object.fromEntries([errorSchema, ...used].entries())), CONVERSION) as {
    readonly $defs: Readonly<Record<string, Json>>;
  };
  const text = JSON.stringify(all.$defs).replaceAll("#/$defs/", refTo(""));
  const schemas = JSON.parse(text) as Record<string, Json>;
  return Object.fromEntries(Object.entries(schemas).map(([id, { id: _id, ...schema }]) => [id, schema]));
}
