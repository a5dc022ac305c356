/**
 * The contract of the journal: the durable memory of events that were answered with 2xx and are not yet
 * delivered. Nothing above this file knows how it is stored, or whether other gateways share it.
 *
 * An event is *pending* from its `append` until it is settled as delivered or dead. Pending events stand in
 * *lanes*, one a webhook, so that what one webhook has not got rid of never stands before another one's.
 * Whoever delivers an event *claims* it first; what was claimed by a process that ended without settling it
 * is pending again at the next start, so every event is delivered at least once.
 *
 * @module
 */

import type { Repeated, RepeatKey } from "../event/repeat_key.ts";
import type { VerifiedEvent } from "../event/verified_event.ts";
import type { GatewayError } from "../errors.ts";
import type { AttemptFailure, DeadLetters } from "../dead_letters/dead_letters.ts";

/** The webhook whose events stand in line together. */
export interface LaneKey {
  readonly namespace: string;
  /** The webhook's id within its namespace. */
  readonly webhook: string;
}

/** How an event is appended. */
export interface AppendOptions {
  /**
   * Whether the caller delivers it right away: it is claimed and its first attempt recorded in the same commit.
   * Otherwise it waits in its lane.
   */
  readonly claim: boolean;
  /**
   * Whether the events of the webhook are delivered one after the other, in the order of their appends, whichever gateway
   * appends them. @default false
   */
  readonly ordered?: boolean;
  /** Make a later event of the webhook with one of them a repeat of this one. They are remembered in its commit. */
  readonly keys?: readonly RepeatKey[];
}

/** The keys of one event of a webhook. */
export interface RememberedEvent extends LaneKey {
  readonly eventId: string;
  readonly keys: readonly RepeatKey[];
}

/** A key that is remembered, of what a sender has signed. */
export interface RecalledKey {
  readonly key: string;
  readonly eventId: string;
  /** By `steadyNow`, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** An event that the journal has taken. */
export interface AppendedEvent {
  /** What the journal knows it by. */
  readonly sequence: number;
  /**
   * Whether it waits in its lane although its claim was asked for: it must not be delivered before earlier events, or
   * another gateway delivers it. @default false
   */
  readonly waits?: boolean;
}

/** What the journal has of an event; or which event it repeats. */
export type Appended = AppendedEvent | Repeated;

/**
 * Who waits for an append; one of the two is called, once. No promise, since each of the many events that wait
 * for one commit would need two.
 */
export interface AppendListener {
  /** The event is on disk. In the order of the appends. Must not throw. */
  onAppended(appended: Appended): void;
  /** It is not, and will not be. May be called before `append` returns. Must not throw. */
  onRefused(error: GatewayError): void;
}

/**
 * Keys of events that are delivered without being appended, for gateways that share a journal: of the events with one
 * key, one is delivered. What a gateway has claimed that ends is free again.
 */
export interface KeyClaims {
  /**
   * Claims the keys of an event, before it is delivered. Resolves with the event that it repeats; where it repeats none,
   * {@linkcode delivered} or {@linkcode failed} follows. One that another gateway is delivering is waited for.
   *
   * @throws {GatewayError} `journal_unavailable`, `overloaded`, or `repeat_under_way` where that takes long: within two
   *   seconds
   */
  claim(event: RememberedEvent): Promise<Repeated | undefined>;
  /** The event was delivered: its keys are remembered. That is written behind. */
  delivered(event: RememberedEvent): void;
  /** It was not: another event may have its keys. That is written behind. */
  failed(event: RememberedEvent): void;
}

/** A claimed event. */
export interface PendingEvent {
  /** Grows with every append. */
  readonly sequence: number;
  readonly event: VerifiedEvent;
  /** Attempts begun so far, the one that the claim recorded included. */
  readonly attempts: number;
  /** What {@linkcode Settlement} last stored of it, for chains; `undefined` at first. */
  readonly progress: string | undefined;
}

/** The outcome of a claimed event. */
export type Settlement =
  /** Done. It is kept for the retention time, then removed. */
  | { readonly sequence: number; readonly state: "delivered" }
  /** Given back to its lane, to be claimed from `dueAt` on (milliseconds since 1970 by `steadyNow`; 0: now, in its old place). */
  | {
    readonly sequence: number;
    readonly state: "retry";
    readonly dueAt: number;
    readonly failure?: AttemptFailure;
    readonly progress?: string;
    /** Takes back the attempt that the claim recorded, since none was made. */
    readonly unattempted?: boolean;
  }
  /** It stays claimed, and a step of its chain is done. */
  | { readonly sequence: number; readonly state: "progress"; readonly progress: string }
  /** It stays claimed, and another attempt is about to begin. */
  | {
    readonly sequence: number;
    readonly state: "attempt";
    readonly failure?: AttemptFailure;
    readonly progress?: string;
  }
  /** Given up: it moves to the dead letters. */
  | {
    readonly sequence: number;
    readonly state: "dead";
    readonly failure: AttemptFailure;
    readonly progress?: string;
    /** In milliseconds since 1970. @default now */
    readonly diedAt?: number;
  };

/** What waits in a lane. */
export interface LaneBacklog extends LaneKey {
  /** Pending events, claimed ones included. */
  readonly pending: number;
  /** How many of those have come from other gateways since this was said last. @default 0 */
  readonly added?: number;
}

/** Bounds of one claim. */
export interface ClaimLimit {
  readonly events: number;
  /** Of bodies; the first of them may be longer than that. */
  readonly bytes: number;
  /** How long the first may be, in bytes: no event is claimed while it is longer. @default any length */
  readonly largest?: number | undefined;
  /**
   * The longest pause between two attempts, in milliseconds. What is due over a second later than that is due at once:
   * the clock was set back since. @default any pause is possible
   */
  readonly longestPauseMs?: number | undefined;
  /**
   * Which of those that are not due yet are due at once. `first`: where none is due, the one whose turn is next. `all`:
   * all of them, as far as to 10,000. @default none
   */
  readonly early?: "first" | "all" | undefined;
}

/** What a claim found. */
export interface Claimed {
  /** In the order of `sequence` among those that are due now. */
  readonly events: readonly PendingEvent[];
  /** When the lane's next unclaimed event is due (as `dueAt`; 0: now); `undefined` if there is none. */
  readonly nextDueAt: number | undefined;
}

/** A webhook whose deliveries are stopped. */
export interface StoppedLane extends LaneKey {
  /** `paused`: by an operator. `switched_off`: its target has failed for long. */
  readonly state: "paused" | "switched_off";
  /** In milliseconds since 1970. */
  readonly since: number;
  /** Why, for operators. Holds no secret and nothing of an event. */
  readonly cause: string;
}

/** Remembers which webhooks are stopped. Rejects as {@linkcode Journal} does. */
export interface StopStore {
  list(): Promise<readonly StoppedLane[]>;
  /** Remembers that a webhook is stopped, in the place of what was remembered of it. */
  put(stopped: StoppedLane): Promise<void>;
  /** Returns whether something was remembered of the webhook. */
  remove(lane: LaneKey): Promise<boolean>;
  /**
   * Has the listener called with all that is remembered, soon after others have changed it. Left out: there are no
   * others. The listener must not throw.
   */
  follow?(listener: (stopped: readonly StoppedLane[]) => void): void;
}

/**
 * Whether a claimed event is still the caller's to deliver. `not_now`: the journal cannot say for the moment, so that
 * another gateway may be about to take it over; {@linkcode JournalListener.onHolding} follows. `gone`: another gateway
 * has taken it over, and a settlement of it does nothing.
 */
export type Holding = "yes" | "not_now" | "gone";

/** Learns what other gateways do with a journal that they share. Its methods must not throw. */
export interface JournalListener {
  /** A lane may have events to claim that nobody has appended here. */
  onWaiting(backlog: LaneBacklog): void;
  /** What a lane had here is gone, claimed or not: another gateway delivers it. */
  onGone(lane: LaneKey): void;
  /** So many events of a lane wait at the gateway that delivers what is appended here, as it said last. */
  onElsewhere(lane: LaneKey, pending: number): void;
  /** Events of which it could not be said whether they are held may be asked for again. */
  onHolding(): void;
}

/** Figures for metrics; kept up to date in memory, free to ask for. */
export interface JournalStats {
  /** `undefined` while nobody can say: the store could not be opened yet. */
  readonly pending: number | undefined;
  /** When the oldest pending event was received, in milliseconds since 1970; `undefined` when none is pending. */
  readonly oldestReceivedAt: number | undefined;
  /** How long ago that was, in milliseconds; it grows evenly, however the clock is set meanwhile. */
  readonly oldestAgeMs: number | undefined;
  readonly deadLetters: number;
  /** Events that became dead letters since the start. */
  readonly buried: number;
  /** Size of the store on disk. */
  readonly bytes: number;
  /** Operations that wait for the next commit. */
  readonly waiting: number;
  /** Commits so far. */
  readonly commits: number;
  /** How often a damaged store was set aside and a new one begun since the start. */
  readonly damaged: number;
  /** The webhooks that hold over a hundredth of the bound of the store, as they were a second ago. */
  readonly holders: readonly LaneHolding[];
}

/** What a webhook holds of the store: its pending events, its dead letters and its events in channels. */
export interface LaneHolding extends LaneKey {
  readonly bytes: number;
}

/**
 * The journal. Every method but `append` resolves after the change is on disk and would survive a loss of power.
 *
 * All reject with a `GatewayError` `journal_unavailable` when the store cannot be written or read (disk full,
 * read-only, damaged, busy), and then nothing of the operation has happened; the next one is tried again,
 * so a disk that has space again needs no hand work.
 */
export interface Journal extends AsyncDisposable {
  /**
   * Appends an event. It is refused as the other methods reject, with `overloaded` and `Retry-After` while too much
   * waits for the next commit, and with `journal_share_full` while its webhook holds its share of the store.
   */
  append(event: VerifiedEvent, options: AppendOptions, listener: AppendListener): void;
  /** Takes events of a lane that are due, and records the beginning of an attempt for each. */
  claim(lane: LaneKey, limit: ClaimLimit): Promise<Claimed>;
  settle(settlement: Settlement): Promise<void>;
  /** Whether a claimed event may be delivered now. Asked before each attempt. */
  holds(sequence: number): Holding;
  /** Has the listener called from now on; there is one. A journal of one gateway never calls it. */
  follow(listener: JournalListener): void;
  /** Every lane with pending events that this gateway is to deliver. */
  lanes(): Promise<readonly LaneBacklog[]>;
  /**
   * The id of the event that had the key within its time to live, for webhooks whose events are not appended.
   */
  findRepeated(lane: LaneKey, key: RepeatKey): Promise<string | undefined>;
  /** Remembers the keys of events that are not appended. */
  remember(events: readonly RememberedEvent[]): Promise<void>;
  /**
   * What is remembered of a webhook, of kind `replayed`, the oldest first.
   *
   * @param limit the newest so many
   */
  recall(lane: LaneKey, limit: number): Promise<readonly RecalledKey[]>;
  /** In the place of `findRepeated`, `remember` and `recall` where other gateways may have the same events; left out: there are none. */
  readonly claims?: KeyClaims | undefined;
  /** Whether the store is in use. While nothing was asked of the journal, and there was none before, it is not. */
  readonly isOpen: boolean;
  readonly deadLetters: DeadLetters;
  stats(): JournalStats;
}
