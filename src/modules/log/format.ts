/**
 * An event as the text that the `log` output prints.
 *
 * @module
 */

import type { Event, EventBody } from "../../event/event.ts";
import { mayHoldSensitiveName, REDACTED, redactJsonText, redactText } from "../../observability/redaction.ts";
import { flattenJson, quoteJson } from "../../observability/safe_text.ts";
import { eventTypeField, receivedAtText } from "../../event/event_headers.ts";
import { knownHeader } from "../../event/recorded_headers.ts";
import { formatJsonWithin } from "../../json/members.ts";

/** What is printed of an event. */
export interface LogFormat {
  /** Indented JSON over several lines. */
  readonly pretty_print: boolean;
  /** Whether values of names such as `password` are replaced. */
  readonly redact_sensitive: boolean;
}

/** Most characters of one event, in UTF-16 code units, without the final newline. */
export const MAX_EVENT_CHARACTERS = 10_000;
/** How much of that the headers may take. */
const MAX_HEADER_CHARACTERS = 4_000;
/** How much the fields after a cut payload may take. */
const CUT_FIELDS_CHARACTERS = 100;

/** The text of one event. Never throws, whatever the event holds. */
export function formatEvent(event: Event, config: LogFormat): string {
  const redact = config.redact_sensitive;
  const text = receivedAtText(event);
  const beginning = `${headOf(text)}${quoteJson(event.id)},"received_at":"${text}",${webhookOf(event)}` +
    `${eventTypeField(event)}"headers":${formatHeaders(event.headers, redact)},"payload":`;
  const room = MAX_EVENT_CHARACTERS - beginning.length - 1;
  const payload = formatPayload(event.body, room, redact);
  const line = payload === undefined
    ? beginning + cutPayload(event.body, room, redact) + "}"
    : beginning + payload + "}";
  if (!config.pretty_print) return line;
  // Deep nesting can make indented text many times longer, so the payload is cut before that happens.
  return formatJsonWithin(line, MAX_EVENT_CHARACTERS) ??
    formatJsonWithin(
      beginning + cutPayload(event.body, room - MAX_HEADER_CHARACTERS, redact) + "}",
      MAX_EVENT_CHARACTERS,
    ) ??
    line;
}

/** The headers as a JSON object, and after it the number of those that did not fit. */
function formatHeaders(headers: Headers, redact: boolean): string {
  let fields = "";
  let omitted = 0;
  // With forEach, since iterating with for-of costs twice as much.
  headers.forEach((value, name) => {
    const known = knownHeader(name);
    if (known.isOurs) return;
    const field = known.field + (redact && known.isSensitive ? `"${REDACTED}"` : quoteJson(value));
    if (fields.length + field.length > MAX_HEADER_CHARACTERS) omitted++;
    else fields += fields === "" ? field : "," + field;
  });
  return omitted === 0 ? `{${fields}}` : `{${fields}},"headers_omitted":${omitted}`;
}

/** The whole payload as JSON, or `undefined` when it does not fit. */
function formatPayload(body: EventBody, room: number, redact: boolean): string | undefined {
  const { unit, count } = body.size;
  // Not decoded to be measured: it may be many megabytes.
  if (count > (unit === "bytes" ? room * 3 : room)) return undefined;
  const { text } = body;
  if (text.length > room) return undefined;
  let json;
  if (!body.isJson()) json = quoteJson(redact ? redactText(text) : text);
  else json = flattenJson(redact && mayHoldSensitiveName(text) ? redactJsonText(text) : text);
  return json.length > room ? undefined : json;
}

/** The beginning of the payload as a JSON string, and after it the fields that say so. */
function cutPayload(body: EventBody, room: number, redact: boolean): string {
  let beginning = body.textStart(room);
  if (redact) {
    // What only looks like JSON is taken for both: parsing all of it for its beginning would cost too much.
    if (body.isKnownJson || JSON_START.test(beginning)) beginning = redactJsonText(beginning);
    if (!body.isKnownJson) beginning = redactText(beginning);
  }
  const quoted = quoteWithin(beginning, room - CUT_FIELDS_CHARACTERS);
  const { unit, count } = body.size;
  return `${quoted},"truncated":true,"${unit}":${count}`;
}

const JSON_START = /^\s*["{[]/;

/** Escapes make text longer, by a factor that is only known afterwards. */
function quoteWithin(text: string, room: number): string {
  let shown = text;
  let quoted = quoteJson(shown);
  while (quoted.length > room && shown !== "") {
    shown = shown.slice(0, Math.floor(shown.length * room / quoted.length));
    quoted = quoteJson(shown);
  }
  return quoted;
}

/** The time that lines came with last, and the beginning of those lines: thousands share a millisecond. */
let latest = { time: "", head: "" };

/** The webhook of the last line, and its fields: many events in a row are of one webhook. */
let last = { namespace: "", webhook: "", fields: "" };

function webhookOf({ namespace, webhook }: Event): string {
  if (webhook !== last.webhook || namespace !== last.namespace) {
    const fields = `"namespace":${quoteJson(namespace)},"webhook":${quoteJson(webhook)},`;
    last = { namespace, webhook, fields };
  }
  return last.fields;
}

function headOf(time: string): string {
  if (time !== latest.time) {
    const head = `{"timestamp":"${time}","level":"info","category":"cwm.event","event_id":`;
    latest = { time, head };
  }
  return latest.head;
}
