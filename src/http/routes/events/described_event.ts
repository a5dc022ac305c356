/**
 * An event that an operator describes, as a JSON object in the body of a request.
 *
 * @module
 */

import { z } from "zod";
import { GatewayError } from "../../../errors.ts";
import { JsonPointer } from "../../../json/pointer.ts";
import { declaredLength, readBody, requireDeclared, streamedBody, toReadError } from "../../webhook/body.ts";

/** Largest description, in bytes. */
const MAX_BYTES = 10 * 1024 * 1024;

/** What is described. */
export const questionSchema = z.strictObject({
  webhook: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  query: z.string().default(""),
  body: z.unknown().optional(),
  body_base64: z.base64().optional(),
});

/** A described event. */
export interface DescribedEvent {
  /** `namespace/id`, which need not exist. */
  readonly webhook: string;
  readonly headers: Headers;
  /** Without a question mark. */
  readonly query: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Reads the description of an event.
 *
 * @throws {GatewayError} `invalid_json`, `invalid_query`, or why the request's body cannot be read
 */
export async function readDescribedEvent(request: Request): Promise<DescribedEvent> {
  const text = await readText(request);
  const { webhook, headers, query, body_base64: base64 } = questionIn(text);
  const body = base64 === undefined
    // As it was written, with all digits of its numbers.
    ? new TextEncoder().encode(JsonPointer.of("body").sourceIn(text) ?? "null")
    : Uint8Array.fromBase64(base64);
  return { webhook, headers: headersOf(headers), query, body };
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
