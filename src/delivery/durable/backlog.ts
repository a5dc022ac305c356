/**
 * The events of one webhook that nobody has claimed: they stay in the journal, however many there are, and are
 * claimed as there is room for them and their time comes.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import { Timer } from "../../time/deadlines.ts";
import type { Claimed, LaneKey, PendingEvent } from "../../journal/journal.ts";
import type { ClaimBounds, ClaimWindow } from "./claim_window.ts";
import type { LaneContext } from "./context.ts";

/** The longest time until the journal is asked whether something is due, in milliseconds. */
const MAX_WAIT_MS = 60_000;

/** The pause after a claim that failed, or found nothing where something must be, in milliseconds. */
const RETRY_CLAIM_MS = 1_000;

/** The lane that claims are for. */
export interface BacklogOwner {
  readonly name: LaneKey;
  /** Whether claimed events have somewhere to go now. */
  readonly mayClaim: boolean;
  /** Whether a single event is to be claimed, and one that waits for its next attempt if there is no other. */
  readonly triesOne: boolean;
  /** The longest pause that an event makes on the route of now, in milliseconds; `undefined` without a route. */
  readonly longestPauseMs: number | undefined;
  /** A claimed event begins its way. @param bytes what the window has taken for it */
  onClaimed(pending: PendingEvent, bytes: number): void;
  /** All events of a claim have begun their way. */
  onClaimEnded(): void;
}

/** What the journal holds of one webhook for later. */
export class Backlog {
  readonly #owner: BacklogOwner;
  readonly #window: ClaimWindow;
  readonly #context: Pick<LaneContext, "journal" | "recorder" | "budget" | "deadlines" | "now">;
  readonly #refill = () => this.fill();
  readonly #timer = new Timer(this.#refill);
  /** Whether the journal holds events that are not claimed, or may. */
  #exists = false;
  /** When the first of them is due. */
  #nextDueAt = 0;
  /** What was put back while a claim was under way, by when it is due. */
  #notedDueAt = Infinity;
  /** Events under way into the journal that will have to be claimed. */
  #arriving = 0;
  #claiming = false;
  /** Whether the next claim takes what is not due yet. */
  #hastens = false;
  #stopped = false;

  constructor(
    owner: BacklogOwner,
    window: ClaimWindow,
    context: Pick<LaneContext, "journal" | "recorder" | "budget" | "deadlines" | "now">,
  ) {
    this.#owner = owner;
    this.#window = window;
    this.#context = context;
  }

  get exists(): boolean {
    return this.#exists;
  }

  /** Events under way into the journal that will have to be claimed. */
  get arriving(): number {
    return this.#arriving;
  }

  /** Whether events are on their way out of the journal. */
  get isClaiming(): boolean {
    return this.#claiming;
  }

  /** An event goes into the journal that nobody claims right away. */
  expect(): void {
    this.#arriving++;
    this.#exists = true;
  }

  /** The journal has such an event, or has refused it. */
  arrived(isStored: boolean): void {
    this.#arriving = assertCount(this.#arriving - 1, "unclaimed events");
    if (isStored) this.#note(0);
    this.#exists = true;
    this.fill();
  }

  /** The journal may hold events that nobody has claimed. */
  suspect(): void {
    this.#exists = true;
    this.#note(0);
  }

  /** An event went back into the journal. @param dueAt when it is to be attempted again, by `steadyNow` */
  putBack(dueAt: number): void {
    this.#note(this.#exists ? Math.min(this.#nextDueAt, dueAt) : dueAt);
    this.#exists = true;
    this.fill();
  }

  /** A claim that is under way may have looked before. */
  #note(dueAt: number): void {
    this.#nextDueAt = dueAt;
    if (this.#claiming) this.#notedDueAt = Math.min(this.#notedDueAt, dueAt);
  }

  /** Claims what waits for its next attempt as well. */
  hasten(): void {
    if (!this.#exists) return;
    this.#hastens = true;
    this.fill();
  }

  /** Claims what is due, as much as there is room for. */
  fill(): void {
    if (!this.#exists || this.#claiming || this.#stopped || !this.#owner.mayClaim) return;
    if (!this.#window.hasRoomFor(0)) {
      const { budget } = this.#context;
      if (budget.free <= 0) budget.whenFree(this.#refill);
      return;
    }
    const waitMs = this.#nextDueAt - this.#context.now();
    if (waitMs > 0 && !this.#hastens && !this.#owner.triesOne) this.#wakeIn(waitMs);
    else this.#claim();
  }

  /** Claims nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#context.deadlines.clear(this.#timer);
  }

  async #claim(): Promise<void> {
    this.#claiming = true;
    this.#notedDueAt = Infinity;
    try {
      const claimed = await this.#window.claim((bounds) => this.#claimWithin(bounds));
      const nextDueAt = Math.min(
        claimed.nextDueAt ?? Infinity,
        this.#notedDueAt,
        this.#arriving > 0 ? 0 : Infinity,
      );
      this.#exists = nextDueAt < Infinity;
      this.#nextDueAt = this.#exists ? nextDueAt : 0;
      for (const pending of claimed.events) this.#owner.onClaimed(pending, pending.event.body.memory);
      this.#owner.onClaimEnded();
      this.#claiming = false;
      // What came in the meantime would wait for the next event to leave otherwise.
      if (claimed.events.length > 0 || this.#nextDueAt > 0 || this.#notedDueAt < Infinity) this.fill();
      else if (this.#exists) this.#wakeIn(RETRY_CLAIM_MS);
    } catch (error) {
      this.#claiming = false;
      this.#context.recorder.journalFailed(error);
      this.#wakeIn(RETRY_CLAIM_MS);
    }
  }

  async #claimWithin(bounds: ClaimBounds): Promise<Claimed> {
    const { name, longestPauseMs, triesOne } = this.#owner;
    const early = triesOne ? "first" : this.#hastens ? "all" : undefined;
    const events = triesOne ? 1 : bounds.events;
    const claimed = await this.#context.journal.claim(name, { ...bounds, events, longestPauseMs, early });
    if (early === "all") this.#hastens = false;
    for (const { event } of claimed.events) this.#window.take(event.body.memory);
    return claimed;
  }

  #wakeIn(milliseconds: number): void {
    const { deadlines } = this.#context;
    deadlines.clear(this.#timer);
    deadlines.set(Math.min(milliseconds, MAX_WAIT_MS), this.#timer);
  }
}
