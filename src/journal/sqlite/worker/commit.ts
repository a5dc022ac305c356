/**
 * One commit in the worker's thread: all its operations in one transaction.
 *
 * @module
 */

import type { RepeatKey, RepeatKind } from "../../../event/repeat_key.ts";
import type { Settlement } from "../../journal.ts";
import {
  APPEND_FIELDS,
  APPEND_KEY_FIELDS,
  type AppendKeyFields,
  type Commit,
  type CommitReply,
  type Operation,
  type OperationKind,
  type Pack,
  type RefusedPart,
  type RepeatedAppend,
  type ReplyOf,
  type RequestOf,
  type SkippedAppend,
  type StoredBody,
} from "../protocol.ts";
import { storedBytes } from "./holdings.ts";
import { dropRecords } from "./records/drop.ts";
import { replayRecords } from "./records/replay.ts";
import { packWithout } from "./tables/pack_events.ts";
import type { Tables } from "./tables/tables.ts";

/** What one slice of the sweeper removes of each kind. */
const SWEEP_LIMIT = 500;

/** Operations that need space; without any, all others still go through. */
const GROWING: ReadonlySet<OperationKind> = new Set([
  "bury",
  "enqueue",
  "remember",
  "keepHandshake",
  "putKeptValue",
  "putStop",
  "salvage",
  "replayRecords",
]);

/** Events that one claim takes while there is no space: to claim them is to write, too. */
const SPARING_CLAIM = 32;

/** The same operation with less to write. */
function sparing(operation: Operation): Operation {
  if (operation.kind !== "claim") return operation;
  const events = Math.min(operation.request.events, SPARING_CLAIM);
  return { kind: "claim", request: { ...operation.request, events } };
}

/** What a commit's transaction says in its reply. */
export type CommitWork = Omit<CommitReply, "type" | "figures" | "refused">;

type Handlers = {
  readonly [Kind in OperationKind]: (
    tables: Tables,
    request: RequestOf<Kind>,
    now: number,
    free: number,
    index: number,
  ) => ReplyOf<Kind>;
};

const HANDLERS: Handlers = {
  claim: ({ lanes, pending, packs }, { namespace, webhook, ...limit }, now) => {
    const lane = lanes.find(namespace, webhook);
    if (lane === undefined) return { events: [], nextDueAt: undefined };
    const { early } = limit;
    // What waits in a pack is due.
    if (early === "all" || early === "first" && !packs.hasWaiting(lane)) pending.hasten(lane, early, now);
    const events = packs.claim(lane, limit, now);
    return { events, nextDueAt: packs.hasWaiting(lane) ? 0 : pending.nextDueAt(lane) };
  },
  lanes: ({ lanes, pending }) =>
    Array.from(pending.backlogs(), ([lane, count]) => ({ ...lanes.get(lane), pending: count })),
  findRepeated: ({ lanes, idempotency }, { namespace, webhook, key }, now) => {
    const lane = lanes.find(namespace, webhook);
    return lane === undefined ? undefined : idempotency.find(lane, key, now);
  },
  remember: ({ lanes, idempotency }, { events }, now) => {
    for (const { namespace, webhook, eventId, keys } of events) {
      const lane = lanes.ensure(namespace, webhook);
      for (const key of keys) idempotency.put(lane, key, eventId, now);
    }
    return undefined;
  },
  recall: ({ lanes, idempotency }, { namespace, webhook, limit }, now) => {
    const lane = lanes.find(namespace, webhook);
    return lane === undefined ? [] : idempotency.recall(lane, limit, now);
  },
  listHandshakes: ({ handshakes }) => handshakes.list(),
  findHandshake: ({ handshakes }, name) => handshakes.find(name),
  keepHandshake: ({ handshakes }, { secret, takenAt, ...name }) => handshakes.keep(name, secret, takenAt),
  markHandshakeShown: ({ handshakes }, name) => handshakes.markShown(name),
  forgetHandshake: ({ handshakes }, name) => handshakes.forget(name),
  putKeptValue: ({ keptValues }, { name, value }, now) => {
    keptValues.put(name, value, now);
    return undefined;
  },
  listKeptValues: ({ keptValues }, { prefix, after }) => keptValues.list(prefix, after),
  removeKeptValue: ({ keptValues }, { name }) => {
    keptValues.remove(name);
    return undefined;
  },
  listStops: ({ stops }) => stops.list(),
  putStop: ({ stops }, { stopped }) => {
    stops.put(stopped);
    return undefined;
  },
  removeStop: ({ stops }, name) => stops.remove(name),
  listDead: ({ deadLetters }, slice) => deadLetters.list(slice),
  countDead: ({ deadLetters }, { after, limit }) => deadLetters.countSlice(after, limit),
  getDead: ({ deadLetters }, { id }) => deadLetters.get(id),
  replayDead: ({ deadLetters }, slice) => deadLetters.replay(slice),
  dropDead: ({ deadLetters }, slice) => deadLetters.drop(slice),
  bury: ({ events, deadLetters }, { event, failure, attempts }) => {
    deadLetters.addEvent(events.insert(event), failure, attempts);
    return undefined;
  },
  enqueue: ({ channels }, request, now, free, index) => channels.enqueue(request, now, free, index),
  lease: ({ channels }, request, now) => channels.lease(request, now),
  renew: ({ channels }, request, now) => channels.renew(request, now),
  extend: ({ channels }, request, now) => channels.extend(request, now),
  acknowledge: ({ channels }, request) => channels.acknowledge(request),
  release: ({ channels }, request, now) => channels.release(request, now),
  takeBack: ({ channels }, request) => channels.takeBack(request),
  reject: ({ channels }, request) => channels.reject(request),
  depth: ({ channels }, { channel }, now) => channels.depth(channel, now),
  channels: ({ channels }) => channels.names(),
  listRecords: ({ records }, slice) => records.read(slice),
  replayRecords: (tables, slice, _now, free) => replayRecords(tables, slice, free),
  dropRecords: (tables, slice) => dropRecords(tables, slice),
  salvage: ({ salvage }, request, now) => salvage.step(request, now),
  sweep: ({ channels, idempotency, retention }, _request, now) => {
    return [
      channels.expire(SWEEP_LIMIT, now) === SWEEP_LIMIT,
      idempotency.removeExpired(SWEEP_LIMIT, now),
      retention.removeSlice(now),
      retention.shrinkSlice(),
    ].includes(true);
  },
  holders: ({ holdings, lanes }, { leastBytes }) =>
    Array.from(holdings.entries())
      .filter(([, bytes]) => bytes >= leastBytes)
      .map(([lane, bytes]) => ({ ...lanes.get(lane), bytes })),
};

/** The work of one commit, between the beginning of its transaction and its commit. */
export class CommitTransaction {
  readonly #tables: Tables;
  readonly #commit: Commit;
  readonly #free: number;
  readonly #growthRefused: RefusedPart | undefined;

  /**
   * @param free what nobody holds of the file, in bytes
   * @param growthRefused why nothing is done that needs space; `undefined` to do everything
   */
  constructor(tables: Tables, commit: Commit, free: number, growthRefused?: RefusedPart) {
    this.#tables = tables;
    this.#commit = commit;
    this.#free = free;
    this.#growthRefused = growthRefused;
  }

  run(): CommitWork {
    const { settlements, delivered, operations } = this.#commit;
    for (const settlement of settlements) this.#settle(settlement);
    if (delivered.length > 0) this.#finish(delivered);
    const appended = this.#growthRefused === undefined
      ? this.#append()
      : { firstSequence: 0, skipped: [], firstPacked: 0, skippedInPacks: [] };
    const refusedOperations: number[] = [];
    const results: unknown[] = Array.from(operations, () => undefined);
    const operate = (operation: Operation, index: number) => {
      if (this.#growthRefused === undefined) results[index] = this.#operate(operation, index);
      else if (!GROWING.has(operation.kind)) results[index] = this.#operate(sparing(operation), index);
      else refusedOperations.push(index);
    };
    for (const [index, operation] of operations.entries()) {
      if (operation.kind !== "lease") operate(operation, index);
    }
    // Last, so that whoever waits for messages gets those that come with the same commit.
    for (const [index, operation] of operations.entries()) {
      if (operation.kind === "lease") operate(operation, index);
    }
    this.#tables.channels.flush();
    this.#tables.idempotency.flush();
    return {
      ...appended,
      results,
      refusedOperations,
      ...(this.#growthRefused === undefined ? {} : { growthRefused: this.#growthRefused }),
    };
  }

  #settle(settlement: Settlement): void {
    const { pending, packs, deadLetters } = this.#tables;
    const { sequence } = settlement;
    if (settlement.state !== "delivered") packs.holdOf(sequence);
    switch (settlement.state) {
      case "delivered":
        return this.#finish([sequence]);
      case "retry": {
        const { dueAt, unattempted, progress, failure } = settlement;
        pending.retry(sequence, dueAt, unattempted ? 1 : 0, progress, failure);
        if (this.#growthRefused === undefined) packs.leaveForLong(sequence, dueAt - this.#commit.now);
        return;
      }
      case "progress":
        return pending.setProgress(sequence, settlement.progress);
      case "attempt":
        return pending.attempt(sequence, settlement.progress, settlement.failure);
      case "dead": {
        packs.unpack([sequence]);
        const taken = pending.remove(sequence);
        if (taken === undefined) return;
        const progress = settlement.progress ?? taken.progress;
        const { failure, diedAt } = settlement;
        return deadLetters.addEvent(sequence, failure, taken.attempts, progress, diedAt);
      }
    }
  }

  #finish(sequences: readonly number[]): void {
    const { pending, packs, retention } = this.#tables;
    if (retention.keeps) {
      for (const sequence of sequences) packs.holdOf(sequence);
      packs.unpack(sequences);
    }
    const held = packs.removeDelivered(sequences);
    if (held.length === 0) return;
    retention.add(held, this.#commit.now);
    packs.removeDone(pending.removeMany(held));
  }

  #append(): Pick<CommitWork, "firstSequence" | "skipped" | "firstPacked" | "skippedInPacks"> {
    const { appends, keys } = this.#commit;
    const { events, pending, lanes, holdings } = this.#tables;
    const laneIds = this.#commit.lanes.map(({ namespace, webhook }) => lanes.ensure(namespace, webhook));
    // As they are before the commit, which is small.
    const areFull = laneIds.map((lane) => holdings.isBeyondShare(lane, this.#free));
    const firstSequence = events.lastSequence + 1;
    const skipped: SkippedAppend[] = [];
    const claims: boolean[] = [];
    let nextKey = 0;
    for (let start = 0; start < appends.length; start += APPEND_FIELDS) {
      // The casts follow AppendFields, the form in which they were put there.
      const id = appends[start] as string;
      const laneIndex = appends[start + 1] as number;
      const lane = laneIds[laneIndex]!;
      const index = start / APPEND_FIELDS;
      if (keys[nextKey] === index) {
        const end = endOfKeys(keys, nextKey);
        const repeat = this.#claimKeys(keys, nextKey, end, lane, !areFull[laneIndex]);
        nextKey = end;
        if (repeat !== undefined) {
          skipped.push(repeat);
          continue;
        }
      }
      if (areFull[laneIndex]) {
        skipped.push([index]);
        continue;
      }
      const headers = appends[start + 3] as string;
      const body = appends[start + 4] as StoredBody;
      events.add(id, lane, appends[start + 2] as number, headers, body);
      pending.count(lane, 1, storedBytes(headers, body));
      claims.push(appends[start + 5] as boolean);
    }
    events.flush();
    this.#addPending(firstSequence, claims);
    const firstPacked = events.lastSequence + 1;
    const skippedInPacks: SkippedAppend[] = [];
    let packed = 0;
    for (const pack of this.#commit.packs) {
      const isFull = areFull[pack.lane] === true;
      for (const [index, ...repeat] of this.#addPack(pack, laneIds[pack.lane]!, isFull)) {
        skippedInPacks.push([packed + index, ...repeat]);
      }
      packed += pack.count;
    }
    return { firstSequence, skipped, firstPacked, skippedInPacks };
  }

  /** Adds those events of a pack that are no repeats, unless their lane is full. Returns the others, by their index. */
  #addPack(pack: Pack, lane: number, isFull: boolean): readonly SkippedAppend[] {
    const { packs } = this.#tables;
    const repeated: RepeatedAppend[] = [];
    for (let start = 0; start < pack.keys.length;) {
      const end = endOfKeys(pack.keys, start);
      const repeat = this.#claimKeys(pack.keys, start, end, lane, !isFull);
      if (repeat !== undefined) repeated.push(repeat);
      start = end;
    }
    if (isFull) return allSkipped(pack.count, repeated);
    if (repeated.length === 0) packs.add(pack, lane);
    else if (repeated.length < pack.count) {
      packs.add(packWithout(pack, new Set(repeated.map(([index]) => index))), lane);
    }
    return repeated;
  }

  /**
   * The event that had one of the keys before; where there is none, all of them are this event's from now on, if it is
   * appended.
   *
   * @param keys those of the event stand from `start` to before `end`
   */
  #claimKeys(
    keys: AppendKeys,
    start: number,
    end: number,
    lane: number,
    isAppended: boolean,
  ): RepeatedAppend | undefined {
    const { idempotency } = this.#tables;
    const { now } = this.#commit;
    for (let position = start; position < end; position += APPEND_KEY_FIELDS) {
      const key = keyAt(keys, position);
      const earlier = idempotency.find(lane, key, now);
      if (earlier !== undefined) return [keys[position] as number, earlier, key.repeat];
    }
    for (let position = start; isAppended && position < end; position += APPEND_KEY_FIELDS) {
      idempotency.put(lane, keyAt(keys, position), keys[position + 1] as string, now);
    }
    return undefined;
  }

  /** Consecutive events of one kind become pending by one statement. */
  #addPending(firstSequence: number, claims: readonly boolean[]): void {
    for (let start = 0; start < claims.length;) {
      const claimed = claims[start] === true;
      let end = start + 1;
      while (claims[end] === claimed) end++;
      this.#tables.pending.addRange(firstSequence + start, firstSequence + end - 1, claimed);
      start = end;
    }
  }

  #operate<Kind extends OperationKind>(
    operation: Operation & { readonly kind: Kind },
    index: number,
  ): ReplyOf<Kind> {
    const handler: Handlers[Kind] = HANDLERS[operation.kind];
    return handler(this.#tables, operation.request as RequestOf<Kind>, this.#commit.now, this.#free, index);
  }
}

/** Every event of a pack as skipped: those that are repeats, and the others for their lane's sake. */
function allSkipped(count: number, repeated: readonly RepeatedAppend[]): readonly SkippedAppend[] {
  const byIndex = new Map(repeated.map((repeat) => [repeat[0], repeat]));
  return Array.from({ length: count }, (_, index) => byIndex.get(index) ?? [index]);
}

/** {@linkcode AppendKeyFields} one after the other. */
type AppendKeys = readonly AppendKeyFields[number][];

/** The key that begins here. The casts follow AppendKeyFields, the form in which it was put there. */
function keyAt(keys: AppendKeys, position: number): RepeatKey {
  return {
    repeat: keys[position + 2] as RepeatKind,
    key: keys[position + 3] as string,
    ttlMs: keys[position + 4] as number,
  };
}

/** Where the keys of one append end that begin here. */
function endOfKeys(keys: AppendKeys, start: number): number {
  let end = start + APPEND_KEY_FIELDS;
  while (end < keys.length && keys[end] === keys[start]) end += APPEND_KEY_FIELDS;
  return end;
}
