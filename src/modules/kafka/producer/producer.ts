/**
 * Publishes records, and reports the result of each.
 *
 * Every partition has one batch under way at a time, and every broker is sent to by itself, so what waits for
 * one broker costs the others nothing. A batch that a broker may have written is sent again with the same bytes
 * and numbers, by which brokers recognise it, until they have decided on it or nobody waits for it. What was
 * surely not written fails as soon as the cause is known; while other brokers answer, a partition whose leader
 * does not is waited for, since it may get another one.
 *
 * @module
 */

import { assertCount, DeliveryError } from "../../../errors.ts";
import { asDeliveryError, type Place, PlacedErrors } from "../errors.ts";
import type { DeliveryResult } from "../../module.ts";
import { Cluster, type Topic } from "./cluster.ts";
import type { OpenConnection } from "../protocol/control.ts";
import { type Entry, type Load, Submission } from "./entry.ts";
import { partitionOfKey } from "../protocol/murmur2.ts";
import { PartitionQueue } from "./partition_queue.ts";
import { ProducerIds } from "./producer_ids.ts";
import type { KafkaRecord } from "../protocol/record.ts";
import { type Events, Router } from "./router.ts";
import { endsBefore } from "../../../time/abortable.ts";

/** What waits or is under way at most. */
export interface ProducerBounds {
  readonly records: number;
  readonly bytes: number;
}

/** What happens that an operator wants to know. */
export interface ProducerEvents extends Events {
  /** Brokers gave no id to recognise batches by, so one that is tried again may be stored twice. */
  unidentified(error: DeliveryError): void;
}

/** How a producer reaches its brokers. */
export interface ProducerOptions {
  /** Brokers to begin with, as `host:port`. */
  readonly brokers: readonly string[];
  /** How old what is known of topics may become, in milliseconds. */
  readonly metadataMaxAgeMs: number;
  readonly bounds: ProducerBounds;
  readonly events: ProducerEvents;
  readonly open: OpenConnection;
}

const CLOSED = "The connection to Kafka was closed";

/** Publishes records to one cluster. Disposal fails what is under way. */
export class KafkaProducer implements AsyncDisposable {
  readonly #bounds: ProducerBounds;
  readonly #cluster: Cluster;
  readonly #router: Router;
  readonly #queues = new Map<string, Map<number, PartitionQueue>>();
  /** Entries for topics of which nothing is known yet. */
  readonly #loading = new Map<Topic, Entry[]>();
  readonly #loads = new Set<Promise<void>>();
  readonly #load: Load = { records: 0, bytes: 0 };
  readonly #errors = new PlacedErrors();
  readonly #settle = (entry: Entry, result: DeliveryResult) => this.#settleEntry(entry, result);
  /** Takes the partitions for records without a key in turn. */
  #turn = Math.floor(Math.random() * 1000);
  #closed = false;

  constructor({ brokers, metadataMaxAgeMs, bounds, events, open }: ProducerOptions) {
    this.#bounds = bounds;
    this.#cluster = new Cluster(brokers, metadataMaxAgeMs, open, (broker) => this.#router.isFailing(broker));
    const ids = new ProducerIds(this.#cluster.control, (error) => events.unidentified(error));
    this.#router = new Router(this.#cluster, ids, open, events, (entry) => this.#place(entry));
  }

  /**
   * Publishes records; one result each, in order. When the signal aborts, records that wait are not sent, and
   * those under way may arrive all the same.
   */
  submit(records: readonly KafkaRecord[], signal: AbortSignal): Promise<readonly DeliveryResult[]> {
    const refusal = this.#reasonToRefuse(signal);
    if (records.length === 0 || refusal !== undefined) {
      return Promise.resolve(records.map((record) => this.#errors.at(record, refusal!)));
    }
    const { promise, resolve } = Promise.withResolvers<readonly DeliveryResult[]>();
    const submission = new Submission(records, (results) => {
      signal.removeEventListener("abort", abort);
      resolve(results);
    });
    const abort = () => this.#abort(submission);
    signal.addEventListener("abort", abort, { once: true });
    for (const entry of submission.entries) {
      this.#load.records++;
      this.#load.bytes += entry.size;
    }
    for (const entry of submission.entries) this.#place(entry);
    return promise;
  }

  /**
   * Resolves when a broker answers.
   *
   * @throws {DeliveryError} with the reason when none does before the signal aborts
   */
  async probe(signal: AbortSignal): Promise<void> {
    if (!await endsBefore(signal, this.#cluster.refresh())) throw unanswered();
  }

  /**
   * Resolves when records for a topic, or one partition of it, would be taken.
   *
   * @throws {DeliveryError} with the reason when they would not, or no broker answers before the signal aborts
   */
  async probeTopic(place: Place, signal: AbortSignal): Promise<void> {
    let failure: DeliveryError | undefined;
    const asked = this.#cluster.failureAt(place).then((found) => failure = found);
    if (!await endsBefore(signal, asked)) throw unanswered();
    if (failure !== undefined) throw this.#errors.at(place, failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const error = new DeliveryError("output_unavailable", CLOSED);
    for (const queue of this.#allQueues()) queue.failAll(error);
    for (const entries of this.#loading.values()) for (const entry of entries) this.#settle(entry, error);
    await Promise.all([this.#router[Symbol.asyncDispose](), this.#cluster[Symbol.asyncDispose]()]);
    await Promise.all(this.#loads);
  }

  #reasonToRefuse(signal: AbortSignal): DeliveryError | undefined {
    if (signal.aborted) {
      return new DeliveryError("output_timeout", "There was no time left to send the event");
    }
    if (this.#closed) return new DeliveryError("output_unavailable", CLOSED);
    const { records, bytes } = this.#load;
    return records < this.#bounds.records && bytes < this.#bounds.bytes
      ? undefined
      : overloaded(this.#load, false);
  }

  /** Puts an entry where it will be sent from. */
  #place(entry: Entry): void {
    const topic = this.#cluster.topic(entry.record.topic);
    const loading = this.#loading.get(topic);
    if (loading !== undefined) loading.push(entry);
    else if (topic.isUsable) this.#enqueue(entry, topic);
    else this.#awaitTopic(entry, topic);
  }

  #awaitTopic(entry: Entry, topic: Topic): void {
    const entries = [entry];
    this.#loading.set(topic, entries);
    const load = this.#cluster.load(topic).then(() => topic.failure, asDeliveryError)
      .then((failure) => {
        this.#loading.delete(topic);
        this.#loads.delete(load);
        for (const waiting of entries) {
          if (waiting.isSettled) continue;
          if (failure !== undefined) this.#settle(waiting, failure);
          else this.#enqueue(waiting, topic);
        }
      });
    this.#loads.add(load);
  }

  #enqueue(entry: Entry, topic: Topic): void {
    const queue = this.#queueOf(topic, this.#choosePartition(entry.record, topic));
    if (queue.reason !== undefined && this.#isBlockedTooMuch()) {
      return this.#settle(entry, overloaded(this.#load, true));
    }
    queue.add(entry);
    queue.load.records++;
    queue.load.bytes += entry.size;
    if (!queue.isScheduled) this.#router.route(queue);
  }

  /**
   * As the Java client does: the record's own partition, otherwise by murmur2 over the key; without a key the
   * partitions take turns that have a leader, and of these the ones whose leader answers.
   */
  #choosePartition({ partition, key }: KafkaRecord, topic: Topic): number {
    if (partition !== undefined) return partition;
    const count = topic.leaders.length;
    if (key !== null) return partitionOfKey(key, count);
    const first = this.#turn++;
    let led: number | undefined;
    for (let offset = 0; offset < count; offset++) {
      const candidate = (first + offset) % count;
      const leader = topic.leaderOf(candidate);
      if (leader === undefined) continue;
      if (!this.#router.isFailing(leader)) return candidate;
      led ??= candidate;
    }
    return led ?? first % count;
  }

  #queueOf({ name }: Topic, partition: number): PartitionQueue {
    let queues = this.#queues.get(name);
    if (queues === undefined) this.#queues.set(name, queues = new Map());
    let queue = queues.get(partition);
    if (queue === undefined) queues.set(partition, queue = new PartitionQueue(name, partition, this.#settle));
    return queue;
  }

  *#allQueues(): Iterable<PartitionQueue> {
    for (const queues of this.#queues.values()) yield* queues.values();
  }

  /** What waits for longer than usual may take half of the room, so that it leaves some to the others. */
  #isBlockedTooMuch(): boolean {
    const blocked: Load = { records: 0, bytes: 0 };
    for (const { reason, load } of this.#allQueues()) {
      if (reason === undefined) continue;
      blocked.records += load.records;
      blocked.bytes += load.bytes;
    }
    return blocked.records >= this.#bounds.records / 2 || blocked.bytes >= this.#bounds.bytes / 2;
  }

  #abort(submission: Submission): void {
    for (const entry of submission.entries) {
      if (entry.isSettled) continue;
      const { queue } = entry;
      const reason = queue === undefined ? unanswered("output_timeout") : this.#router.reasonToWait(queue);
      this.#settle(entry, reason);
      queue?.abandon(entry);
    }
  }

  #settleEntry(entry: Entry, result: DeliveryResult): void {
    const placed = result === "delivered" ? result : this.#errors.at(placeOf(entry), result);
    if (!entry.settle(placed)) return;
    this.#load.records = assertCount(this.#load.records - 1, "records for Kafka");
    this.#load.bytes = assertCount(this.#load.bytes - entry.size, "bytes for Kafka");
    if (entry.queue === undefined) return;
    const { load } = entry.queue;
    load.records = assertCount(load.records - 1, "records for a partition");
    load.bytes = assertCount(load.bytes - entry.size, "bytes for a partition");
  }
}

function placeOf({ record: { topic, partition }, queue }: Entry): Place {
  return { topic, partition: queue?.partition ?? partition };
}

function unanswered(code: "output_unavailable" | "output_timeout" = "output_unavailable"): DeliveryError {
  return new DeliveryError(code, "No Kafka broker answered in time");
}

function overloaded({ records, bytes }: Load, isPartial: boolean): DeliveryError {
  const message = `Kafka has ${records} events of ${bytes} bytes to take before this one`;
  return new DeliveryError("overloaded", message, { retryAfterSeconds: 1, isPartial });
}
