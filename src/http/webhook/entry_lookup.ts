/**
 * Which entry takes a request, or why none does.
 *
 * @module
 */

import type { CatalogEntry, WebhookEntry } from "../../config/entry.ts";
import { GatewayError } from "../../errors.ts";
import { isNamespace, isWebhookId } from "../../event/names.ts";
import { defaultPath } from "./default_webhook.ts";

/** Seconds after which a sender should try again while the gateway has no configuration. */
const NOT_READY_RETRY_SECONDS = 5;

const DEFAULT_METHODS = ["POST"];

/** What a webhook with `probes` answers without an event. */
export const PROBE_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS"];

/** Methods that may be named in a reason. */
const STANDARD_METHODS: readonly string[] = [...PROBE_METHODS, "POST", "PUT", "PATCH", "DELETE"];

/** Where entries are looked for. */
export interface EntryLookup {
  /** Finds the entry at `namespace/id`. */
  readonly find: (path: string) => CatalogEntry | undefined;
  /** Whether the first configuration has been loaded. */
  readonly isReady: () => boolean;
  /** Whether requests to webhooks that do not exist get the webhook `default` of their namespace. */
  readonly defaultWebhook: boolean;
  /** Called for a request to a webhook that does not exist. @param path `namespace/id`, valid names */
  readonly onMissed: (path: string) => void;
  /** Whether new requests are refused, at the end of a drain. */
  readonly isClosed: () => boolean;
}

/**
 * The entry at a path, valid or not. Most requests find theirs; only the others need the reason why they do not.
 *
 * @param path `namespace/id`, as it stands in the URL
 * @throws {GatewayError} `draining`, `invalid_namespace`, `invalid_webhook_id`, `not_ready`, `webhook_not_found`, or
 * `method_not_allowed` where a POST would get that
 */
export function findEntry(
  { isClosed, isReady, find, defaultWebhook, onMissed }: EntryLookup,
  path: string,
  method: string,
): CatalogEntry {
  if (isClosed()) throw new GatewayError("draining", undefined, { retryAfterSeconds: 1 });
  const entry = find(path);
  if (entry !== undefined) return entry;
  const slash = path.indexOf("/");
  if (!isNamespace(path.slice(0, slash))) throw new GatewayError("invalid_namespace");
  if (!isWebhookId(path.slice(slash + 1))) throw new GatewayError("invalid_webhook_id");
  if (!isReady()) {
    throw new GatewayError("not_ready", undefined, { retryAfterSeconds: NOT_READY_RETRY_SECONDS });
  }
  const fallback = defaultWebhook ? find(defaultPath(path)) : undefined;
  if (fallback !== undefined) return fallback;
  if (method !== "POST") throw methodNotAllowed(method, DEFAULT_METHODS);
  onMissed(path);
  throw new GatewayError("webhook_not_found");
}

/** How many bytes a body may have. @param usual for webhooks that say nothing */
export function maxBytesOf({ webhook: { maxBodyBytes, rules }, share }: WebhookEntry, usual: number): number {
  return Math.min(maxBodyBytes ?? usual, rules?.maxBodyBytes ?? Infinity, share?.maxBodyBytes ?? Infinity);
}

/** The refusal of a method, with those that are allowed in its `Allow` header. */
export function methodNotAllowed(method: string, allowed: readonly string[]): GatewayError {
  const allow = allowed.join(", ");
  // Any token may stand in a request's first line: only methods of the standard are repeated.
  const name = STANDARD_METHODS.includes(method) ? method : "Another method";
  return new GatewayError("method_not_allowed", undefined, {
    reason: `${name} is not allowed here, but ${allow}`,
    headers: { allow },
  });
}
