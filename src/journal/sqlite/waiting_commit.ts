/**
 * What waits in the gateway's thread for the next commit.
 *
 * @module
 */

import { GatewayError, InvariantError } from "../../errors.ts";
import type { RepeatKey } from "../../event/repeat_key.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { AppendListener, LaneKey, Settlement } from "../journal.ts";
import { ownBytes } from "../event_codec.ts";
import { PackBuilder } from "./pack_builder.ts";
import type {
  AppendFields,
  AppendKeyFields,
  Commit,
  CommitReply,
  Operation,
  OperationKind,
  RefusedPart,
  ReplyOf,
  RequestOf,
  SkippedAppend,
  StoredBody,
  StoredEvent,
  StoredLease,
} from "./protocol.ts";

/** When a sender may try again that was refused for the storage's sake, in seconds. */
const RETRY_AFTER_SECONDS = 5;

/** An append that waits. */
export interface Append {
  readonly event: VerifiedEvent;
  /** As they are stored. */
  readonly headers: string;
  readonly body: StoredBody;
  readonly claim: boolean;
  readonly keys: readonly RepeatKey[] | undefined;
}

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

interface WaitingPack {
  readonly builder: PackBuilder;
  readonly listeners: AppendListener[];
}

/** The operations that wait for one commit, and whoever waits for them. */
export class WaitingCommit {
  readonly #settlements: Settlement[] = [];
  /** Outcomes that can be recorded a little later. */
  #riding = 0;
  readonly #delivered: number[] = [];
  readonly #lanes: LaneKey[] = [];
  readonly #laneIndexes = new Map<string, number>();
  #lastLane = 0;
  readonly #rows: AppendFields[number][] = [];
  readonly #keys: AppendKeyFields[number][] = [];
  readonly #operations: Operation[] = [];
  readonly #listeners: AppendListener[] = [];
  readonly #packs: WaitingPack[] = [];
  /** The pack that is not full yet, by the lane's index: for claimed events, and for others. */
  readonly #openPacks = new Map<number, WaitingPack>();
  readonly #mayPack: boolean;
  readonly #operationWaiters: Waiter<unknown>[] = [];
  #settled: PromiseWithResolvers<void> | undefined;
  /** The channels that something is leased of. */
  readonly leasedChannels = new Set<string>();
  /** Appends and other operations. */
  count = 0;
  appends = 0;
  /** What whoever asked for them says that is to be stored: headers and bodies, in bytes or characters. */
  bytes = 0;

  /** @param mayPack whether events may be stored in packs, which are gone as soon as they are delivered */
  constructor(mayPack: boolean) {
    this.#mayPack = mayPack;
  }

  /** Whether nobody waits for any of it: there are outcomes alone, which can be recorded a little later. */
  get canWait(): boolean {
    return this.count === this.#riding;
  }

  /** The message to the worker. @param now by `steadyNow` */
  toCommit(now: number): Commit {
    return {
      now,
      size: this.bytes,
      settlements: this.#settlements,
      delivered: this.#delivered,
      lanes: this.#lanes,
      appends: this.#rows,
      keys: this.#keys,
      packs: this.#packs.map(({ builder }) => builder.pack),
      operations: this.#operations,
    };
  }

  append(append: Append, listener: AppendListener): void {
    const { event, headers, body, claim, keys } = append;
    this.count++;
    this.appends++;
    if (this.#mayPack) {
      const length = event.id.length + headers.length + body.length;
      if (PackBuilder.takes(length)) {
        const pack = this.#packFor(event, claim, length);
        if (keys !== undefined) pushKeys(pack.builder.keys, pack.listeners.length, event.id, keys);
        pack.builder.add(event.receivedAt, event.id, headers, body);
        pack.listeners.push(listener);
        return;
      }
    }
    if (keys !== undefined) pushKeys(this.#keys, this.#listeners.length, event.id, keys);
    this.#rows.push(event.id, this.#laneIndex(event), event.receivedAt, headers, ownBytes(body), claim);
    this.#listeners.push(listener);
  }

  #packFor(event: VerifiedEvent, claim: boolean, length: number): WaitingPack {
    const lane = this.#laneIndex(event);
    const name = claim ? lane : -1 - lane;
    let pack = this.#openPacks.get(name);
    if (pack === undefined || !pack.builder.hasRoomFor(length)) {
      pack = { builder: new PackBuilder(lane, claim, event.receivedAt), listeners: [] };
      this.#openPacks.set(name, pack);
      this.#packs.push(pack);
    }
    return pack;
  }

  /**
   * All settlements of a commit share one promise: they come through, or fail, together.
   *
   * @param mayRide whether it may wait for something else that is asked for
   */
  settle(settlement: Settlement, mayRide: boolean): Promise<void> {
    this.count++;
    if (mayRide) this.#riding++;
    if (settlement.state === "delivered") this.#delivered.push(settlement.sequence);
    else this.#settlements.push(settlement);
    this.#settled ??= Promise.withResolvers();
    return this.#settled.promise;
  }

  /** @param mayWait whether it can be done a little later */
  operate<Kind extends OperationKind>(
    kind: Kind,
    request: RequestOf<Kind>,
    mayWait = false,
  ): Promise<ReplyOf<Kind>> {
    this.count++;
    if (mayWait) this.#riding++;
    // A sender waits for it as for an append.
    if (kind === "enqueue") this.appends++;
    if (kind === "lease") this.leasedChannels.add((request as RequestOf<"lease">).channel);
    this.#operations.push({ kind, request } as Operation);
    return new Promise<ReplyOf<Kind>>((resolve, reject) => {
      this.#operationWaiters.push({ resolve: resolve as Waiter<unknown>["resolve"], reject });
    });
  }

  /** Reports the results of the operations to whoever waits for them. */
  conclude(reply: CommitReply): void {
    if (reply.refused !== undefined) return this.fail(toError(reply.refused));
    this.#settled?.resolve();
    this.#concludeAppends(reply);
    const refused = new Set(reply.refusedOperations);
    for (const [index, waiter] of this.#operationWaiters.entries()) {
      if (refused.has(index)) waiter.reject(toError(reply.growthRefused));
      else waiter.resolve(this.#resultOf(index, reply));
    }
  }

  /** Leases name the events of this commit by their operations. */
  #resultOf(index: number, { results }: CommitReply): unknown {
    if (this.#operations[index]?.kind !== "lease") return results[index];
    const { events, nextVisibleAt } = results[index] as ReplyOf<"lease">;
    const whole = events.map(({ event, delivery }) => ({ event: this.#eventOf(event), delivery }));
    return { events: whole, nextVisibleAt };
  }

  #eventOf(event: StoredLease["event"]): StoredEvent {
    if (typeof event !== "number") return event;
    const operation = this.#operations[event];
    if (operation?.kind === "enqueue") return operation.request.event;
    throw new InvariantError(`Operation ${event} of the commit has brought no event`);
  }

  /** Tells everybody that nothing was done. */
  fail(error: GatewayError): void {
    this.#settled?.reject(error);
    this.#refuseAppends(error);
    for (const { reject } of this.#operationWaiters) reject(error);
  }

  #laneIndex({ namespace, webhook }: LaneKey): number {
    // Mostly the same as the one before.
    const last = this.#lanes[this.#lastLane];
    if (last?.webhook === webhook && last.namespace === namespace) return this.#lastLane;
    return this.#lastLane = this.#findLane(namespace, webhook);
  }

  #findLane(namespace: string, webhook: string): number {
    // Neither part can contain a slash.
    const name = `${namespace}/${webhook}`;
    let index = this.#laneIndexes.get(name);
    if (index === undefined) {
      index = this.#lanes.push({ namespace, webhook }) - 1;
      this.#laneIndexes.set(name, index);
    }
    return index;
  }

  #refuseAppends(error: GatewayError): void {
    for (const listener of this.#listeners) listener.onRefused(error);
    for (const { listeners } of this.#packs) {
      for (const listener of listeners) listener.onRefused(error);
    }
  }

  #concludeAppends(reply: CommitReply): void {
    const { growthRefused, firstSequence, firstPacked, skipped, skippedInPacks } = reply;
    if (growthRefused !== undefined) return this.#refuseAppends(toError(growthRefused));
    reportAppended(this.#packs.flatMap(({ listeners }) => listeners), firstPacked, skippedInPacks);
    reportAppended(this.#listeners, firstSequence, skipped);
  }
}

function pushKeys(
  to: AppendKeyFields[number][],
  index: number,
  eventId: string,
  keys: readonly RepeatKey[],
): void {
  for (const { repeat, key, ttlMs } of keys) to.push(index, eventId, repeat, key, ttlMs);
}

/** @param first the sequence of the first append that was done; the others follow in order */
function reportAppended(
  listeners: readonly AppendListener[],
  first: number,
  skipped: readonly SkippedAppend[],
): void {
  let sequence = first;
  let nextSkipped = 0;
  for (const [index, listener] of listeners.entries()) {
    const found = skipped[nextSkipped];
    if (found?.[0] !== index) {
      listener.onAppended({ sequence: sequence++ });
      continue;
    }
    nextSkipped++;
    if (found.length === 1) listener.onRefused(beyondShare());
    else listener.onAppended({ duplicateOf: found[1], repeat: found[2] });
  }
}

/** The webhook holds its share of the file. */
function beyondShare(): GatewayError {
  return new GatewayError("journal_share_full", undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/** What whoever asked for a refused operation gets. */
export function toError(refusal: Partial<RefusedPart> | undefined): GatewayError {
  const { code = "journal_unavailable", message, reason } = refusal ?? { code: "internal_error" };
  return new GatewayError(code, message, {
    cause: new Error(reason),
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
