/**
 * Turns what a webhook says about repeated events into how their keys are made.
 *
 * An id is a text or a number. Anything else that may stand in its place says nothing about the event (`null`,
 * a boolean, an empty text), and an event without an id is always a new one: taking it for a repeat would lose
 * it.
 *
 * @module
 */

import type { Idempotency } from "../../delivery/route.ts";
import type { Event } from "../../event/event.ts";
import type { Scalar } from "../../json/pointer.ts";
import type { EventIdPartConfig, IdempotencyConfig } from "./delivery_schema.ts";

/** Finds an id, or a part of one; `undefined` where the event has none. */
type IdSource = (event: Event) => Scalar | undefined;

/** Compiles `idempotency` of a webhook. */
export function compileIdempotency(config: IdempotencyConfig): Idempotency {
  const parts = config.of ?? [config];
  const sources = parts.map(compilePart);
  const [only] = sources;
  const ttlMs = config.ttl * 1000;
  return {
    keyOf: (event) => {
      const key = config.of === undefined ? keyOfOne(only?.(event)) : keyOfAll(sources, event);
      return key === undefined ? undefined : { repeat: "duplicate", key, ttlMs };
    },
  };
}

function compilePart({ header, json_pointer: pointer }: EventIdPartConfig): IdSource {
  if (pointer !== undefined) return ({ body }) => idOrNothing(pointer.scalarIn(body));
  return ({ headers }) => {
    const value = headers.get(header ?? "");
    return value === null || BLANK_HEADER.test(value) ? undefined : { type: "string", text: value };
  };
}

/** What a header is that was sent empty, however often. */
const BLANK_HEADER = /^[\s,]*$/;

function idOrNothing(found: Scalar | undefined): Scalar | undefined {
  if (found === undefined || found.type === "boolean") return undefined;
  return found.text.trim() === "" ? undefined : found;
}

/** The text itself, so that events are known again that were remembered before ids had parts. */
function keyOfOne(id: Scalar | undefined): string | undefined {
  if (id === undefined) return undefined;
  // A key is stored as UTF-8, where all lone surrogates are one character.
  return id.text.isWellFormed() ? id.text : JSON.stringify(id.text);
}

/** A JSON array, in which no two lists of parts are the same text. */
function keyOfAll(sources: readonly IdSource[], event: Event): string | undefined {
  const parts: string[] = [];
  for (const source of sources) {
    const part = source(event);
    if (part === undefined) return undefined;
    parts.push(part.type === "number" ? part.text : JSON.stringify(part.text));
  }
  return `[${parts.join(",")}]`;
}
