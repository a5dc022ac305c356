/**
 * `json_schema` of a webhook: the document that outputs get is held against a schema.
 *
 * @module
 */

import { z } from "zod";
import { GatewayError } from "../errors.ts";
import type { EventBody } from "../event/event.ts";
import type { JsonBounds } from "../json/scan.ts";
import {
  JsonSchema,
  type Mismatch,
  requireSchema,
  SchemaError,
  WorkExceeded,
} from "../json/schema/json_schema.ts";
import type { JsonObject } from "../json/schema/values.ts";

/** Largest schema, in characters of its JSON text. */
const MAX_SCHEMA = 64 * 1024;

/** Longest pointer that an answer shows, in characters: names in it are the sender's. */
const MAX_POINTER = 200;

/** Largest document, in bytes: values are made of it in one go, while nothing else is answered. */
export const MAX_VALIDATED_BYTES = 1024 * 1024;

/** How complex a document may be; a parser takes more time for 50,000 names than for a mebibyte of text. */
export const VALIDATED_BOUNDS: JsonBounds = { maxDepth: 500, maxValues: 50_000 };

/** Schemas that are shared; past it they are forgotten, and equal ones are shared from then on. */
const MAX_SHARED = 1_000;

const shared = new Map<string, DocumentSchema>();

/** `json_schema` of a webhook. */
export const documentSchemaField: z.ZodType<JsonObject> = z.record(z.string(), z.unknown()).superRefine(
  (schema, context) => {
    if (Object.keys(schema).length === 0) {
      context.addIssue({ code: "custom", message: "Must not be empty: remove the key to take any document" });
      return;
    }
    const text = JSON.stringify(schema);
    if (text.length > MAX_SCHEMA) {
      context.addIssue({ code: "custom", message: `Must not be longer than ${MAX_SCHEMA} characters` });
    } else if (!shared.has(text)) refuse(schema, context);
  },
);

function refuse(schema: JsonObject, context: z.RefinementCtx): void {
  try {
    requireSchema(schema);
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    const path = error.pointer.split("/").slice(1);
    context.addIssue({ code: "custom", path, message: error.message });
  }
}

/** A schema that is compiled at its first document: most webhooks of a large installation get none. */
export class DocumentSchema {
  readonly #text: string;
  #compiled: JsonSchema | undefined;

  /** @param text of a valid schema, as JSON */
  constructor(text: string) {
    this.#text = text;
  }

  /**
   * @throws {GatewayError} `schema_mismatch` with the place of the first error, or `json_too_complex` where finding one
   * takes too much work
   */
  require(body: EventBody): void {
    this.#compiled ??= new JsonSchema(JSON.parse(this.#text) as JsonObject);
    const mismatch = mismatchOf(this.#compiled, JSON.parse(body.text));
    if (mismatch !== undefined) throw toError(mismatch);
  }
}

function mismatchOf(schema: JsonSchema, document: unknown): Mismatch | undefined {
  try {
    return schema.mismatch(document);
  } catch (error) {
    if (!(error instanceof WorkExceeded)) throw error;
    const reason = "The document takes more work than one may when it is held against 'json_schema'";
    throw new GatewayError("json_too_complex", undefined, { reason, cause: error });
  }
}

function toError({ pointer, keyword }: Mismatch): GatewayError {
  const whole = pointer.isWellFormed() ? pointer : pointer.toWellFormed();
  const place = whole.length > MAX_POINTER ? `${whole.slice(0, MAX_POINTER)}…` : whole;
  const message = `The document does not match the schema of this webhook at '${place}' (${keyword})`;
  return new GatewayError("schema_mismatch", message, {
    reason: `The document fails '${keyword}' of 'json_schema': the answer says where`,
  });
}

/** Compiles `json_schema`; webhooks with equal ones share it. */
export function compileDocumentSchema(schema: JsonObject): DocumentSchema {
  const text = JSON.stringify(schema);
  let known = shared.get(text);
  if (known === undefined) {
    if (shared.size >= MAX_SHARED) shared.clear();
    shared.set(text, known = new DocumentSchema(text));
  }
  return known;
}
