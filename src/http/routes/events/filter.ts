/**
 * What a webhook in service would do with an event, for operators.
 *
 * @module
 */

import { z } from "zod";
import type { Catalog } from "../../../config/catalog.ts";
import { GatewayError } from "../../../errors.ts";
import { eventOf } from "../../../filters/asked_event.ts";
import { explainEvent } from "../../../filters/explanation.ts";
import { describeJsonError } from "../../../json/error.ts";
import { JsonPointer } from "../../../json/pointer.ts";
import { jsonResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import type { AdminCall, Guard } from "../access/guard.ts";
import { declaredLength, readBody, requireDeclared, streamedBody, toReadError } from "../../webhook/body.ts";

/** Largest question, in bytes. */
const MAX_BYTES = 10 * 1024 * 1024;

/** Where the route finds webhooks. */
export interface FilterSource {
  readonly catalog: Pick<Catalog, "find">;
}

/** What may be asked. */
export const questionSchema = z.strictObject({
  webhook: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  query: z.string().default(""),
  body: z.unknown(),
  body_base64: z.base64().optional(),
});

/** `POST /admin/filter`. */
export function filterRoute(source: FilterSource, guard: Guard): Route {
  return {
    path: "/admin/filter",
    methods: { POST: guard("viewer", (request, id, _rest, call) => answer(source, request, id, call)) },
  };
}

async function answer(
  { catalog }: FilterSource,
  request: Request,
  requestId: string,
  { caller }: AdminCall,
): Promise<Response> {
  const text = await readText(request);
  const question = questionIn(text);
  const [namespace = "", webhook = ""] = question.webhook.split("/");
  const compiled = caller.seesPath(question.webhook) ? catalog.find(question.webhook)?.webhook : undefined;
  if (compiled === undefined) throw new GatewayError("webhook_not_found");
  const { filters, eventTypes, steps, dataType, rules } = compiled;
  const explained = {
    filters,
    eventTypes,
    cleanup: rules?.cleanup,
    isJson: dataType !== "blob",
    steps: steps.map(({ name }) => name),
  };
  const body = question.body_base64 === undefined
    // As it was written, with all digits of its numbers.
    ? new TextEncoder().encode(JsonPointer.of("body").sourceIn(text) ?? "null")
    : Uint8Array.fromBase64(question.body_base64);
  const event = eventOf(explained, {
    namespace,
    webhook,
    headers: headersOf(question.headers),
    query: question.query,
    body,
  });
  if (dataType !== "blob" && !event.body.isJson()) {
    throw new GatewayError("invalid_json", undefined, {
      reason: describeJsonError(event.body.text, "The event"),
    });
  }
  return jsonResponse(200, { webhook: question.webhook, ...await explainEvent(explained, event) }, requestId);
}

async function readText(request: Request): Promise<string> {
  const length = declaredLength(request, MAX_BYTES);
  try {
    const bytes = await readBody(request, streamedBody(request, length, MAX_BYTES));
    requireDeclared(bytes, length);
    return new TextDecoder().decode(bytes);
  } catch (error) {
    throw toReadError(error);
  }
}

function questionIn(text: string): z.output<typeof questionSchema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new GatewayError("invalid_json");
  }
  const parsed = questionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new GatewayError(
    "invalid_query",
    "Expected an object with 'webhook', such as team-a/orders, 'headers', 'query', and 'body' or 'body_base64'",
  );
}

function headersOf(given: Readonly<Record<string, string>>): Headers {
  try {
    return new Headers(Object.entries(given));
  } catch {
    throw new GatewayError("invalid_query", "A name or a value of 'headers' is not valid");
  }
}
