/**
 * Puts the records of concurrent deliveries together and sends them in batches, one at a time: while one is
 * under way the next fills up. That keeps the order, and the more there is to do, the less each record costs.
 *
 * @module
 */

import { setImmediate as turn } from "node:timers/promises";
import { DeliveryError } from "../errors.ts";
import type { KafkaRecord, RecordProducer } from "./kafka_producer.ts";
import type { DeliveryResult } from "./module.ts";

/** How much is sent or kept at most. */
export interface SenderBounds {
  /** Records in one batch. */
  readonly batchRecords: number;
  /**
   * Bytes in one batch, unless one record alone is larger. Brokers refuse what one partition gets at once when
   * it exceeds their limit for a message, 1 MiB unless configured.
   */
  readonly batchBytes: number;
  /** Records that wait or are under way. */
  readonly queuedRecords: number;
  /** Bytes that wait or are under way. */
  readonly queuedBytes: number;
}

/** What a record costs besides key, value and headers, at most. */
const RECORD_OVERHEAD = 32;

/** The records of one delivery. */
class Submission {
  readonly results: (DeliveryResult | undefined)[];
  #open: number;

  constructor(records: number, readonly done: (results: readonly DeliveryResult[]) => void) {
    this.results = new Array(records).fill(undefined);
    this.#open = records;
  }

  /** Sets a result, unless it is set already. */
  settle(index: number, result: DeliveryResult): void {
    if (this.results[index] !== undefined) return;
    this.results[index] = result;
    this.#open--;
    if (this.#open === 0) this.done(this.results as DeliveryResult[]);
  }
}

/** A record that waits or is under way. */
interface Entry {
  readonly record: KafkaRecord;
  readonly bytes: number;
  readonly submission: Submission;
  readonly index: number;
  /** Counts all records that were ever submitted. */
  readonly number: number;
}

/** Sends records in the order in which they were submitted. */
export class KafkaSender implements AsyncDisposable {
  readonly #producer: RecordProducer;
  readonly #bounds: SenderBounds;
  #queue: Entry[] = [];
  #records = 0;
  #bytes = 0;
  #nextNumber = 0;
  /** The lanes of records that failed, each with the number from which on records may go again. */
  readonly #held = new Map<string, number>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(producer: RecordProducer, bounds: SenderBounds) {
    this.#producer = producer;
    this.#bounds = bounds;
  }

  /**
   * Sends records; one result each, in order. When the signal aborts, records that wait are not sent, and those
   * under way may arrive all the same.
   */
  submit(records: readonly KafkaRecord[], signal: AbortSignal): Promise<readonly DeliveryResult[]> {
    const refusal = this.#reasonToRefuse(records, signal);
    if (records.length === 0 || refusal !== undefined) return Promise.resolve(records.map(() => refusal!));
    const { promise, resolve } = Promise.withResolvers<readonly DeliveryResult[]>();
    const submission = new Submission(records.length, (results) => {
      signal.removeEventListener("abort", abort);
      resolve(results);
    });
    const abort = () => this.#abort(submission);
    signal.addEventListener("abort", abort, { once: true });
    for (const [index, record] of records.entries()) {
      this.#add({ record, bytes: sizeOf(record), submission, index, number: this.#nextNumber++ });
    }
    this.#running ??= this.#run();
    return promise;
  }

  /** Fails what waits; the producer breaks off what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#failQueue(
      () => true,
      new DeliveryError("output_unavailable", "The connection to Kafka was closed"),
    );
    await this.#producer[Symbol.asyncDispose]();
    await this.#running;
  }

  #reasonToRefuse(records: readonly KafkaRecord[], signal: AbortSignal): DeliveryError | undefined {
    if (signal.aborted) {
      return new DeliveryError("output_timeout", "There was no time left to send the event");
    }
    if (this.#closed) return new DeliveryError("output_unavailable", "The connection to Kafka was closed");
    const { queuedRecords, queuedBytes } = this.#bounds;
    if (this.#records + records.length <= queuedRecords && this.#bytes < queuedBytes) return undefined;
    const message = `Kafka has ${this.#records} events of ${this.#bytes} bytes to take before this one`;
    return new DeliveryError("overloaded", message, { retryAfterSeconds: 1 });
  }

  #add(entry: Entry): void {
    this.#queue.push(entry);
    this.#records++;
    this.#bytes += entry.bytes;
  }

  #settle({ submission, index, bytes }: Entry, result: DeliveryResult): void {
    this.#records--;
    this.#bytes -= bytes;
    submission.settle(index, result);
  }

  async #run(): Promise<void> {
    // Calls of the same turn travel together; and whoever got an answer may bring more before the next batch.
    for (await turn(); this.#queue.length > 0; await turn()) await this.#send(this.#takeBatch());
    this.#running = undefined;
  }

  async #send(batch: readonly Entry[]): Promise<void> {
    if (batch.length === 0) return;
    // Whoever learns of a failure may try again while this still runs: only what came before is meant by it.
    let failedAt: number | undefined;
    const unreachable = await this.#producer.send(batch.map(({ record }) => record), (index, result) => {
      const entry = batch[index]!;
      if (result !== "delivered" && result.disposition === "retry") {
        failedAt ??= this.#nextNumber;
        this.#holdUp(entry);
      }
      this.#settle(entry, result);
    });
    if (unreachable !== undefined) this.#failQueue(({ number }) => number < (failedAt ?? 0), unreachable);
  }

  #takeBatch(): Entry[] {
    const { batchRecords, batchBytes } = this.#bounds;
    const batch: Entry[] = [];
    let bytes = 0;
    let taken = 0;
    for (; taken < this.#queue.length && batch.length < batchRecords; taken++) {
      const entry = this.#queue[taken]!;
      if (this.#isHeldUp(entry)) {
        this.#settle(
          entry,
          new DeliveryError("output_failed", "An earlier event with the same key was not taken"),
        );
        continue;
      }
      bytes += entry.bytes;
      if (bytes > batchBytes && batch.length > 0) break;
      batch.push(entry);
    }
    this.#queue.splice(0, taken);
    if (this.#queue.length === 0) this.#held.clear();
    return batch;
  }

  #abort(submission: Submission): void {
    const error = new DeliveryError("output_timeout", "Kafka did not take the event in time");
    this.#failQueue((entry) => {
      if (entry.submission !== submission) return false;
      this.#holdUp(entry);
      return true;
    }, error);
    for (const index of submission.results.keys()) submission.settle(index, error);
  }

  /** Lets none of the records that wait overtake one that will be tried again. */
  #holdUp({ record }: Entry): void {
    const lane = laneOf(record);
    if (lane !== undefined) this.#held.set(lane, this.#nextNumber);
  }

  #isHeldUp({ record, number }: Entry): boolean {
    if (this.#held.size === 0) return false;
    const lane = laneOf(record);
    return lane !== undefined && number < (this.#held.get(lane) ?? 0);
  }

  #failQueue(isMeant: (entry: Entry) => boolean, error: DeliveryError): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const entry of queue) {
      if (isMeant(entry)) this.#settle(entry, error);
      else this.#queue.push(entry);
    }
  }
}

function sizeOf({ key, value, headers }: KafkaRecord): number {
  let bytes = RECORD_OVERHEAD + (key?.byteLength ?? 0) + value.byteLength;
  for (const name in headers) bytes += name.length + headers[name]!.length + 2;
  return bytes;
}

/** Equal for records whose order is to be kept; `undefined` for one without key and partition. */
function laneOf({ topic, partition, key }: KafkaRecord): string | undefined {
  if (partition !== undefined) return `${topic}/${partition}`;
  return key === null ? undefined : `${topic} ${key.toString("latin1")}`;
}
