/**
 * The contract of the dead letters: events that were accepted and could not be delivered. They stand here
 * until somebody replays or drops them; nothing else removes them.
 *
 * @module
 */

import type { VerifiedEvent } from "../event/verified_event.ts";
import type { DeliveryErrorCode } from "../errors.ts";

/** Why an attempt failed, as operators see it. The message holds no secret. */
export interface AttemptFailure {
  readonly code: DeliveryErrorCode | "webhook_not_found" | "expired";
  readonly message: string;
  /** What could not take the event: a connection, or a module without one. Empty when nothing was asked. */
  readonly connection: string;
}

/** Which dead letters are meant. Left out, a condition does not matter; an empty filter means all. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[];
  readonly namespace?: string;
  /** Patterns of `schema/namespace_patterns.ts`, one of which the namespace matches. */
  readonly namespaces?: readonly string[];
  readonly webhook?: string;
  /** The connection's name, or the module's where it needs none. */
  readonly connection?: string;
  /** The code of the failure. */
  readonly reason?: string;
  /** Given up before this time, in milliseconds since 1970. */
  readonly before?: number;
  /** Given up at or after this time, in milliseconds since 1970. */
  readonly after?: number;
}

/** One dead letter without its event. */
export interface DeadLetterSummary {
  /** The event's id. */
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  /** What could not take it: a connection, or a module without one. Empty when nothing was asked. */
  readonly connection: string;
  readonly reason: AttemptFailure["code"];
  /** The output's own words. Holds no secret. */
  readonly message: string;
  readonly attempts: number;
  /** In milliseconds since 1970. */
  readonly receivedAt: number;
  /** When it was given up, in milliseconds since 1970. */
  readonly diedAt: number;
  /** Size of the body, in bytes. */
  readonly bytes: number;
}

/** One dead letter with its event. */
export interface DeadLetter extends DeadLetterSummary {
  readonly event: VerifiedEvent;
  /** The progress of its chain, as it was stored last. */
  readonly progress: string | undefined;
}

/** A page of dead letters, oldest first. */
export interface DeadLetterPage {
  readonly letters: readonly DeadLetterSummary[];
  /** Pass it as `cursor` for the next page; `undefined` on the last one. */
  readonly cursor: string | undefined;
}

/** Dead letters of one webhook. */
export interface DeadLetterCount {
  readonly namespace: string;
  readonly webhook: string;
  readonly count: number;
  /** When the first of them was given up, in milliseconds since 1970. */
  readonly since: number;
  /** Why the last of them was given up, and what could not take it. */
  readonly reason: AttemptFailure["code"];
  readonly connection: string;
}

/** The dead letters of a slice, by their webhooks. */
export interface DeadLetterCounts {
  readonly counts: readonly DeadLetterCount[];
  /** The position of the last one; the one that was given, where there is none. */
  readonly last: number;
  /** Whether others follow. */
  readonly more: boolean;
}

/** Lists, replays and drops dead letters. Rejects as the journal does. */
export interface DeadLetters {
  /**
   * @param limit letters on a page
   * @throws {GatewayError} `invalid_query` for a cursor that is none
   */
  list(filter: DeadLetterFilter, limit: number, cursor?: string): Promise<DeadLetterPage>;
  /**
   * Counts letters by their webhooks, oldest first.
   *
   * @param after a position; 0 for all of them
   * @param limit letters that are counted at most
   */
  count(after: number, limit: number): Promise<DeadLetterCounts>;
  /** @param id of the event */
  get(id: string): Promise<DeadLetter | undefined>;
  /** Makes the letters pending again, with their event ids and progress and no attempts. Returns how many. */
  replay(filter: DeadLetterFilter): Promise<number>;
  /** Removes the letters for good. Returns how many. */
  drop(filter: DeadLetterFilter): Promise<number>;
  /** Adds a dead letter for an event that is not in the journal. */
  bury(event: VerifiedEvent, failure: AttemptFailure, attempts: number): Promise<void>;
}
