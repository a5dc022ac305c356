import type { Event } from "../event.ts";
import { forwardedHeaders, type Header } from "./http_webhook_headers.ts";

/**
 * The headers of an event for systems that take them along: those received, except for credentials,
 * signatures and what concerned one connection only, and those that name the event.
 */
export function eventHeaders(event: Event): readonly Header[] {
  return [
    ...forwardedHeaders(event.headers, undefined),
    ["cwm-event-id", event.id],
    ["cwm-namespace", event.namespace],
    ["cwm-webhook", event.webhook],
    ["cwm-received-at", new Date(event.receivedAt).toISOString()],
  ];
}
