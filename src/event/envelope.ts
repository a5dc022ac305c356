/**
 * An event as a JSON document, for systems that take one value an event.
 *
 *     {"event_id":"…","namespace":"…","webhook":"…","received_at":"…","headers":{…},"payload":…}
 *
 * `"event_type":"…"` stands before `received_at` where the type of the event is known.
 *
 * @module
 */

import type { Event } from "./event.ts";
import { eventTypeField, receivedAtText } from "./event_headers.ts";
import { jsonText } from "./json_body.ts";

/**
 * How the body stands in the document: as the JSON that it is, character for character, so that numbers keep all
 * digits; or its bytes in base64, as `body_base64`.
 */
export type EnvelopeBody = "json" | "base64";

/**
 * The document.
 *
 * @param headers a JSON object
 * @throws {DeliveryError} `output_rejected` when the body should stand in it as JSON and is none
 */
export function envelopeOf(event: Event, headers: string, body: EnvelopeBody): string {
  const { id, namespace, webhook } = event;
  return `{"event_id":${JSON.stringify(id)},"namespace":${JSON.stringify(namespace)},` +
    `"webhook":${JSON.stringify(webhook)},${eventTypeField(event)}` +
    `"received_at":"${receivedAtText(event)}","headers":${headers},` +
    (body === "json"
      ? `"payload":${jsonText(event.body)}}`
      : `"body_base64":"${event.body.bytes.toBase64()}"}`);
}
