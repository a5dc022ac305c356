/**
 * Lines of objects that hold several events (NDJSON, https://github.com/ndjson/ndjson-spec).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { envelopeOf } from "../../../../event/envelope.ts";
import { eventHeadersJson } from "../../../../event/event_headers.ts";
import { jsonText } from "../../../../event/json_body.ts";
import type { Delivery } from "../../../module.ts";
import type { S3Config } from "../config.ts";

/**
 * The line of an event with its end. Line ends in a document stand between its values alone, and become spaces.
 *
 * @throws {DeliveryError} `output_rejected` when the body should be JSON and is none
 */
export function lineOf({ event, config }: Delivery<S3Config>): Buffer {
  const { isBlob, forwardsHeaders, batch } = config;
  const text = batch?.line === "body"
    ? jsonText(event.body)
    : envelopeOf(event, forwardsHeaders ? eventHeadersJson(event) : "{}", isBlob ? "base64" : "json");
  return Buffer.from(`${text.replaceAll(/[\r\n]+/g, " ")}\n`);
}
