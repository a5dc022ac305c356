/**
 * What repeated events are recognised by.
 *
 * @module
 */

import type { EventBody } from "./event.ts";

/** What a repeat counts as: it was found by `idempotency` of its webhook, or by what its sender has signed. */
export type RepeatKind = "duplicate" | "replayed";

/** What a repeated event is recognised by. Keys of one kind are never those of the other. */
export interface RepeatKey {
  readonly repeat: RepeatKind;
  /** Of any length where it is the sender's own; what was signed has one of at most 150 characters. */
  readonly key: string;
  /** How long the key is remembered after the first event, in milliseconds. */
  readonly ttlMs: number;
}

/**
 * The key of a request: as it is, or found in its document, which by then was read in pieces and found to be JSON or
 * not.
 */
export type RequestKey = RepeatKey | ((document: EventBody) => RepeatKey);

/** An event that was accepted before. */
export interface Repeated {
  /** The id of the first one. */
  readonly duplicateOf: string;
  /** What it was found by. */
  readonly repeat: RepeatKind;
}
