/**
 * Received headers as they are recorded beside an event, without credentials.
 *
 * @module
 */

import { REDACTED } from "../observability/redaction.ts";
import { isCredentialHeader } from "./header_policy.ts";

/** Most names that are remembered; senders choose them. */
const MAX_NAMES = 1_000;

/** What is known of a header by its name. */
export interface KnownHeader {
  /** The name in JSON, and the colon. */
  readonly field: string;
  /** Whether its value is a credential or a signature. */
  readonly isSensitive: boolean;
}

const knownHeaders = new Map<string, KnownHeader>();

const REDACTED_JSON = JSON.stringify(REDACTED);

/**
 * The received headers as outputs keep them beside the body: a JSON object with all of them, the values of
 * credentials and signatures redacted.
 */
export function recordedHeaders(received: Headers): string {
  let fields = "";
  // With forEach, since iterating with for-of costs twice as much.
  received.forEach((value, name) => {
    const { field, isSensitive } = knownHeader(name);
    fields += (fields === "" ? "" : ",") + field + (isSensitive ? REDACTED_JSON : JSON.stringify(value));
  });
  return `{${fields}}`;
}

/** What is known of a header by its name, which is found out once. @param name as `Headers` has it */
export function knownHeader(name: string): KnownHeader {
  let known = knownHeaders.get(name);
  if (known === undefined) {
    known = { field: `${JSON.stringify(name)}:`, isSensitive: isCredentialHeader(name) };
    if (knownHeaders.size >= MAX_NAMES) knownHeaders.clear();
    knownHeaders.set(name, known);
  }
  return known;
}
