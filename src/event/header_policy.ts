/**
 * The one policy about headers: which of the received ones go along with an event, which of them carry a credential,
 * and which fixed ones may be configured.
 *
 * Receivers that are run like CGI programs know a header by a variable (`HTTP_CWM_EVENT_ID`; RFC 3875, section
 * 4.1.18), in which `-`, `_` and often every other sign are the same. So names are judged by one form, whatever
 * signs they are spelled with.
 *
 * @module
 */

import { isSensitiveName } from "../observability/redaction.ts";
import { HEADER_NAME, HEADER_VALUE } from "../schema/header_names.ts";

/** A header of the outgoing request; the name is in lower case. */
export type Header = readonly [name: string, value: string];

/** Longest configured header name and value, in characters; servers refuse more than about as much. */
const MAX_NAME = 200;
const MAX_VALUE = 8192;

/** They belong to one connection or to the message as it was sent, which is not the one that is forwarded. */
const MESSAGE_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  // No header of HTTP, but `HTTP_PROXY` to a program that takes its proxy from the environment.
  "proxy",
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

/** The header with an event's type. */
export const EVENT_TYPE_HEADER = "cwm-event-type";

/**
 * Statements of a proxy about the client's certificate, such as `X-Forwarded-Client-Cert` of Envoy, `Client-Cert`
 * of RFC 9440 and `X-SSL-Client-Verify`: they are true of the connection to that proxy, and of no other.
 */
const CLIENT_CERTIFICATE = /(?:client-?cert|(?:ssl|tls)-client)/;

/**
 * Names of headers, in their form, whose values are credentials, though the same names are harmless in a body. Words
 * such as `authorization`, `token` and `signature` are known to {@linkcode isSensitiveName}.
 */
const CREDENTIAL = new RegExp(
  "jwt|oidc|saml|assertion|dpop|client-principal" +
    "|(?:^|-)(?:user)?pass(?:code|key)?(?:$|-)|(?:^|-)(?:otp|pin)(?:$|-)" +
    "|(?:access|account|admin|app|client|functions?|license|master|security|service|shared|signing" +
    "|subscription|webhook)-?key(?:$|-)",
);

/** Most names whose judgement is remembered; senders choose them. */
const MAX_NAMES = 1_000;

/** What the policy says about a name. */
interface Judgement {
  /** The name in lower case with every sign as `-`: two names of one form are one to some receivers. */
  readonly form: string;
  /** Whether it belongs to the message or the connection, or spells a header that is always sent. */
  readonly isOurs: boolean;
  readonly isCredential: boolean;
}

const judgements = new Map<string, Judgement>();

function judge(lowerCaseName: string): Judgement {
  let judgement = judgements.get(lowerCaseName);
  if (judgement === undefined) {
    const form = formOf(lowerCaseName);
    judgement = {
      form,
      isOurs: MESSAGE_HEADERS.has(form) || form.startsWith(OWN_PREFIX) || CLIENT_CERTIFICATE.test(form) ||
        (form === "content-type" && form !== lowerCaseName),
      isCredential: isSensitiveName(lowerCaseName) || CREDENTIAL.test(form) || CLIENT_CERTIFICATE.test(form),
    };
    if (judgements.size >= MAX_NAMES) judgements.clear();
    judgements.set(lowerCaseName, judgement);
  }
  return judgement;
}

/** A name in the form by which receivers may know it. */
export function formOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "-");
}

/** Whether the value of a header may be a credential. */
export function isCredentialHeader(lowerCaseName: string): boolean {
  return judge(lowerCaseName).isCredential;
}

/** Why a configured header cannot be sent; `undefined` when it can. The value is never shown: it may be a secret. */
export function refuseConfiguredHeader(name: string, value: string): string | undefined {
  if (!HEADER_NAME.test(name) || name.length > MAX_NAME) return "Not a header name";
  const form = formOf(name);
  if (MESSAGE_HEADERS.has(form)) return "This header is set by the gateway, or belongs to one connection";
  if (form.startsWith(OWN_PREFIX)) return "Headers that begin with cwm- are the gateway's own";
  if (!HEADER_VALUE.test(value)) return "The value contains characters that a header cannot carry";
  return value.length > MAX_VALUE ? `The value is longer than ${MAX_VALUE} characters` : undefined;
}

/** Whether a header may ever be forwarded: not if it belongs to the message or carries a credential. */
export function isForwardable(lowerCaseName: string): boolean {
  const { isOurs, isCredential } = judge(lowerCaseName);
  return !isOurs && !isCredential;
}

/**
 * The received headers that go along.
 *
 * @param allowed names in lower case, each of them forwardable; `undefined` for every forwardable one
 * @param taken the forms of names that are sent with values of our own
 */
export function forwardedHeaders(
  received: Headers,
  allowed: readonly string[] | undefined,
  taken: ReadonlySet<string>,
): Header[] {
  const forwarded: Header[] = [];
  if (allowed === undefined) {
    forEachForwardable(received, (name, value) => {
      if (!taken.has(judge(name).form)) forwarded.push([name, value]);
    });
    return forwarded;
  }
  const hopByHop = namedInConnection(received);
  for (const name of allowed) {
    const value = received.get(name);
    if (value !== null && !hopByHop.includes(name) && !taken.has(judge(name).form)) {
      forwarded.push([name, value]);
    }
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
 * All received headers, credentials and signatures included, but for those that belong to the message or to the
 * connection that it came by: for a receiver that stands in for the gateway.
 *
 * @param taken the forms of names that are sent with values of our own
 */
export function relayedHeaders(received: Headers, taken: ReadonlySet<string>): Header[] {
  const hopByHop = namedInConnection(received);
  const relayed: Header[] = [];
  received.forEach((value, name) => {
    const { form, isOurs } = judge(name);
    if (!isOurs && !taken.has(form) && !hopByHop.includes(name)) relayed.push([name, value]);
  });
  return relayed;
}

/** RFC 9110, section 7.6.1: a sender may name further headers that are meant for this connection only. */
function namedInConnection(received: Headers): readonly string[] {
  const connection = received.get("connection");
  return connection === null ? [] : connection.toLowerCase().split(",").map((name) => name.trim());
}
