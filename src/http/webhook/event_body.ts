/**
 * From the body of a request to the body of its event.
 *
 * @module
 */

import type { FormDocuments } from "../../auth/verifier.ts";
import type { CompiledWebhook } from "../../config/compile/compiler.ts";
import type { Deadlines } from "../../time/deadlines.ts";
import { GatewayError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import type { JsonBounds } from "../../json/scan.ts";
import { VALIDATED_BOUNDS } from "../../rules/json_schema.ts";
import type { Settings } from "../../settings/settings.ts";
import { LARGE_BYTES } from "./body.ts";
import { isForm, readForm, readMultipartForm } from "./form.ts";
import { readJson } from "./json_document.ts";
import { finish, LargeBodies } from "./large_bodies.ts";

/** What a webhook's configuration says about bodies. */
export type BodyRules = Pick<
  CompiledWebhook,
  "dataType" | "forms" | "formField" | "acceptsEmpty" | "rules" | "bodyReads"
>;

/**
 * What was made of a body: nothing, the same text in UTF-8, or a JSON document that was not sent as such.
 */
export type BodyChange = "none" | "charset" | "document";

/** What reading documents takes besides them. */
export interface DocumentReading {
  /** How complex a JSON document may be. */
  readonly bounds: JsonBounds;
  /** How complex one may be that is held against a schema. */
  readonly validatedBounds: JsonBounds;
  /** Where large bodies wait for their turn. */
  readonly large: LargeBodies;
}

/** What one gateway reads documents with: a large body may wait for its turn as long as it may take to arrive. */
export function documentReading(
  { maxJsonDepth, maxJsonValues, bodyTimeoutMs }: Settings["limits"],
  deadlines: Deadlines,
): DocumentReading {
  return {
    bounds: { maxDepth: maxJsonDepth, maxValues: maxJsonValues },
    validatedBounds: {
      maxDepth: Math.min(maxJsonDepth, VALIDATED_BOUNDS.maxDepth),
      maxValues: Math.min(maxJsonValues, VALIDATED_BOUNDS.maxValues),
    },
    large: new LargeBodies(deadlines, bodyTimeoutMs),
  };
}

/** The document that stands for a request without a body: JSON outputs cannot take none. */
const NO_DOCUMENT = "null";
const NO_FIELDS = "{}";

/**
 * What a webhook makes of a body: the same one, where nothing has to be changed, or a JSON document in UTF-8.
 *
 * @param body without any Content-Encoding
 * @param headers of the request
 * @param maxBytes the largest document
 * @throws {GatewayError} `empty_body` unless the webhook accepts none, or why the body is not what the webhook
 * takes: see {@linkcode readJson} and {@linkcode readForm}
 */
export function readEventBody(
  webhook: BodyRules,
  body: EventBody,
  headers: Headers,
  maxBytes: number,
  { bounds: usualBounds, validatedBounds, large }: DocumentReading,
): EventBody | Promise<EventBody> {
  const { dataType, formField, acceptsEmpty, rules, forms, bodyReads } = webhook;
  if (body.isEmpty) {
    if (!acceptsEmpty) throw new GatewayError("empty_body");
    if (dataType === "blob") return body;
    return EventBody.fromText(dataType === "form" && formField === undefined ? NO_FIELDS : NO_DOCUMENT);
  }
  if (dataType === "blob") return body;
  const form = forms === undefined ? undefined : formIn(headers, forms);
  const bounds = rules?.schema === undefined ? usualBounds : validatedBounds;
  const isLarge = body.length > LARGE_BYTES;
  // Nearly always it is that already, and then there is nothing to be done in steps.
  if (dataType === "json" && form === undefined && !isLarge) {
    const verdict = bodyReads === undefined ? body.judgeJson(bounds) : bodyReads.judge(body, bounds);
    if (verdict === "json" && body.isAscii) return body;
  }
  const limits = { ...bounds, maxBytes };
  if (form?.isMultipart === true) return readMultipartForm(body, headers, form.field, limits);
  const steps = form !== undefined
    ? readForm(body, headers, { name: form.field, isOptional: true }, limits)
    : dataType === "json"
    ? readJson(body, headers, limits)
    : readForm(body, headers, { name: formField, isOptional: false }, limits);
  return isLarge ? large.finish(steps) : finish(steps);
}

/** How a body is read as a form; `undefined` where it is none of those that come beside JSON. */
function formIn(headers: Headers, forms: FormDocuments): FormDocuments | undefined {
  return isForm(headers.get("content-type"), forms.isMultipart) ? forms : undefined;
}

/** What {@linkcode readEventBody} made of a body. @param headers of the request */
export function bodyChange(
  { dataType, forms }: BodyRules,
  before: EventBody,
  after: EventBody,
  headers: Headers,
): BodyChange {
  if (after === before) return "none";
  const isJson = dataType === "json" && (forms === undefined || formIn(headers, forms) === undefined);
  return isJson && !before.isEmpty ? "charset" : "document";
}
