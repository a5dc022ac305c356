/**
 * Received headers as they are recorded beside an event, without credentials.
 *
 * @module
 */

import { REDACTED } from "../observability/redaction.ts";
import { EVENT_TYPE_HEADER, formOf, isCredentialHeader } from "./header_policy.ts";

/** Most names that are remembered; senders choose them. */
const MAX_NAMES = 1_000;

/** What is known of a header by its name. */
export interface KnownHeader {
  /** The name in JSON, and the colon. */
  readonly field: string;
  /** Whether its value is a credential or a signature. */
  readonly isSensitive: boolean;
  /** Whether it is one that only the gateway writes: what a sender says in it is not kept. */
  readonly isOurs: boolean;
}

const knownHeaders = new Map<string, KnownHeader>();

const REDACTED_JSON = JSON.stringify(REDACTED);

/**
 * The received headers as outputs keep them beside the body: a JSON object with all of them, the values of
 * credentials and signatures redacted.
 *
 * @param type of the event, where it is to stand among them
 */
export function recordedHeaders(received: Headers, type?: string): string {
  let fields = type === undefined ? "" : `"${EVENT_TYPE_HEADER}":${JSON.stringify(type)}`;
  // With forEach, since iterating with for-of costs twice as much.
  received.forEach((value, name) => {
    const { field, isSensitive, isOurs } = knownHeader(name);
    if (isOurs) return;
    fields += (fields === "" ? "" : ",") + field + (isSensitive ? REDACTED_JSON : JSON.stringify(value));
  });
  return `{${fields}}`;
}

/** What is known of a header by its name, which is found out once. @param name as `Headers` has it */
export function knownHeader(name: string): KnownHeader {
  let known = knownHeaders.get(name);
  if (known === undefined) {
    known = {
      field: `${JSON.stringify(name)}:`,
      isSensitive: isCredentialHeader(name),
      isOurs: formOf(name) === EVENT_TYPE_HEADER,
    };
    if (knownHeaders.size >= MAX_NAMES) knownHeaders.clear();
    knownHeaders.set(name, known);
  }
  return known;
}
