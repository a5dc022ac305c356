import { REDACTED } from "../observability/redaction.ts";
import { isCredentialHeader } from "./header_policy.ts";

/** Most names that are remembered; senders choose them. */
const MAX_NAMES = 1_000;

/** What the JSON of a header begins with, or all of it where the value is a credential. */
interface KnownName {
  readonly field: string;
  readonly isSensitive: boolean;
}

const knownNames = new Map<string, KnownName>();

/**
 * The received headers as outputs keep them beside the body: a JSON object with all of them, the values of
 * credentials and signatures redacted.
 */
export function recordedHeaders(received: Headers): string {
  let fields = "";
  // With forEach, since iterating with for-of costs twice as much.
  received.forEach((value, name) => {
    const { field, isSensitive } = knownName(name);
    fields += (fields === "" ? "" : ",") + field + (isSensitive ? "" : JSON.stringify(value));
  });
  return `{${fields}}`;
}

function knownName(name: string): KnownName {
  let known = knownNames.get(name);
  if (known === undefined) {
    const isSensitive = isCredentialHeader(name);
    const value = isSensitive ? JSON.stringify(REDACTED) : "";
    known = { field: `${JSON.stringify(name)}:${value}`, isSensitive };
    if (knownNames.size >= MAX_NAMES) knownNames.clear();
    knownNames.set(name, known);
  }
  return known;
}
