/**
 * One pack with claimed events, as the gateway that owns it has it in memory.
 *
 * @module
 */

import { assertCount } from "../../../errors.ts";
import type { VerifiedEvent } from "../../../event/verified_event.ts";
import type { HeldEvent } from "./held.ts";
import { type Early, LATE_MS, type WaitingLane } from "./waiting_lane.ts";

/** Most events of one pack: a sequence is the pack's number and the place of the event in it. */
export const PACK_EVENTS = 64;

/** Where an event stands. `waiting`: nobody has claimed it. */
const WAITING = 0;
const CLAIMED = 1;
const DELIVERED = 2;
/** Done, and not delivered. */
const ENDED = 3;

/** What is known of an event beside its state and its attempts; most have none of it. */
type Detail = Pick<HeldEvent, "dueAt" | "failure" | "progress">;

const NO_DETAIL: Detail = { dueAt: 0, failure: undefined, progress: undefined };

/** What a pack's row says. */
export interface PackFacts {
  readonly no: number;
  /** How many events it has, done ones included. */
  readonly count: number;
  /** When its oldest event was received, in milliseconds since 1970. */
  readonly oldestAt: number;
  /** Of its events, as they stand in the row. */
  readonly bytes: number;
}

/** The number that the journal knows an event by. */
export function sequenceOf(no: number, index: number): number {
  return no * PACK_EVENTS + index;
}

/** The pack of an event. */
export function packOf(sequence: number): { readonly no: number; readonly index: number } {
  const no = Math.floor(sequence / PACK_EVENTS);
  return { no, index: sequence - no * PACK_EVENTS };
}

/** The events of one pack: which are claimed, and what is to be recorded of them. */
export class Pack implements PackFacts {
  readonly no: number;
  readonly count: number;
  readonly oldestAt: number;
  readonly bytes: number;
  /** The lane of each event. */
  readonly lanes: readonly WaitingLane[];
  /** Events that are not done. */
  left: number;
  claimed = 0;
  /** Whether what is known of its events differs from what the next commit but one will find in its row. */
  isChanged = false;
  readonly #states: number[];
  readonly #attempts: number[];
  /** Those that are claimed: a dead letter takes its event with it. */
  readonly #events: (VerifiedEvent | undefined)[] = [];
  #details: Map<number, Detail> | undefined;

  /** @param attempts that were begun when the events were appended: 1 for those that were claimed then */
  constructor({ no, count, oldestAt, bytes }: PackFacts, lanes: readonly WaitingLane[], attempts: number) {
    this.no = no;
    this.count = count;
    this.oldestAt = oldestAt;
    this.bytes = bytes;
    this.lanes = lanes;
    this.left = count;
    this.#states = Array<number>(count).fill(WAITING);
    this.#attempts = Array<number>(count).fill(attempts);
  }

  /** What its row says of events that were held up. */
  restore(held: readonly HeldEvent[]): void {
    this.#states.fill(ENDED);
    this.left = held.length;
    for (const event of held) {
      this.#states[event.index] = WAITING;
      this.#attempts[event.index] = event.attempts;
      this.#note(event.index, event);
    }
  }

  /** What each of its events counts for in the bytes of the lane. */
  get bytesEach(): number {
    return this.bytes / this.count;
  }

  isClaimed(index: number): boolean {
    return this.#states[index] === CLAIMED;
  }

  eventAt(index: number): VerifiedEvent | undefined {
    return this.#events[index];
  }

  attemptsOf(index: number): number {
    return this.#attempts[index]!;
  }

  progressOf(index: number): string | undefined {
    return this.#details?.get(index)?.progress;
  }

  /** An event was appended that its appender delivers. */
  appended(index: number, event: VerifiedEvent): void {
    this.#states[index] = CLAIMED;
    this.#events[index] = event;
    this.claimed++;
  }

  /** The places of a lane's events that may be claimed now. */
  claimable(
    lane: WaitingLane,
    now: number,
    early: Early,
    longestPauseMs: number = Infinity,
  ): readonly number[] {
    const places: number[] = [];
    let first: number | undefined;
    for (const [index, state] of this.#states.entries()) {
      if (state !== WAITING || this.lanes[index] !== lane) continue;
      const { dueAt } = this.#detail(index);
      const isDue = dueAt <= now || dueAt > now + longestPauseMs + LATE_MS || early === "all";
      if (isDue) places.push(index);
      else if (first === undefined || dueAt < this.#detail(first).dueAt) first = index;
    }
    return places.length === 0 && early === "first" && first !== undefined ? [first] : places;
  }

  /** Another attempt of an event begins. */
  claim(index: number, event: VerifiedEvent): void {
    this.appended(index, event);
    this.#attempts[index]!++;
    this.#note(index, { ...this.#detail(index), dueAt: 0 });
  }

  /** When the first of a lane's events that wait is due; `undefined` when none waits. */
  nextDueAt(lane: WaitingLane): number | undefined {
    let next: number | undefined;
    for (const [index, state] of this.#states.entries()) {
      if (state !== WAITING || this.lanes[index] !== lane) continue;
      next = Math.min(next ?? Infinity, this.#detail(index).dueAt);
    }
    return next;
  }

  /** A claimed event stays claimed, and something is to be recorded of it. */
  update(
    index: number,
    { failure, progress }: Partial<Pick<Detail, "failure" | "progress">>,
    attempts = 0,
  ): void {
    const detail = this.#detail(index);
    this.#attempts[index]! += attempts;
    this.#note(index, {
      ...detail,
      failure: failure ?? detail.failure,
      progress: progress ?? detail.progress,
    });
  }

  /** A claimed event is given back. */
  putBack(index: number, dueAt: number): void {
    this.#unclaim(index, WAITING);
    this.#note(index, { ...this.#detail(index), dueAt });
  }

  /** A claimed event is done. */
  end(index: number, isDelivered: boolean): void {
    this.#unclaim(index, isDelivered ? DELIVERED : ENDED);
    this.left = assertCount(this.left - 1, "events of a pack");
    this.#details?.delete(index);
  }

  /** An event that waits is done, and was not delivered. Returns whether it waited. */
  drop(index: number): boolean {
    if (this.#states[index] !== WAITING) return false;
    this.#states[index] = ENDED;
    this.left = assertCount(this.left - 1, "events of a pack");
    this.#details?.delete(index);
    return true;
  }

  /** An event that is done is not, after all: it waits. */
  putBackDone(index: number, dueAt: number): void {
    this.#states[index] = WAITING;
    this.left++;
    this.#note(index, { ...NO_DETAIL, dueAt });
  }

  /** What its row is to say of the events that are not done. */
  held(): readonly HeldEvent[] {
    const held: HeldEvent[] = [];
    for (const [index, state] of this.#states.entries()) {
      if (state > CLAIMED) continue;
      held.push({ index, attempts: this.#attempts[index]!, ...this.#detail(index) });
    }
    return held;
  }

  /** When the first of the events that wait is due; 0: now. */
  get dueAt(): number {
    let due = Infinity;
    for (const [index, state] of this.#states.entries()) {
      if (state === WAITING) due = Math.min(due, this.#detail(index).dueAt);
    }
    return due === Infinity ? 0 : due;
  }

  /** The places of events that are done and were not delivered. */
  undelivered(): readonly number[] {
    return this.#states.flatMap((state, index) => state === ENDED ? [index] : []);
  }

  #unclaim(index: number, state: number): void {
    this.#states[index] = state;
    this.#events[index] = undefined;
    this.claimed = assertCount(this.claimed - 1, "claimed events of a pack");
  }

  #detail(index: number): Detail {
    return this.#details?.get(index) ?? NO_DETAIL;
  }

  #note(index: number, { dueAt, failure, progress }: Detail): void {
    if (dueAt === 0 && failure === undefined && progress === undefined) {
      this.#details?.delete(index);
      return;
    }
    this.#details ??= new Map();
    this.#details.set(index, { dueAt, failure, progress });
  }
}
