import { isSensitiveName, REDACTED } from "../observability/redaction.ts";

/** The received headers as outputs keep them beside the body: all of them, without the values of credentials. */
export function recordedHeaders(received: Headers): Readonly<Record<string, string>> {
  const recorded: [name: string, value: string][] = [];
  // With forEach, since iterating with for-of costs twice as much.
  received.forEach((value, name) => recorded.push([name, isSensitiveName(name) ? REDACTED : value]));
  return Object.fromEntries(recorded);
}
