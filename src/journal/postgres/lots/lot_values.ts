/**
 * The values of the statement of a lot.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Value } from "../../../io/postgres/client.ts";
import type { Statement } from "../../../io/postgres/statement.ts";
import { storable } from "../../../io/postgres/storable_text.ts";
import { type EventToWrite, prepareEvent, writeEvent } from "../event_bytes.ts";
import { encodeHeld, type HeldEvent } from "../packs/held.ts";
import type { Pack } from "../packs/pack.ts";
import type { GivenUp } from "../packs/packs.ts";
import type { WaitingLane } from "../packs/waiting_lane.ts";
import { PLAIN_LOT, PLAIN_ORDERED_LOT, WHOLE_LOT, WHOLE_ORDERED_LOT } from "./lot_statement.ts";
import type { KeyedPack, NewPack, WaitingLot } from "./waiting_lot.ts";

/** What a lot records beside its appends. */
export interface Outcomes {
  readonly packs: readonly Pack[];
  readonly givenUp: readonly GivenUp[];
  /** Whether they go without texts, progress, and what is kept after its delivery. */
  readonly isBare: boolean;
  /** Numbers of packs whose senders were refused, although they may be in the tables. */
  readonly abandoned: readonly number[];
  /** The marks of those whose order counts. */
  readonly abandonedMarks: readonly number[];
  /** Tickets of lots with such packs that are over. */
  readonly formerTickets: readonly number[];
}

/** Who sends it, and when. */
export interface LotSender {
  readonly id: number;
  readonly session: number;
  /** By `steadyNow`. */
  readonly now: number;
  /** Whether what is delivered is kept for a while. */
  readonly keepsDelivered: boolean;
}

/** A lot as it is sent. */
export interface LotQuery {
  readonly statement: Statement;
  readonly values: readonly Value[];
}

/** Makes the statement of a lot and its values. */
export function lotQuery(lot: WaitingLot, outcomes: Outcomes, sender: LotSender): LotQuery {
  const events = new EventBytes();
  const born = bornValues(lot.packs, events);
  const recorded = recordedValues(outcomes, sender);
  const isPlain = lot.keyed.length === 0 && outcomes.givenUp.length === 0;
  const rest = isPlain
    ? []
    : [...deadValues(outcomes, events, sender.now), ...keyedValues(lot.keyed, events)];
  const isOrdered = lot.ordered.length > 0 || outcomes.abandonedMarks.length > 0;
  const lined = isOrdered
    ? [...orderedValues(lot, events), outcomes.abandonedMarks, lot.ticket ?? null, outcomes.formerTickets]
    : [];
  const [plain, whole] = isOrdered ? [PLAIN_ORDERED_LOT, WHOLE_ORDERED_LOT] : [PLAIN_LOT, WHOLE_LOT];
  return {
    statement: isPlain ? plain : whole,
    values: [sender.id, sender.session, ...recorded, ...born, events.toBytes(), ...rest, ...lined],
  };
}

function orderedValues({ ordered, keyed }: WaitingLot, events: EventBytes): Value[] {
  const ordinals = new Map(keyed.map(({ pack }, ordinal) => [pack, ordinal]));
  const rows = ordered.map((pack): Column => {
    const { lane, no, appends, oldestAt, isClaimed, isHeld, bytes } = pack;
    const start = events.add(appends.map(({ written }) => written));
    const ordinal = ordinals.get(pack) ?? null;
    return [ordinal, lane.id, no, appends.length, oldestAt, isClaimed, isHeld, start, bytes];
  });
  return transposed(rows, 9);
}

function recordedValues({ packs, isBare, abandoned }: Outcomes, sender: LotSender): Value[] {
  const keepsDelivered = sender.keepsDelivered && !isBare;
  const gone = [...abandoned];
  const kept: [no: number[], held: (string | null)[], due: (number | null)[], doneAt: (number | null)[]] = [
    [],
    [],
    [],
    [],
  ];
  for (const pack of packs) {
    const isDone = pack.left === 0;
    const undelivered = isDone && keepsDelivered ? pack.undelivered() : [];
    if (isDone && (!keepsDelivered || undelivered.length === pack.count)) {
      gone.push(pack.no);
      continue;
    }
    kept[0].push(pack.no);
    kept[1].push(
      isDone
        ? undelivered.length === 0 ? null : JSON.stringify(undelivered)
        : encodeHeld(isBare ? pack.held().map(withoutText) : pack.held()),
    );
    kept[2].push(isDone ? null : pack.dueAt);
    kept[3].push(isDone ? Math.round(sender.now) : null);
  }
  return [gone, ...kept];
}

function bornValues(packs: readonly NewPack[], events: EventBytes): Value[] {
  const [nos, counts, oldest, claimed, lanes, starts, lengths]: Column[] = columns(7);
  for (const { no, appends, oldestAt, isClaimed, bytes } of packs) {
    nos!.push(no);
    counts!.push(appends.length);
    oldest!.push(oldestAt);
    claimed!.push(isClaimed);
    lanes!.push(encodeLanes(appends.map(({ lane }) => lane)));
    starts!.push(events.add(appends.map(({ written }) => written)));
    lengths!.push(bytes);
  }
  return [nos!, counts!, oldest!, claimed!, lanes!, starts!, lengths!];
}

function deadValues({ givenUp, isBare }: Outcomes, events: EventBytes, now: number): Value[] {
  const rows = givenUp.map(({ event, lane, no, attempts, progress, failure, diedAt = now }): Column => {
    const written = prepareEvent(event);
    const { code, message, connection } = failure;
    const start = events.add([written]);
    const said = isBare ? "" : storable(message);
    const text = [event.id, lane.id, connection, code, said, attempts, Math.round(diedAt)];
    const done = isBare ? null : progress ?? null;
    return [no, ...text, event.receivedAt, done, event.body.length, start, written.length];
  });
  return transposed(rows, 13);
}

function keyedValues(keyed: readonly KeyedPack[], events: EventBytes): Value[] {
  const asked = keyed.flatMap(({ pack: { event, appends }, keys }, ordinal) =>
    keys.map((
      { key, bytes },
    ): Column => [ordinal, appends[0]!.lane.id, bytes, Math.ceil(key.ttlMs), event.id])
  );
  const born = keyed.flatMap(({ pack: { no, oldestAt, isClaimed, appends } }, ordinal): Column[] => {
    const [{ lane, written, isOrdered }] = appends as [NewPack["appends"][number]];
    if (isOrdered) return [];
    return [[ordinal, no, oldestAt, isClaimed, lane.id, events.add([written]), written.length]];
  });
  return [...transposed(asked, 5), ...transposed(born, 7)];
}

type Column = (string | number | boolean | null | Uint8Array)[];

function columns(count: number): Column[] {
  return Array.from({ length: count }, () => []);
}

function transposed(rows: readonly Column[], count: number): Column[] {
  return columns(count).map((_, index) => rows.map((row) => row[index]!));
}

/** The lanes of events, one after the other: each with how many events in a row are of it. */
function encodeLanes(lanes: readonly WaitingLane[]): string {
  const runs: number[] = [];
  let last: WaitingLane | undefined;
  for (const lane of lanes) {
    if (lane === last) runs[runs.length - 1]!++;
    else runs.push(lane.id, 1);
    last = lane;
  }
  return `{${runs.join()}}`;
}

function withoutText({ index, attempts, dueAt }: HeldEvent): HeldEvent {
  return { index, attempts, dueAt, failure: undefined, progress: undefined };
}

/** The bytes of all events of a lot. */
class EventBytes {
  readonly #events: EventToWrite[] = [];
  #length = 0;

  /** @returns where the first of them begins, from 1 */
  add(events: readonly EventToWrite[]): number {
    const start = this.#length + 1;
    for (const event of events) {
      this.#events.push(event);
      this.#length += event.length;
    }
    return start;
  }

  toBytes(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#length);
    let end = 0;
    for (const event of this.#events) end = writeEvent(bytes, end, event);
    return bytes;
  }
}
