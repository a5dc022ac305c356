/**
 * The webhook `default` of a namespace, which takes requests to webhooks that do not exist where that is switched
 * on. Its events, counts and limits are its own, whatever was asked for; a header says what that was.
 *
 * @module
 */

import { copiedHeaders } from "../../event/copied_headers.ts";
import { DEFAULT_WEBHOOK_ID, webhookPath } from "../../event/names.ts";

/** The header of its events that names the webhook that was asked for. */
const REQUESTED_WEBHOOK = "x-requested-webhook";

/**
 * Where the webhook `default` stands.
 *
 * @param path `namespace/id` of a webhook of the same namespace
 */
export function defaultPath(path: string): string {
  return webhookPath(path.slice(0, path.indexOf("/")), DEFAULT_WEBHOOK_ID);
}

/**
 * The headers of an event: those received; for the webhook `default` with the one that names the webhook that was
 * asked for, in place of what the sender may have written there.
 *
 * @param entry of the webhook that takes the event
 * @param path `namespace/id` as it was asked for
 */
export function eventHeaders(received: Headers, entry: { readonly id: string }, path: string): Headers {
  if (entry.id !== DEFAULT_WEBHOOK_ID) return received;
  const headers = copiedHeaders(received);
  headers.set(REQUESTED_WEBHOOK, path.slice(path.indexOf("/") + 1));
  return headers;
}
