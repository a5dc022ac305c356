import { GatewayError } from "../errors.ts";
import type { EventBody } from "../event.ts";
import { describeJsonError } from "../json_error.ts";
import { foreignCharset, toUtf8 } from "./charset.ts";

/**
 * The body as a JSON document in UTF-8: the same one, unless its Content-Type declares another charset. What is
 * written in US-ASCII reads the same in every charset that JSON is sent in but UTF-16, whose documents are none
 * in UTF-8: for the others the header is not looked at.
 *
 * @param limit largest size of a converted document in bytes
 * @throws {GatewayError} `invalid_json`, `unsupported_charset`, or `body_too_large` past the limit
 */
export function readJson(body: EventBody, headers: Headers, limit: number): EventBody {
  if (body.isJson() && body.isAscii) return body;
  const charset = foreignCharset(headers.get("content-type"));
  const document = charset === undefined ? body : toUtf8(body, charset, limit);
  requireJson(document);
  return document;
}

function requireJson(body: EventBody): void {
  try {
    void body.json;
  } catch (cause) {
    const reason = body.isUtf8
      ? describeJsonError(body.text)
      : "The body is not UTF-8, and its Content-Type declares no other charset";
    throw new GatewayError("invalid_json", undefined, { cause, reason });
  }
}
