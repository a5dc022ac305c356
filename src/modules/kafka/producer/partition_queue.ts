/**
 * The records for one partition: those that wait, and the batch that is under way. The batch keeps its bytes
 * and its numbers until the brokers have decided on it or nobody waits for it any more.
 *
 * @module
 */

import { assertCount, type DeliveryError } from "../../../errors.ts";
import { heldUp } from "../errors.ts";
import { halves } from "../../halves.ts";
import type { DeliveryResult } from "../../module.ts";
import type { Entry, EntryQueue, Load } from "./entry.ts";
import { NO_PRODUCER, type ProducerId } from "./producer_ids.ts";
import {
  type BatchIdentity,
  NO_IDENTITY,
  sizeInBatch,
  sizeOfBatch,
  writeBatch,
} from "../protocol/record_batch.ts";

/** Records in one batch, at most. */
const BATCH_RECORDS = 1_000;

/**
 * Bytes in one batch, unless one record alone is larger. Brokers refuse what one partition gets at once when it
 * exceeds their limit for a message, 1 MiB unless configured.
 */
const BATCH_BYTES = 512 * 1024;

const MAX_SEQUENCE = 2 ** 31 - 1;

/** Entries that nobody waits for any more are let go of when there are this many. */
const MANY_SETTLED = 64;

/** What is sent to a partition as one. */
export class Batch {
  /** Bytes that it takes. */
  readonly size: number;
  /** Tries after which it may have been written: those without an answer, and those that replicas were late for. */
  unsureTries = 0;
  #bytes: Uint8Array | undefined;

  constructor(readonly entries: readonly Entry[], readonly identity: BatchIdentity) {
    this.size = sizeOfBatch(entries);
  }

  /** Whether a broker may have written it. */
  get isUnsure(): boolean {
    return this.unsureTries > 0;
  }

  /** Whether somebody waits for one of its records. */
  get isWaitedFor(): boolean {
    return this.entries.some(({ isSettled }) => !isSettled);
  }

  /** Writes it, the same bytes each time. */
  writeTo(target: Uint8Array): void {
    if (this.#bytes === undefined) {
      writeBatch(target, this.entries, this.identity, Date.now());
      this.#bytes = target;
    } else target.set(this.#bytes);
  }
}

/** Takes the result of a record. */
export type Settle = (entry: Entry, result: DeliveryResult) => void;

/** The records for one partition of one topic. */
export class PartitionQueue implements EntryQueue {
  /** What is under way, or will be sent again. */
  batch: Batch | undefined;
  reason: DeliveryError | undefined;
  /** Whether it is at a sender, or somebody sees to it that it will be. */
  isScheduled = false;
  /** Whether replicas were too slow for its last batch. */
  isSlow = false;
  readonly load: Load = { records: 0, bytes: 0 };
  readonly #settle: Settle;
  /** `undefined`: one is needed before the next batch. */
  #producer: ProducerId | undefined;
  #nextSequence = 0;
  /** The newest generation of producer ids that must not be used here any more. */
  #spent = 0;
  /** Halves of a batch that was refused, to be sent before all others. */
  #parts: (readonly Entry[])[] = [];
  #queue: Entry[] = [];
  #first = 0;
  #settled = 0;

  constructor(readonly topic: string, readonly partition: number, settle: Settle) {
    this.#settle = settle;
  }

  /** Whether there is nothing to send. */
  get isEmpty(): boolean {
    return this.batch === undefined && this.#parts.length === 0 && this.#first === this.#queue.length;
  }

  /** The generation that a producer id must be newer than, when one is needed; `undefined` while there is one. */
  get needsIdAfter(): number | undefined {
    if (this.batch !== undefined) return undefined;
    if (this.#producer === undefined) return this.#spent;
    return this.#nextSequence + BATCH_RECORDS > MAX_SEQUENCE ? this.#producer.generation : undefined;
  }

  /** Numbers the next batches under another producer id, from 0 on; without an id, the next one alone. */
  useProducer(producer: ProducerId): void {
    this.#spend();
    this.#producer = producer;
    this.#nextSequence = 0;
  }

  add(entry: Entry): void {
    entry.queue = this;
    this.#queue.push(entry);
  }

  abandon(entry: Entry): void {
    if (this.batch?.entries.includes(entry)) return;
    this.#failFollowers([entry]);
    if (++this.#settled < Math.max(MANY_SETTLED, this.load.records)) return;
    this.#queue = this.#queue.slice(this.#first).filter(({ isSettled }) => !isSettled);
    this.#first = this.#settled = 0;
  }

  /** Takes out what waits and may go to any partition. */
  releaseFree(): readonly Entry[] {
    const waiting = this.#queue.slice(this.#first).filter(({ isSettled }) => !isSettled);
    const free = waiting.filter(({ isFree }) => isFree);
    if (free.length === 0) return free;
    this.#queue = waiting.filter(({ isFree }) => !isFree);
    this.#first = this.#settled = 0;
    for (const entry of free) {
      entry.queue = undefined;
      this.load.records = assertCount(this.load.records - 1, "records for a partition");
      this.load.bytes = assertCount(this.load.bytes - entry.size, "bytes for a partition");
    }
    return free;
  }

  /** Gives up a batch that nobody waits for any more. */
  dropAbandoned(): void {
    if (this.batch !== undefined && !this.batch.isWaitedFor) this.giveUp();
  }

  /** The batch to send now, if any: the one that has to be sent again, or the next one. */
  take(): Batch | undefined {
    if (this.batch !== undefined) return this.batch;
    while (this.#parts.length > 0) {
      const part = this.#parts.shift()!.filter(({ isSettled }) => !isSettled);
      if (part.length > 0) return this.batch = this.#number(part);
    }
    const entries = this.#takeEntries();
    return entries.length === 0 ? undefined : this.batch = this.#number(entries);
  }

  /** The batch's end: the brokers have it. */
  complete(): void {
    const { entries } = this.batch!;
    this.batch = undefined;
    for (const entry of entries) this.#settle(entry, "delivered");
  }

  /**
   * The batch's end without success. Its producer id goes with it: were a number used again for other records, a
   * broker that has the batch after all would take them for it and drop them.
   *
   * @param error for those who wait; left out when nobody does
   */
  giveUp(error?: DeliveryError): void {
    const { entries } = this.batch!;
    this.batch = undefined;
    this.#spend();
    if (error !== undefined) { for (const entry of entries) this.#settle(entry, error); }
    if (error?.disposition !== "dead_letter") this.#failFollowers(entries);
  }

  /** The batch was refused: its halves are sent by themselves, and in the end the one record that is to blame. */
  split(error: DeliveryError): void {
    const { entries } = this.batch!;
    if (entries.length === 1) return this.giveUp(error);
    this.batch = undefined;
    this.#spend();
    this.#parts.unshift(...halves(entries));
  }

  /** Fails what was surely not written. A batch that may have been is kept as long as somebody waits for it. */
  failUnwritten(error: DeliveryError): void {
    if (this.batch !== undefined && !(this.batch.isUnsure && this.batch.isWaitedFor)) this.giveUp(error);
    this.#failWaiting(error);
  }

  /** Fails everything. */
  failAll(error: DeliveryError): void {
    if (this.batch !== undefined) this.giveUp(error);
    this.#failWaiting(error);
  }

  #failWaiting(error: DeliveryError): void {
    const waiting = [...this.#parts.flat(), ...this.#queue.slice(this.#first)];
    this.#parts = [];
    this.#queue = [];
    this.#first = this.#settled = 0;
    for (const entry of waiting) this.#settle(entry, error);
  }

  /** Lets nothing that waits overtake records that will be tried again. */
  #failFollowers(entries: readonly Entry[]): void {
    const lanes = new Set(entries.flatMap(({ lane }) => lane ?? []));
    if (lanes.size === 0) return;
    const isFollower = (entry: Entry) => entry.lane !== undefined && lanes.has(entry.lane);
    const followers = [...this.#parts.flat(), ...this.#queue.slice(this.#first)].filter(isFollower);
    // They are passed over when their turn comes.
    for (const follower of followers) this.#settle(follower, heldUp());
    this.#settled += followers.length;
  }

  #takeEntries(): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    for (; this.#first < this.#queue.length && entries.length < BATCH_RECORDS; this.#first++) {
      const entry = this.#queue[this.#first]!;
      if (entry.isSettled) continue;
      bytes += sizeInBatch(entry.size, entries.length);
      if (bytes > BATCH_BYTES && entries.length > 0) break;
      entries.push(entry);
    }
    if (this.#first === this.#queue.length) {
      this.#queue = [];
      this.#first = this.#settled = 0;
    }
    return entries;
  }

  #number(entries: readonly Entry[]): Batch {
    const { id, epoch } = this.#producer!;
    if (this.#producer === NO_PRODUCER) {
      this.#producer = undefined;
      return new Batch(entries, NO_IDENTITY);
    }
    const batch = new Batch(entries, { producerId: id, epoch, firstSequence: this.#nextSequence });
    this.#nextSequence += entries.length;
    return batch;
  }

  #spend(): void {
    if (this.#producer !== undefined) this.#spent = Math.max(this.#spent, this.#producer.generation);
    this.#producer = undefined;
  }
}
