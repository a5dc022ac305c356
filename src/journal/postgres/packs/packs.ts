/**
 * Everything that this gateway has to deliver: packs with claimed events, and the numbers of all others.
 *
 * @module
 */

import { webhookPath } from "../../../event/names.ts";
import type { VerifiedEvent } from "../../../event/verified_event.ts";
import type { LaneBacklog, LaneHolding, LaneKey, Settlement } from "../../journal.ts";
import type { HeldEvent } from "./held.ts";
import { Pack, type PackFacts, packOf } from "./pack.ts";
import { WaitingLane } from "./waiting_lane.ts";

/** Lanes that are kept although nothing of them waits, since their numbers would have to be asked for again. */
const MOST_IDLE_LANES = 100_000;

/** Lanes whose length is said to others. */
const MOST_SAID = 1_000;

/** The number of a lane, its pending events, and their bytes. */
export type HeldLane = readonly [lane: number, pending: number, bytes: number];

/** An event that is given up, for the dead letters. */
export interface GivenUp {
  readonly event: VerifiedEvent;
  readonly lane: WaitingLane;
  readonly no: number;
  /** Its place in the pack. */
  readonly index: number;
  readonly attempts: number;
  readonly progress: string | undefined;
  readonly failure: (Settlement & { readonly state: "dead" })["failure"];
  /** In milliseconds since 1970; `undefined` for now. */
  readonly diedAt: number | undefined;
}

/** What has ended of lanes, and is not recorded yet: until then it is pending. */
export type Ended = ReadonlyMap<WaitingLane, { readonly events: number; readonly bytes: number }>;

/** A pack as it is read from its row, without its events. */
export interface PackRow extends PackFacts {
  /** The lane of each event. */
  readonly lanes: readonly WaitingLane[];
  /** Attempts of each event when it was appended. */
  readonly attempts: number;
  /** `undefined` where no event was held up. */
  readonly held: readonly HeldEvent[] | undefined;
}

/** The packs of this gateway. */
export class Packs {
  readonly #lanes = new Map<string, WaitingLane>();
  readonly #lanesById = new Map<number, WaitingLane>();
  readonly #packs = new Map<number, Pack>();
  /** Packs of which something is to be recorded by the next commit. */
  #changed: Pack[] = [];
  #ended = new Map<WaitingLane, { events: number; bytes: number }>();
  #pending = 0;
  #bytes = 0;
  /** Grows whenever all packs are lost to another gateway. */
  life = 0;

  get pending(): number {
    return this.#pending;
  }

  /** Bytes of pending events, as they stand in the rows. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest pending event was received. */
  get oldestAt(): number | undefined {
    let oldest = Infinity;
    for (const pack of this.#packs.values()) oldest = Math.min(oldest, pack.oldestAt);
    for (const lane of this.#lanes.values()) {
      if (lane.pending > 0) oldest = Math.min(oldest, lane.oldestAt ?? Infinity);
    }
    return oldest === Infinity ? undefined : oldest;
  }

  /** The lane of a webhook; made when it is needed. */
  lane({ namespace, webhook }: LaneKey): WaitingLane {
    const path = webhookPath(namespace, webhook);
    let lane = this.#lanes.get(path);
    if (lane === undefined) {
      if (this.#lanes.size >= MOST_IDLE_LANES) this.#forgetIdle();
      lane = new WaitingLane({ namespace, webhook });
      this.#lanes.set(path, lane);
    }
    return lane;
  }

  /** The lane that the tables know by a number, if this gateway has met it. */
  laneOfId(id: number): WaitingLane | undefined {
    return this.#lanesById.get(id);
  }

  /** The tables know a lane by a number. */
  numbered(lane: WaitingLane, id: number): void {
    lane.id = id;
    this.#lanesById.set(id, lane);
  }

  findLane({ namespace, webhook }: LaneKey): WaitingLane | undefined {
    return this.#lanes.get(webhookPath(namespace, webhook));
  }

  backlogs(): readonly LaneBacklog[] {
    const backlogs: LaneBacklog[] = [];
    for (const { key, pending } of this.#lanes.values()) if (pending > 0) backlogs.push({ ...key, pending });
    return backlogs;
  }

  /** What is pending of the lanes that this gateway holds, for the gateways that append to them: of the longest ones. */
  get heldLanes(): readonly HeldLane[] {
    const held: HeldLane[] = [];
    for (const { id, isHeld, pending, bytes } of this.#lanes.values()) {
      if (isHeld && pending > 0) held.push([id, pending, Math.round(bytes)]);
    }
    return held.length <= MOST_SAID
      ? held
      : held.toSorted(([, one], [, other]) => other - one).slice(0, MOST_SAID);
  }

  /** Lanes that hold at least so many bytes. */
  holders(leastBytes: number): readonly LaneHolding[] {
    const holders: LaneHolding[] = [];
    for (const { key, bytes, pending } of this.#lanes.values()) {
      if (pending > 0 && bytes >= leastBytes) holders.push({ ...key, bytes: Math.round(bytes) });
    }
    return holders;
  }

  find(no: number): Pack | undefined {
    return this.#packs.get(no);
  }

  /** Whether an event is claimed here. */
  isClaimed(sequence: number): boolean {
    const { no, index } = packOf(sequence);
    return this.#packs.get(no)?.isClaimed(index) === true;
  }

  /** A pack was committed. Its events are claimed, or wait. */
  appended(pack: Pack): void {
    this.#count(pack, pack.lanes);
    if (pack.claimed > 0) this.#packs.set(pack.no, pack);
    else for (const lane of new Set(pack.lanes)) lane.wait(pack.no, pack.oldestAt, 0);
  }

  /** A pack of an ended gateway is this one's now. Returns the lanes with events that wait. */
  adopted(row: PackRow): ReadonlySet<WaitingLane> {
    const pack = restorePack(row);
    const left = pack.held().map(({ index }) => pack.lanes[index]!);
    this.#count(pack, left);
    for (const lane of left) lane.added++;
    const lanes = new Set(left);
    for (const lane of lanes) lane.wait(pack.no, pack.oldestAt, pack.nextDueAt(lane)!);
    return lanes;
  }

  /** Claims an event of a pack, which is in memory from then on. Recorded by the next commit. */
  claim(pack: Pack, index: number, event: VerifiedEvent): void {
    pack.claim(index, event);
    this.#packs.set(pack.no, pack);
    this.#change(pack);
  }

  /** Ends an event that nobody has claimed, undelivered. Recorded by the next commit. Returns whether it waited. */
  drop(pack: Pack, index: number): boolean {
    if (!pack.drop(index)) return false;
    this.#packs.set(pack.no, pack);
    this.#countEnded(pack.lanes[index]!, 1, pack.bytesEach);
    this.#change(pack);
    return true;
  }

  /**
   * Applies an outcome; it is recorded by the next commit. Nothing happens to an event that is not claimed here.
   *
   * @returns whether something is to be recorded; or what is to be a dead letter
   */
  settle(settlement: Settlement): boolean | GivenUp {
    const { no, index } = packOf(settlement.sequence);
    const pack = this.#packs.get(no);
    if (pack === undefined || !pack.isClaimed(index)) return false;
    const lane = pack.lanes[index]!;
    let givenUp: GivenUp | undefined;
    switch (settlement.state) {
      case "delivered":
        this.#end(pack, index, true);
        break;
      case "retry": {
        // The tables have whole milliseconds.
        const dueAt = Math.ceil(settlement.dueAt);
        pack.update(index, settlement, settlement.unattempted === true ? -1 : 0);
        pack.putBack(index, dueAt);
        lane.wait(no, pack.oldestAt, dueAt);
        break;
      }
      case "progress":
        pack.update(index, settlement);
        break;
      case "attempt":
        pack.update(index, settlement, 1);
        break;
      case "dead": {
        const { failure, progress = pack.progressOf(index) } = settlement;
        givenUp = {
          event: pack.eventAt(index)!,
          lane,
          no,
          index,
          attempts: pack.attemptsOf(index),
          progress,
          failure,
          diedAt: settlement.diedAt,
        };
        this.#end(pack, index, false);
      }
    }
    this.#change(pack);
    return givenUp ?? true;
  }

  get hasChanged(): boolean {
    return this.#changed.length > 0;
  }

  /** Takes out the packs of which something is to be recorded. Those that are done are forgotten. */
  takeChanged(): readonly Pack[] {
    const changed = this.#changed;
    this.#changed = [];
    for (const pack of changed) {
      pack.isChanged = false;
      if (pack.left === 0) this.#packs.delete(pack.no);
    }
    return changed;
  }

  /** Takes out what has ended since. To be called with {@linkcode takeChanged}. */
  takeEnded(): Ended {
    const ended = this.#ended;
    this.#ended = new Map();
    return ended;
  }

  /** What was to be recorded was not. */
  changeAgain(packs: readonly Pack[], ended: Ended): void {
    for (const pack of packs) this.#change(pack);
    for (const [lane, { events, bytes }] of ended) this.#countEnded(lane, events, bytes);
  }

  /** An event cannot be a dead letter: it waits, to be claimed from `dueAt` on. That is recorded by the next commit. */
  putBack(pack: Pack, { index, lane }: GivenUp, dueAt: number): void {
    pack.putBackDone(index, dueAt);
    this.#packs.set(pack.no, pack);
    // It counts among what has ended until all of that is recorded.
    this.#count(pack, [lane]);
    lane.wait(pack.no, pack.oldestAt, dueAt);
    this.#change(pack);
  }

  /** What has ended is recorded. */
  ended(ended: Ended): void {
    for (const [lane, { events, bytes }] of ended) {
      lane.count(-events, -bytes);
      this.#pending -= events;
      this.#bytes = this.#pending === 0 ? 0 : this.#bytes - bytes;
    }
  }

  /** What was to be recorded of packs is: those without claimed events need no memory. */
  recorded(packs: readonly Pack[]): void {
    for (const pack of packs) {
      const isHere = this.#packs.get(pack.no) === pack;
      if (isHere && pack.claimed === 0 && !pack.isChanged) this.#packs.delete(pack.no);
    }
  }

  /** All of it is another gateway's. Returns the lanes that had something. */
  lose(): readonly LaneKey[] {
    const lost: LaneKey[] = [];
    for (const lane of this.#lanes.values()) {
      if (lane.pending > 0) lost.push(lane.key);
      lane.clear();
    }
    this.#packs.clear();
    this.#ended.clear();
    this.#changed = [];
    this.#pending = this.#bytes = 0;
    this.life++;
    return lost;
  }

  #end(pack: Pack, index: number, isDelivered: boolean): void {
    pack.end(index, isDelivered);
    this.#countEnded(pack.lanes[index]!, 1, pack.bytesEach);
  }

  #countEnded(lane: WaitingLane, events: number, bytes: number): void {
    const counted = this.#ended.get(lane);
    if (counted === undefined) {
      this.#ended.set(lane, { events, bytes });
      return;
    }
    counted.events += events;
    counted.bytes += bytes;
  }

  #count(pack: Pack, lanes: readonly WaitingLane[]): void {
    for (const lane of lanes) lane.count(1, pack.bytesEach);
    this.#pending += lanes.length;
    this.#bytes += pack.bytesEach * lanes.length;
  }

  #change(pack: Pack): void {
    if (pack.isChanged) return;
    pack.isChanged = true;
    this.#changed.push(pack);
  }

  #forgetIdle(): void {
    for (const [path, lane] of this.#lanes) {
      if (lane.pending > 0 || lane.arriving > 0 || lane.claiming > 0) continue;
      this.#lanes.delete(path);
      this.#lanesById.delete(lane.id);
    }
  }
}

/** Makes the pack of a row; its events wait. */
export function restorePack(row: PackRow): Pack {
  const pack = new Pack(row, row.lanes, row.attempts);
  if (row.held !== undefined) pack.restore(row.held);
  return pack;
}
