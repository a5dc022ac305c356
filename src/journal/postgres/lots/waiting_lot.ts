/**
 * The events that wait for the next lot, and whoever waits for them.
 *
 * @module
 */

import type { GatewayError } from "../../../errors.ts";
import type { RepeatKey } from "../../../event/repeat_key.ts";
import type { VerifiedEvent } from "../../../event/verified_event.ts";
import type { AppendListener, AppendOptions } from "../../journal.ts";
import { halves } from "../../../modules/halves.ts";
import { type EventToWrite, prepareEvent } from "../event_bytes.ts";
import { Pack, PACK_EVENTS, sequenceOf } from "../packs/pack.ts";
import { encodeKey } from "../packs/repeat_keys.ts";
import type { WaitingLane } from "../packs/waiting_lane.ts";
import type { LotRow } from "./lot_statement.ts";

/** Most bytes of a pack; a single larger event is one, too. */
const PACK_BYTES = 64 * 1024;

/** An event on its way into the tables. */
export interface Append {
  readonly lane: WaitingLane;
  readonly written: EventToWrite;
  readonly isClaimed: boolean;
  /** Whether the events of its webhook are delivered one after the other. */
  readonly isOrdered: boolean;
  readonly keys: readonly RepeatKey[] | undefined;
  readonly listener: AppendListener;
}

/** Events that go into one row, all claimed or none. */
export class NewPack {
  readonly appends: Append[] = [];
  readonly isClaimed: boolean;
  bytes = 0;
  oldestAt = Infinity;
  /** Its number, once it is on its way, and 0 before: where the order counts, its mark until the server has numbered it. */
  no = 0;
  /** Of a webhook whose order counts: whether this gateway held its lane when it was sent. */
  isHeld = false;

  constructor(first: Append) {
    this.isClaimed = first.isClaimed;
    this.add(first);
  }

  /** Whether its events are those of one webhook, which are delivered one after the other. */
  get isOrdered(): boolean {
    return this.appends[0]!.isOrdered;
  }

  /** The lane of its events where the order counts; otherwise that of the first. */
  get lane(): WaitingLane {
    return this.appends[0]!.lane;
  }

  hasRoomFor({ written }: Append): boolean {
    return this.appends.length < PACK_EVENTS && this.bytes + written.length <= PACK_BYTES;
  }

  add(append: Append): void {
    this.appends.push(append);
    this.bytes += append.written.length;
    this.oldestAt = Math.min(this.oldestAt, append.written.event.receivedAt);
  }

  /** Its events in two packs without numbers, in their order; none where one stands alone. */
  divide(): readonly NewPack[] {
    if (this.appends.length < 2) return [];
    return halves(this.appends).map(([first, ...rest]) => {
      const pack = new NewPack(first!);
      for (const append of rest) pack.add(append);
      return pack;
    });
  }

  get event(): VerifiedEvent {
    return this.appends[0]!.written.event;
  }

  /** The pack as it is once it is committed. @param isClaimed whether its events are */
  toPack(isClaimed = this.isClaimed): Pack {
    const { no, bytes, oldestAt, appends } = this;
    const lanes = appends.map(({ lane }) => lane);
    const pack = new Pack({ no, count: appends.length, oldestAt, bytes }, lanes, isClaimed ? 1 : 0);
    if (isClaimed) {
      for (let index = 0; index < appends.length; index++) {
        pack.appended(index, appends[index]!.written.event);
      }
    }
    return pack;
  }

  /** Says to whoever waits that it is committed. @param waits whether its events are not claimed although they were to be */
  report(waits = false): void {
    for (const [index, { listener, lane }] of this.appends.entries()) {
      lane.arriving--;
      const sequence = sequenceOf(this.no, index);
      listener.onAppended(waits ? { sequence, waits } : { sequence });
    }
  }

  refuse(error: GatewayError): void {
    for (const { listener, lane } of this.appends) {
      lane.arriving--;
      listener.onRefused(error);
    }
  }
}

/** A key of an event as it is asked for. */
export interface AskedKey {
  readonly key: RepeatKey;
  readonly bytes: Uint8Array;
  /** The lane and the key, as a text. */
  readonly name: string;
}

/** An event with keys, in a pack of its own. */
export interface KeyedPack {
  readonly pack: NewPack;
  readonly keys: readonly AskedKey[];
}

/** An event with a key of an earlier one of the lot: what it is depends on that one. */
interface DeferredAppend {
  readonly append: Append;
  readonly key: RepeatKey;
  readonly behind: KeyedPack;
}

/** What a lot has led to for the events with keys. */
export interface KeyedOutcome {
  readonly taken: readonly NewPack[];
  /** What has to be asked for again. */
  readonly again: readonly Append[];
}

/** The appends of one lot. */
export class WaitingLot {
  readonly packs: NewPack[] = [];
  readonly keyed: KeyedPack[] = [];
  /** Those of webhooks whose order counts, one webhook each, in their order. The ones with keys are among `keyed`, too. */
  readonly ordered: NewPack[] = [];
  readonly #open = new Map<WaitingLane, NewPack>();
  readonly #byKey = new Map<string, KeyedPack>();
  readonly #deferred: DeferredAppend[] = [];
  /** The pack of claimed events that is not full yet. They are soon gone, whatever webhooks they are of. */
  #claimed: NewPack | undefined;
  /** The packs of others that are not full yet: they are read again for their webhook. */
  readonly #waiting = new Map<WaitingLane, NewPack>();
  /** Appends. */
  count = 0;
  /** Of their events. */
  bytes = 0;
  /** When the first append came, by `performance.now()`. */
  begunAt = Infinity;

  /** Makes an append of what the journal is asked for. */
  static append(
    lane: WaitingLane,
    event: VerifiedEvent,
    { claim, ordered = false, keys }: AppendOptions,
    listener: AppendListener,
  ): Append {
    return { lane, written: prepareEvent(event), isClaimed: claim, isOrdered: ordered, keys, listener };
  }

  add(append: Append): void {
    if (this.count === 0) this.begunAt = performance.now();
    this.count++;
    this.bytes += append.written.length;
    append.lane.arriving++;
    if (append.keys !== undefined && append.keys.length > 0) this.#addKeyed(append, append.keys);
    else if (append.isOrdered) this.#addToLane(append);
    else this.#addToPack(append);
  }

  #addToLane(append: Append): void {
    const open = this.#open.get(append.lane);
    if (open?.isClaimed === append.isClaimed && open.hasRoomFor(append)) return open.add(append);
    const pack = new NewPack(append);
    this.ordered.push(pack);
    this.#open.set(append.lane, pack);
  }

  #addToPack(append: Append): void {
    const open = append.isClaimed ? this.#claimed : this.#waiting.get(append.lane);
    if (open?.hasRoomFor(append) === true) return open.add(append);
    const pack = new NewPack(append);
    this.packs.push(pack);
    if (append.isClaimed) this.#claimed = pack;
    else this.#waiting.set(append.lane, pack);
  }

  #addKeyed(append: Append, repeatKeys: readonly RepeatKey[]): void {
    const { namespace, webhook } = append.lane.key;
    const keys = repeatKeys.map((key): AskedKey => {
      const bytes = encodeKey(key);
      return { key, bytes, name: `${namespace}/${webhook} ${bytes.toString("latin1")}` };
    });
    for (const { key, name } of keys) {
      const behind = this.#byKey.get(name);
      if (behind === undefined) continue;
      this.#deferred.push({ append, key, behind });
      return;
    }
    const keyed = { pack: new NewPack(append), keys };
    this.keyed.push(keyed);
    if (append.isOrdered) {
      this.ordered.push(keyed.pack);
      this.#open.delete(append.lane);
    }
    for (const { name } of keys) this.#byKey.set(name, keyed);
  }

  /** All packs that are to be numbered. */
  get numbered(): readonly NewPack[] {
    if (this.keyed.length === 0 && this.ordered.length === 0) return this.packs;
    const keyed = this.keyed.map(({ pack }) => pack).filter(({ isOrdered }) => !isOrdered);
    return [...this.packs, ...keyed, ...this.ordered];
  }

  /**
   * Both halves, in the order of the appends of each webhook; none where one append stands alone. Packs that stay whole
   * keep their numbers.
   */
  divide(): readonly WaitingLot[] {
    const { numbered } = this;
    const packs = numbered.length === 1 ? numbered[0]!.divide() : numbered;
    if (packs.length < 2) return [];
    const keyed = new Map(this.keyed.map((one) => [one.pack, one]));
    return halves(packs).map((half) => {
      const lot = new WaitingLot();
      lot.begunAt = this.begunAt;
      for (const pack of half) lot.#takeOver(pack, keyed.get(pack), this.#deferred);
      return lot;
    });
  }

  #takeOver(pack: NewPack, keyed: KeyedPack | undefined, deferred: readonly DeferredAppend[]): void {
    if (pack.isOrdered) this.ordered.push(pack);
    else if (keyed === undefined) this.packs.push(pack);
    if (keyed !== undefined) {
      this.keyed.push(keyed);
      this.#deferred.push(...deferred.filter(({ behind }) => behind === keyed));
    }
    this.count += pack.appends.length;
    this.bytes += pack.bytes;
  }

  /** What the receipt of the lot is known by, once its packs have numbers; `undefined` where it needs none. */
  get ticket(): number | undefined {
    return this.ordered[0]?.no;
  }

  /** Lanes whose number is not known. */
  unknownLanes(): readonly WaitingLane[] {
    const unknown = new Set<WaitingLane>();
    for (const { appends } of this.numbered) {
      for (const { lane } of appends) if (lane.id === 0) unknown.add(lane);
    }
    return [...unknown];
  }

  /** Says to the senders of repeated events what they repeat. */
  concludeKeyed({ fresh = [], known = [] }: LotRow): KeyedOutcome {
    if (this.keyed.length === 0) return { taken: [], again: [] };
    const taken = new Set(fresh.map((ordinal) => this.keyed[ordinal]!));
    const owners = new Map(known.map(([ordinal, key, eventId]) => [`${ordinal} ${key}`, eventId]));
    const again: Append[] = [];
    for (const [ordinal, keyed] of this.keyed.entries()) {
      if (taken.has(keyed)) continue;
      const found = keyed.keys.find(({ bytes }) => owners.has(`${ordinal} ${bytes.toHex()}`));
      const [append] = keyed.pack.appends as [Append];
      // Without one, another gateway was faster: the key is found the next time.
      if (found === undefined) again.push(append);
      else repeats(append, owners.get(`${ordinal} ${found.bytes.toHex()}`)!, found.key);
    }
    for (const { append, key, behind } of this.#deferred) {
      if (taken.has(behind)) repeats(append, behind.pack.event.id, key);
      else again.push(append);
    }
    for (const { lane } of again) lane.arriving--;
    return { taken: [...taken].map(({ pack }) => pack), again };
  }

  /** Says to everybody that nothing was appended. */
  refuse(error: GatewayError): void {
    for (const { listener } of this.refusePacks(error)) listener.onRefused(error);
  }

  /**
   * Says to the senders of its packs that nothing was appended.
   *
   * @returns what would have been repeats of those: it has to be asked for again
   */
  refusePacks(error: GatewayError): readonly Append[] {
    for (const pack of this.numbered) pack.refuse(error);
    const again = this.#deferred.map(({ append }) => append);
    for (const { lane } of again) lane.arriving--;
    return again;
  }
}

function repeats({ lane, listener }: Append, duplicateOf: string, { repeat }: RepeatKey): void {
  lane.arriving--;
  listener.onAppended({ duplicateOf, repeat });
}
