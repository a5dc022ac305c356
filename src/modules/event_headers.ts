import type { Event } from "../event.ts";
import { forwardedHeaders, type Header } from "./http_webhook_headers.ts";

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
export function receivedAtText(event: Event): string {
  return receivedAt.of(event.receivedAt);
}

/**
 * The headers of an event for systems that take them along: those received, except for credentials,
 * signatures and what concerned one connection only, and those that name the event. No name occurs twice.
 */
export function eventHeaders(event: Event): readonly Header[] {
  const headers = forwardedHeaders(event.headers, undefined);
  headers.push(
    ["cwm-event-id", event.id],
    ["cwm-namespace", event.namespace],
    ["cwm-webhook", event.webhook],
    ["cwm-received-at", receivedAtText(event)],
  );
  return headers;
}

/** The same as a JSON object. */
export function eventHeadersJson(event: Event): string {
  const members = eventHeaders(event).map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
  return `{${members.join(",")}}`;
}
