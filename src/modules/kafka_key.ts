/**
 * Where the key of a record comes from: a text in the configuration, a place in the payload, or a header.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Event } from "../event.ts";

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
 * The value at a place of a JSON payload: a string as it is, a number or boolean as JSON writes it. Anything
 * else is no key, and neither is a place that is not there.
 *
 * @param tokens a parsed JSON pointer
 */
export function payloadKey(tokens: readonly string[]): KeySource {
  return (event) => {
    const value = resolvePointer(parsedBody(event), tokens);
    if (typeof value === "string") return Buffer.from(value);
    return typeof value === "number" || typeof value === "boolean" ? Buffer.from(String(value)) : null;
  };
}

/**
 * Parses a JSON pointer (RFC 6901), such as `/order/id`.
 *
 * @returns its reference tokens, or `undefined` when it is not one
 */
export function parseJsonPointer(text: string): readonly string[] | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  return text.slice(1).split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function resolvePointer(document: unknown, tokens: readonly string[]): unknown {
  let value = document;
  for (const token of tokens) {
    if (typeof value !== "object" || value === null) return undefined;
    if (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
    if (!Object.hasOwn(value, token)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[token];
  }
  return value;
}

function parsedBody(event: Event): unknown {
  try {
    return event.body.json;
  } catch {
    return undefined; // Not JSON, as `data_type: blob` permits: nothing can be found in it.
  }
}
