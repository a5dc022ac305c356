/**
 * Checks that a body is a JSON document within its bounds.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { EventBody } from "../../event/event.ts";
import { describeJsonError, SEARCHED } from "../../json/error.ts";
import type { JsonBounds, JsonVerdict } from "../../json/scan.ts";
import { foreignCharset, toUtf8 } from "./charset.ts";
import type { Steps } from "./large_bodies.ts";

/** How large and how complex a document may be. */
export interface DocumentLimits extends JsonBounds {
  /** In bytes, as sent and as what a charset or a form is turned into. */
  readonly maxBytes: number;
}

/**
 * The body as a JSON document in UTF-8: the same one, unless its Content-Type declares another charset. What is
 * written in US-ASCII reads the same in every charset that JSON is sent in but UTF-16, whose documents are none
 * in UTF-8: for the others the header is not looked at.
 *
 * @throws {GatewayError} `invalid_json`, `json_too_complex`, `unsupported_charset`, or `body_too_large` when a
 * converted document is too large
 */
export function* readJson(body: EventBody, headers: Headers, limits: DocumentLimits): Steps<EventBody> {
  const verdict = yield* body.judgeJsonInPieces(limits);
  if (verdict === "json" && (yield* body.isAsciiInPieces())) return body;
  const charset = foreignCharset(headers.get("content-type"));
  if (charset === undefined) {
    requireJson(verdict, body, limits);
    return body;
  }
  const document = yield* toUtf8(body, charset, limits.maxBytes);
  requireJson(yield* document.judgeJsonInPieces(limits), document, limits);
  return document;
}

function requireJson(verdict: JsonVerdict, body: EventBody, bounds: JsonBounds): void {
  if (verdict === "json") return;
  if (verdict === "too_complex") throw tooComplex("The body", bounds);
  const reason = body.isUtf8
    ? describeJsonError(body.textStart(SEARCHED + 1))
    : "The body is not UTF-8, and its Content-Type declares no other charset";
  throw new GatewayError("invalid_json", undefined, { reason });
}

/** @param subject what the document is, at the beginning of a sentence */
export function tooComplex(subject: string, { maxDepth, maxValues }: JsonBounds): GatewayError {
  const reason = `${subject} is nested deeper than ${maxDepth} levels or holds more than ${maxValues} values`;
  return new GatewayError("json_too_complex", undefined, { reason });
}
