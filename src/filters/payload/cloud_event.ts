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

/** Where no attribute is said. */
export const USUAL_ATTRIBUTES: CloudEventAttributes = {};

const UNKNOWN_TYPE_JSON = JSON.stringify(UNKNOWN_TYPE);

/** What a CloudEvent says before its data. @param contentType as JSON */
function head(
  event: Pick<Event, "id" | "namespace" | "webhook" | "type" | "receivedAt">,
  { type = event.type, subject, source }: CloudEventAttributes,
  contentType: string | undefined,
): string {
  const { id, namespace, webhook } = event;
  const sourceJson = source === undefined ? `"/webhook/${namespace}/${webhook}"` : JSON.stringify(source);
  const typeJson = type === undefined ? UNKNOWN_TYPE_JSON : JSON.stringify(type);
  const subjectJson = subject === undefined ? "" : `"subject":${JSON.stringify(subject)},`;
  const typeOfData = contentType === undefined ? "" : `,"datacontenttype":${contentType}`;
  return `{"specversion":"1.0","id":"${id}","source":${sourceJson},"type":${typeJson},` +
    `${subjectJson}"time":"${receivedAtText(event)}"${typeOfData}`;
}

/** The type of a document that was sent as this one, as JSON. Nearly all requests send the same few. */
const documentTypes = new Map<string, string>();

/** Most types that are remembered, and the longest one, in characters; senders choose them. */
const MAX_TYPES = 100;
const MAX_TYPE = 200;

/** A document may have been sent as anything, or as a form. */
function documentType(given: string): string {
  const known = documentTypes.get(given);
  if (known !== undefined) return known;
  const json = JSON.stringify(JSON_TYPE.test(given) ? given : PLAIN_JSON);
  if (documentTypes.size >= MAX_TYPES) documentTypes.clear();
  if (given.length <= MAX_TYPE) documentTypes.set(given, json);
  return json;
}

/** A CloudEvent with a document as its data. @param json valid JSON; `headers` of the event are those of the request */
export function wrapDocument(
  event: Pick<Event, "id" | "namespace" | "webhook" | "type" | "receivedAt" | "headers">,
  json: string,
  attributes: CloudEventAttributes,
): string {
  const contentType = documentType(event.headers.get("content-type") ?? PLAIN_JSON);
  return `${head(event, attributes, contentType)},"data":${json}}`;
}

/** A CloudEvent with any bytes as its data. */
export function wrapBytes(
  event: Pick<Event, "id" | "namespace" | "webhook" | "type" | "receivedAt" | "headers" | "body">,
  attributes: CloudEventAttributes,
): string {
  const contentType = event.headers.get("content-type");
  const type = contentType === null ? undefined : JSON.stringify(contentType);
  return `${head(event, attributes, type)},"data_base64":"${event.body.bytes.toBase64()}"}`;
}
