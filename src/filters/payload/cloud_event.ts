/**
 * `wrap: "cloudevents"`: the document as the data of a CloudEvent 1.0 in structured JSON (JSON Event Format, section 3).
 * Its text goes in as it is.
 *
 * @module
 */

import type { Event } from "../../event/event.ts";
import { receivedAtText } from "../../event/event_headers.ts";

/** The content type of such an event. */
export const CLOUD_EVENT_TYPE = "application/cloudevents+json";

/** The `type` of events whose own is not known. */
const UNKNOWN_TYPE = "cwm.webhook";

/** A media type of JSON: `application/json`, `text/json` or one that ends in `+json`. */
const JSON_TYPE = /^\s*[^\s;/]+\/(?:json|[^\s;/]*\+json)\s*(?:;|$)/i;

const PLAIN_JSON = "application/json";

/** The attributes that a payload says; `undefined` for those of the gateway. */
export interface CloudEventAttributes {
  readonly type?: string | undefined;
  readonly subject?: string | undefined;
  readonly source?: string | undefined;
}

/** What a CloudEvent says before its data. */
function head(
  event: Pick<Event, "id" | "namespace" | "webhook" | "type" | "receivedAt">,
  { type, subject, source }: CloudEventAttributes,
  contentType: string | undefined,
): string {
  const { id, namespace, webhook } = event;
  return `{"specversion":"1.0","id":"${id}",` +
    `"source":${source === undefined ? `"/webhook/${namespace}/${webhook}"` : JSON.stringify(source)},` +
    `"type":${JSON.stringify(type ?? event.type ?? UNKNOWN_TYPE)},` +
    (subject === undefined ? "" : `"subject":${JSON.stringify(subject)},`) +
    `"time":"${receivedAtText(event)}"` +
    (contentType === undefined ? "" : `,"datacontenttype":${JSON.stringify(contentType)}`);
}

/** A CloudEvent with a document as its data. @param json valid JSON; `headers` of the event are those of the request */
export function wrapDocument(
  event: Pick<Event, "id" | "namespace" | "webhook" | "type" | "receivedAt" | "headers">,
  json: string,
  attributes: CloudEventAttributes,
): string {
  const given = event.headers.get("content-type");
  // A document may have been sent as anything, or as a form.
  const contentType = given !== null && JSON_TYPE.test(given) ? given : PLAIN_JSON;
  return `${head(event, attributes, contentType)},"data":${json}}`;
}

/** A CloudEvent with any bytes as its data. */
export function wrapBytes(
  event: Pick<Event, "id" | "namespace" | "webhook" | "type" | "receivedAt" | "headers" | "body">,
  attributes: CloudEventAttributes,
): string {
  const contentType = event.headers.get("content-type") ?? undefined;
  return `${head(event, attributes, contentType)},"data_base64":"${event.body.bytes.toBase64()}"}`;
}
