/**
 * The headers that say which event it is, for systems that take headers along: `cwm-event-id` and its like, beside
 * those that were received.
 *
 * @module
 */

import type { Event } from "./event.ts";
import { EVENT_TYPE_HEADER, forEachForwardable } from "./header_policy.ts";

/**
 * How the ids of events begin that an operator has sent to try a webhook: ids go wherever an event goes, into the
 * journal, the log, dead letters, and to every output. No id of any other event does: its first dash is the 17th
 * character.
 */
const TEST_PREFIX = "test-";

/** What a trace is carried on by; its baggage stays here, since a sender may have written it. */
const TRACE_HEADERS = ["traceparent", "tracestate"] as const;

/** The header of such events for outputs that take headers along. */
const TEST_HEADER = "cwm-test";

/** The id of an event that an operator sends to try a webhook. @param id of the request that asks for it */
export function testId(id: string): string {
  return TEST_PREFIX + id;
}

function isTest({ id }: Event): boolean {
  return id.startsWith(TEST_PREFIX);
}

/** A time as ISO 8601 in UTC. Events come close together, so the last one is often asked for again. */
export class TimeText {
  #milliseconds = NaN;
  #text = "";

  /** @param milliseconds since 1970 */
  of(milliseconds: number): string {
    if (milliseconds !== this.#milliseconds) {
      this.#text = new Date(milliseconds).toISOString();
      this.#milliseconds = milliseconds;
    }
    return this.#text;
  }
}

const receivedAt = new TimeText();

/** When an event was received, as ISO 8601 in UTC. */
export function receivedAtText(event: Pick<Event, "receivedAt">): string {
  return receivedAt.of(event.receivedAt);
}

/** The member `event_type` of a JSON object with the comma behind it; empty where the type is not known. */
export function eventTypeField({ type }: Event): string {
  return type === undefined ? "" : `"event_type":${JSON.stringify(type)},`;
}

/** The headers that say which event it is: names and values in turn. */
export function namingHeaders(event: Event): string[] {
  const headers = [
    "cwm-event-id",
    event.id,
    "cwm-namespace",
    event.namespace,
    "cwm-webhook",
    event.webhook,
    "cwm-received-at",
    receivedAtText(event),
  ];
  if (event.type !== undefined) headers.push(EVENT_TYPE_HEADER, event.type);
  if (isTest(event)) headers.push(TEST_HEADER, "true");
  return headers;
}

/**
 * {@linkcode namingHeaders} and those of the event's trace, for messages that carry any number of headers: whoever reads
 * one goes on with the trace (W3C Trace Context).
 */
export function messageHeaders(event: Event): string[] {
  const headers = namingHeaders(event);
  forEachTraceHeader(event, (name, value) => headers.push(name, value));
  return headers;
}

/** The headers of the trace, while the runtime records any; those of its sender were left out then. */
function forEachTraceHeader({ trace }: Event, visit: (name: string, value: string) => void): void {
  if (trace === undefined) return;
  for (const name of TRACE_HEADERS) {
    const value = trace[name];
    if (value !== undefined) visit(name, value);
  }
}

/** Sets the headers that say which event it is, whatever stands there under their names. */
export function setNamingHeaders(headers: Record<string, unknown>, event: Event): void {
  headers["cwm-event-id"] = event.id;
  headers["cwm-namespace"] = event.namespace;
  headers["cwm-webhook"] = event.webhook;
  headers["cwm-received-at"] = receivedAtText(event);
  if (event.type !== undefined) headers[EVENT_TYPE_HEADER] = event.type;
  if (isTest(event)) headers[TEST_HEADER] = "true";
}

/**
 * Calls `visit` with the headers of an event for systems that take them along: those that name the event, and
 * those received, except for credentials, signatures and what concerned one connection only. No name comes twice.
 */
export function forEachEventHeader(event: Event, visit: (name: string, value: string) => void): void {
  visit("cwm-event-id", event.id);
  visit("cwm-namespace", event.namespace);
  visit("cwm-webhook", event.webhook);
  visit("cwm-received-at", receivedAtText(event));
  if (event.type !== undefined) visit(EVENT_TYPE_HEADER, event.type);
  if (isTest(event)) visit(TEST_HEADER, "true");
  forEachTraceHeader(event, visit);
  forEachForwardable(event.headers, visit);
}

/** The headers that name an event, as a JSON object. Ids and names of webhooks have no character that JSON would escape. */
export function eventHeadersJson(event: Event): string {
  let json = `{"cwm-event-id":"${event.id}","cwm-namespace":"${event.namespace}",` +
    `"cwm-webhook":"${event.webhook}","cwm-received-at":"${receivedAtText(event)}"`;
  if (event.type !== undefined) json += `,"${EVENT_TYPE_HEADER}":${JSON.stringify(event.type)}`;
  if (isTest(event)) json += `,"${TEST_HEADER}":"true"`;
  forEachTraceHeader(event, (name, value) => json += `,"${name}":${JSON.stringify(value)}`);
  forEachForwardable(event.headers, (name, value) => json += `,"${name}":${JSON.stringify(value)}`);
  return `${json}}`;
}
