/**
 * Records on their way, and the deliveries that wait for their results.
 *
 * @module
 */

import { assertCount } from "../../../errors.ts";
import type { DeliveryError } from "../../../errors.ts";
import type { DeliveryResult } from "../../module.ts";
import { type KafkaRecord, sizeOfRecord } from "../protocol/record.ts";

/** How much there is of something. */
export interface Load {
  records: number;
  bytes: number;
}

/** Where a record waits or is sent from. */
export interface EntryQueue {
  readonly topic: string;
  readonly partition: number;
  /** Why what is here waits for longer than usual; `undefined` while all goes well. */
  readonly reason: DeliveryError | undefined;
  /** What waits or is under way and is waited for. */
  readonly load: Load;
  /** Nobody waits for an entry any more. One that waits is not sent, and what must not overtake it fails. */
  abandon(entry: Entry): void;
}

/** The records of one delivery. */
export class Submission {
  readonly entries: readonly Entry[];
  readonly #results: (DeliveryResult | undefined)[];
  readonly #done: (results: readonly DeliveryResult[]) => void;
  #open: number;

  /** @param done called once, with one result for each record, in order */
  constructor(records: readonly KafkaRecord[], done: (results: readonly DeliveryResult[]) => void) {
    this.entries = records.map((record, index) => new Entry(record, this, index));
    this.#results = new Array(records.length).fill(undefined);
    this.#open = records.length;
    this.#done = done;
  }

  /** @internal */
  settle(index: number, result: DeliveryResult): void {
    this.#results[index] = result;
    this.#open = assertCount(this.#open - 1, "records of a delivery without a result");
    if (this.#open === 0) this.#done(this.#results as DeliveryResult[]);
  }
}

/** One record of a delivery. */
export class Entry {
  /** Bytes that it takes in a batch, nearly. */
  readonly size: number;
  /** `undefined` before its partition is chosen. */
  queue: EntryQueue | undefined;
  readonly #submission: Submission;
  readonly #index: number;
  #isSettled = false;
  #lane: string | undefined;

  constructor(readonly record: KafkaRecord, submission: Submission, index: number) {
    this.size = sizeOfRecord(record);
    this.#submission = submission;
    this.#index = index;
  }

  /** Whether its result has been reported, so that nobody waits for it any more. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Reports the result, unless one was reported before. Returns whether this one was the first. */
  settle(result: DeliveryResult): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#submission.settle(this.#index, result);
    return true;
  }

  /** Whether it may go to any partition. */
  get isFree(): boolean {
    return this.record.partition === undefined && this.record.key === null;
  }

  /** Equal for records whose order is to be kept; `undefined` for one without key and partition. */
  get lane(): string | undefined {
    return this.#lane ??= laneOf(this.record);
  }
}

function laneOf({ topic, partition, key }: KafkaRecord): string | undefined {
  if (partition !== undefined) return `${topic}/${partition}`;
  return key === null
    ? undefined
    : `${topic} ${Array.from(key, (byte) => String.fromCharCode(byte)).join("")}`;
}
