/**
 * From the body of a request to the body of its event.
 *
 * @module
 */

import type { CompiledWebhook } from "../config/compiler.ts";
import { GatewayError } from "../errors.ts";
import { EventBody } from "../event.ts";
import { readForm } from "./form.ts";
import { readJson } from "./json_document.ts";

/** What a webhook's configuration says about bodies. */
export type BodyRules = Pick<CompiledWebhook, "dataType" | "formField" | "acceptsEmpty">;

/**
 * What was made of a body: nothing, the same text in UTF-8, or a JSON document that was not sent as such.
 */
export type BodyChange = "none" | "charset" | "document";

/** The document that stands for a request without a body: JSON outputs cannot take none. */
const NO_DOCUMENT = "null";
const NO_FIELDS = "{}";

/**
 * What a webhook makes of a body: the same one, where nothing has to be changed, or a JSON document in UTF-8.
 *
 * @param body without any Content-Encoding
 * @param headers of the request
 * @param limit largest body, in bytes
 * @throws {GatewayError} `empty_body` unless the webhook accepts none, or why the body is not what the webhook
 * takes: see {@linkcode readJson} and {@linkcode readForm}
 */
export function readEventBody(
  { dataType, formField, acceptsEmpty }: BodyRules,
  body: EventBody,
  headers: Headers,
  limit: number,
): EventBody {
  if (body.isEmpty) {
    if (!acceptsEmpty) throw new GatewayError("empty_body");
    if (dataType === "blob") return body;
    return EventBody.fromText(dataType === "form" && formField === undefined ? NO_FIELDS : NO_DOCUMENT);
  }
  if (dataType === "json") return readJson(body, headers, limit);
  return dataType === "form" ? readForm(body, headers, formField, limit) : body;
}

/** What {@linkcode readEventBody} made of a body. */
export function bodyChange({ dataType }: BodyRules, before: EventBody, after: EventBody): BodyChange {
  if (after === before) return "none";
  return dataType === "json" && !before.isEmpty ? "charset" : "document";
}
