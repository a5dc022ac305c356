/**
 * Where the key of a record comes from: a text in the configuration, a place in the payload, or a header.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Event } from "../../event/event.ts";
import type { JsonPointer } from "../../json/pointer.ts";

/** Finds an event's key; `null` when it has none. */
export type KeySource = (event: Event) => Buffer | null;

/** The same key for every event. */
export function literalKey(text: string): KeySource {
  const key = Buffer.from(text);
  return () => key;
}

/** The value of a received header, byte for byte. */
export function headerKey(name: string): KeySource {
  return (event) => {
    const value = event.headers.get(name);
    return value === null ? null : Buffer.from(value, "latin1");
  };
}

/**
 * The value at a place of a JSON payload: a string as it is, a number or boolean exactly as the payload writes
 * it, so that numbers beyond 2^53 are different keys. Anything else is no key, and neither is a place that is
 * not there; a payload that is not JSON, as `data_type: blob` permits, has none.
 */
export function payloadKey(pointer: JsonPointer): KeySource {
  return ({ body }) => {
    const found = pointer.scalarIn(body);
    return found === undefined ? null : Buffer.from(found.text);
  };
}
