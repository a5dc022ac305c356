/**
 * Sends batches to one broker, one request at a time: while one is under way, the next one fills up. A broker
 * carries out the requests of a connection one after another, so a second one would gain nothing.
 *
 * @module
 */

import { setImmediate as turn } from "node:timers/promises";
import { DeliveryError } from "../../../errors.ts";
import { asDeliveryError, ofOneBroker } from "../errors.ts";
import type { BrokerConnection } from "./broker_connection.ts";
import type { OpenConnection } from "../protocol/control.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import { type Dispatch, produceRequest } from "../protocol/produce_request.ts";
import type { ProducerIds } from "./producer_ids.ts";
import { produce, type ProduceAnswer } from "../protocol/requests.ts";
import { type ConnectionLog, ConnectionSupervisor, type Opening } from "../../../io/connection.ts";
import { backoffBoundMs } from "../../../time/backoff.ts";
import { pause } from "../../../time/abortable.ts";

/**
 * How long a broker waits for replicas before it says that they are late, in milliseconds. Meanwhile it answers
 * nothing else on the connection; the batch is sent again, and recognised.
 */
const REPLICATE_MS = 1_500;

/** How long a broker may take besides, in milliseconds; twice as long after each request that got no answer. */
const ANSWERS = { initialMs: 1_500, maxMs: 12_000 };

/** Bytes in one request, unless one batch alone is larger. */
const REQUEST_BYTES = 8 * 1024 * 1024;

/** What a sender needs of those it works for. */
export interface SenderOwner {
  readonly ids: ProducerIds;
  readonly open: OpenConnection;
  readonly log: ConnectionLog;
  /** `host:port` of a broker, where it is known. */
  addressOf(broker: number): string | undefined;
  /**
   * Takes the answers to batches. Their queues are not here any more.
   *
   * @param tookMs how long the broker took
   */
  onAnswer(
    sender: BrokerSender,
    dispatches: readonly Dispatch[],
    answer: ProduceAnswer,
    tookMs: number,
  ): void;
  /** The broker cannot be sent to. What was to be sent stays here, and is tried again until it is taken away. */
  onFailure(sender: BrokerSender): void;
}

/** Sends to one broker. */
export class BrokerSender implements AsyncDisposable {
  /** The broker's number. */
  readonly broker: number;
  /** Whether it is for partitions whose replicas are slow, which would hold up the others. */
  readonly isSlow: boolean;
  readonly #owner: SenderOwner;
  readonly #ready = new Set<PartitionQueue>();
  readonly #closing = new AbortController();
  readonly #connection: ConnectionSupervisor<BrokerConnection>;
  #running: Promise<void> | undefined;
  #failure: DeliveryError | undefined;
  /** Requests in a row that got no answer. */
  #unanswered = 0;
  #mutedUntil = 0;

  constructor(broker: number, isSlow: boolean, owner: SenderOwner) {
    this.broker = broker;
    this.isSlow = isSlow;
    this.#owner = owner;
    this.#connection = new ConnectionSupervisor({
      server: `Kafka broker ${broker}`,
      log: owner.log,
      open: (opening) => this.#open(opening),
      close: (connection) => connection[Symbol.asyncDispose](),
      isUsable: ({ isOpen, address }) => isOpen && address === owner.addressOf(broker),
      endsItsWork: true,
    });
  }

  /** Why the broker could not be sent to last; `undefined` while it answers. */
  get failure(): DeliveryError | undefined {
    return this.#failure;
  }

  /** What waits to be sent. */
  get ready(): Iterable<PartitionQueue> {
    return this.#ready;
  }

  /** Sends what the queue has as soon as possible. */
  add(queue: PartitionQueue): void {
    queue.reason = this.#failure;
    this.#ready.add(queue);
    this.#running ??= this.#run();
  }

  /** Takes a queue away that waits here. */
  remove(queue: PartitionQueue): void {
    this.#ready.delete(queue);
  }

  /** Why what is here waits, if the broker has said so. */
  reasonToWait(): string | undefined {
    const leftMs = Math.ceil(this.#mutedUntil - performance.now());
    return leftMs > 0 ? `Kafka takes nothing more for ${leftMs} ms: the client is over its quota` : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#connection[Symbol.asyncDispose]();
    await this.#running;
  }

  async #run(): Promise<void> {
    // What is submitted in the same turn travels together; and whoever got an answer may bring more.
    for (await turn(); this.#hasToDo() && !this.#closing.signal.aborted; await turn()) {
      await this.#step();
    }
    this.#running = undefined;
  }

  /** A broker that did not answer is tried until it does: events that may go elsewhere do so until then. */
  #hasToDo(): boolean {
    if (this.#ready.size > 0) return true;
    return this.#failure !== undefined && this.#owner.addressOf(this.broker) !== undefined;
  }

  async #step(): Promise<void> {
    let dispatches: Dispatch[] = [];
    let connection: BrokerConnection | undefined;
    try {
      await this.#pause();
      connection = await this.#connection.acquire(this.#closing.signal);
      await this.#giveIds();
      dispatches = this.#gather();
      if (dispatches.length === 0) return this.#recover();
      const timeoutMs = REPLICATE_MS + backoffBoundMs(ANSWERS, this.#unanswered + 1);
      const request = produceRequest(dispatches, REPLICATE_MS);
      const sentAt = performance.now();
      const answer = await connection.ask(produce, () => request, timeoutMs);
      const answeredAt = performance.now();
      this.#recover();
      if (answer.throttleMs > 0) this.#mutedUntil = answeredAt + answer.throttleMs;
      this.#owner.onAnswer(this, dispatches, answer, answeredAt - sentAt);
    } catch (error) {
      const failure = asDeliveryError(error);
      if (connection !== undefined) this.#connection.drop(connection, failure);
      this.#fail(failure, dispatches);
    }
  }

  #recover(): void {
    this.#failure = undefined;
    this.#unanswered = 0;
  }

  #fail(error: DeliveryError, dispatches: readonly Dispatch[]): void {
    if (this.#closing.signal.aborted) return;
    if (dispatches.length > 0) this.#unanswered++;
    this.#failure = ofOneBroker(error);
    for (const { queue } of dispatches) this.#ready.add(queue);
    for (const queue of this.#ready) queue.reason = this.#failure;
    this.#owner.onFailure(this);
  }

  /** Leaves the broker alone for as long as it wants, or after it did not answer. */
  async #pause(): Promise<void> {
    const milliseconds = Math.max(this.#connection.pauseMs, this.#mutedUntil - performance.now());
    if (milliseconds > 0) await pause(milliseconds, this.#closing.signal);
  }

  async #open({ signal, lost }: Opening): Promise<BrokerConnection> {
    const address = this.#owner.addressOf(this.broker);
    if (address === undefined) {
      throw new DeliveryError("output_unavailable", `The cluster has no broker ${this.broker}`);
    }
    const connection = await this.#owner.open(address, signal);
    void connection.closed.then(lost);
    return connection;
  }

  async #giveIds(): Promise<void> {
    for (const queue of this.#ready) {
      queue.dropAbandoned();
      const generation = queue.needsIdAfter;
      if (generation !== undefined) queue.useProducer(await this.#owner.ids.newerThan(generation));
    }
  }

  #gather(): Dispatch[] {
    const dispatches: Dispatch[] = [];
    let bytes = 0;
    for (const queue of this.#ready) {
      if (bytes > REQUEST_BYTES) break;
      queue.dropAbandoned();
      // Its batch was abandoned just now: the next one needs another id.
      if (queue.needsIdAfter !== undefined) continue;
      this.#ready.delete(queue);
      const batch = queue.take();
      if (batch === undefined) queue.isScheduled = false;
      else {
        dispatches.push({ queue, batch });
        bytes += batch.size;
      }
    }
    return dispatches;
  }
}
