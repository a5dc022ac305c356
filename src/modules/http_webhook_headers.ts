/**
 * The headers of a forwarded request: which of the received ones go along, and which fixed ones may be
 * configured.
 *
 * @module
 */

import { isSensitiveName } from "../observability/redaction.ts";

/** A header of the outgoing request; the name is in lower case. */
export type Header = readonly [name: string, value: string];

/** Longest configured header name and value, in characters; servers refuse more than about as much. */
const LONGEST_NAME = 200;
const LONGEST_VALUE = 8192;

/** `token` of RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** `field-value` of RFC 9110, section 5.5: no control character but the tab. One that had them could forge headers. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** They belong to one connection or to the message as it was sent, which is not the one that is forwarded. */
const MESSAGE_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Prefix of the headers that name the event. A sender must not be able to write them. */
const OWN_PREFIX = "cwm-";

/** Why a configured header cannot be sent; `undefined` when it can. The value is never shown: it may be a secret. */
export function refuseConfiguredHeader(name: string, value: string): string | undefined {
  if (!TOKEN.test(name) || name.length > LONGEST_NAME) return "Not a header name";
  const lowerCase = name.toLowerCase();
  if (MESSAGE_HEADERS.has(lowerCase)) {
    return "This header is set by the gateway, or belongs to one connection";
  }
  if (lowerCase.startsWith(OWN_PREFIX)) return "Headers that begin with cwm- are the gateway's own";
  if (!FIELD_VALUE.test(value)) return "The value contains characters that a header cannot carry";
  return value.length > LONGEST_VALUE ? `The value is longer than ${LONGEST_VALUE} characters` : undefined;
}

/** Whether a header may ever be forwarded: not if it belongs to the message or carries a credential. */
export function isForwardable(lowerCaseName: string): boolean {
  return !MESSAGE_HEADERS.has(lowerCaseName) && !lowerCaseName.startsWith(OWN_PREFIX) &&
    !isSensitiveName(lowerCaseName);
}

/**
 * The received headers that go along.
 *
 * @param allowed names in lower case, each of them forwardable; `undefined` for every forwardable one
 */
export function forwardedHeaders(received: Headers, allowed: readonly string[] | undefined): Header[] {
  const forwarded: Header[] = [];
  if (allowed === undefined) {
    forEachForwardable(received, (name, value) => forwarded.push([name, value]));
    return forwarded;
  }
  const hopByHop = namedInConnection(received);
  for (const name of allowed) {
    const value = received.get(name);
    if (value !== null && !hopByHop.includes(name)) forwarded.push([name, value]);
  }
  return forwarded;
}

/** Calls `visit` with every received header that may go along; names are in lower case, and none comes twice. */
export function forEachForwardable(received: Headers, visit: (name: string, value: string) => void): void {
  const hopByHop = namedInConnection(received);
  // Iterating with for-of costs several times as much.
  received.forEach((value, name) => {
    if (isForwardable(name) && !hopByHop.includes(name)) visit(name, value);
  });
}

/**
 * All received headers, credentials and signatures included, but for those that belong to the message: for a
 * receiver that stands in for the gateway.
 */
export function relayedHeaders(received: Headers): Header[] {
  const hopByHop = namedInConnection(received);
  return [...received].filter(([name]) =>
    !MESSAGE_HEADERS.has(name) && !name.startsWith(OWN_PREFIX) && !hopByHop.includes(name)
  );
}

/** RFC 9110, section 7.6.1: a sender may name further headers that are meant for this connection only. */
function namedInConnection(received: Headers): readonly string[] {
  const connection = received.get("connection");
  return connection === null ? [] : connection.toLowerCase().split(",").map((name) => name.trim());
}
