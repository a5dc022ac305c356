import type { OutgoingHttpHeaders } from "node:http";
import type { Event } from "../../event/event.ts";
import { setNamingHeaders } from "../../event/event_headers.ts";
import { forwardedHeaders } from "../../event/header_policy.ts";
import type { HttpWebhookConfig } from "./config.ts";

/** The headers of a request that delivers an event. @param attempt which one it is, from 1 */
export function outgoingHeaders(
  event: Event,
  config: HttpWebhookConfig,
  attempt: number,
  body: Uint8Array<ArrayBuffer>,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "user-agent": "core-webhook-module" };
  const contentType = event.headers.get("content-type");
  if (contentType !== null) headers["content-type"] = contentType;
  const { forwarded, headerForms } = config;
  if (forwarded === "all" || forwarded.length > 0) {
    const allowed = forwarded === "all" ? undefined : forwarded;
    for (const [name, value] of forwardedHeaders(event.headers, allowed, headerForms)) headers[name] = value;
  }
  for (const [name, value] of config.headers) headers[name] = value;
  headers["content-length"] = body.byteLength;
  setNamingHeaders(headers, event);
  headers["cwm-attempt"] = String(attempt);
  config.signer?.sign(headers, event.id, body);
  return headers;
}
