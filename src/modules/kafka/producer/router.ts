/**
 * Brings the queues of partitions to the senders of the brokers that lead them, and acts on the answers.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import { asDeliveryError, judgeAnswer, noLeader } from "../errors.ts";
import { BrokerSender, type SenderOwner } from "./broker_sender.ts";
import type { Cluster } from "./cluster.ts";
import type { ConnectionLog } from "../../../io/connection.ts";
import type { OpenConnection } from "../protocol/control.ts";
import type { Entry, EntryQueue } from "./entry.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import type { Dispatch } from "../protocol/produce_request.ts";
import type { ProducerIds } from "./producer_ids.ts";
import type { PartitionAnswer, ProduceAnswer } from "../protocol/requests.ts";
import { pause } from "../../../time/abortable.ts";

/** How often leaders are asked for while some are missing or do not answer, in milliseconds. */
const WATCH_MS = 200;

/** How long a partition that was not where it should be is left alone, unless another broker gets it. */
const SETTLE_MS = 150;

/** Replicas that have a batch within this time hold nobody up, in milliseconds. */
const QUICK_MS = 500;

const REQUEST_TIMED_OUT = 7;

/** Gives a record another partition, which it may have. */
export type Replace = (entry: Entry) => void;

/** What happens that an operator wants to know. */
export interface Events {
  /** Where is said that a broker is down, or back. */
  readonly log: ConnectionLog;
  /** A broker wants to be left alone for so many milliseconds. */
  throttled(broker: number, milliseconds: number): void;
}

/** A queue whose partition was not where it should be. */
interface Lost {
  /** The broker that does not lead the partition any more; `undefined` where none is known. */
  readonly from: number | undefined;
  /** When it is sent there again, if the cluster still names it, by `performance.now()`. */
  readonly until: number;
}

/** Knows where every queue is, and that none stays where it cannot be sent. */
export class Router implements SenderOwner, AsyncDisposable {
  readonly ids: ProducerIds;
  readonly open: OpenConnection;
  readonly log: ConnectionLog;
  readonly #cluster: Cluster;
  readonly #events: Events;
  readonly #replace: Replace;
  /** By the broker's number: for usual partitions, and for those with slow replicas. */
  readonly #senders = new Map<number, BrokerSender>();
  readonly #slowSenders = new Map<number, BrokerSender>();
  readonly #lost = new Map<PartitionQueue, Lost>();
  readonly #closing = new AbortController();
  #watching: Promise<void> | undefined;

  constructor(
    cluster: Cluster,
    ids: ProducerIds,
    open: OpenConnection,
    events: Events,
    replace: Replace,
  ) {
    this.#replace = replace;
    this.#cluster = cluster;
    this.ids = ids;
    this.open = open;
    this.#events = events;
    this.log = events.log;
  }

  addressOf(broker: number): string | undefined {
    return this.#cluster.addressOf(broker);
  }

  /** Whether a broker did not answer when it was sent to last. */
  isFailing(broker: number): boolean {
    return this.#senders.get(broker)?.failure !== undefined;
  }

  /** Has what is in the queue sent, or fails it. */
  route(queue: PartitionQueue): void {
    queue.isScheduled = true;
    const topic = this.#cluster.topic(queue.topic);
    const leader = topic.failure === undefined ? topic.leaderOf(queue.partition) : undefined;
    if (leader === undefined) this.#lose(queue, undefined, 0);
    else this.#senderOf(leader, queue.isSlow).add(queue);
  }

  /** Why what is in a queue has not been taken. */
  reasonToWait(queue: EntryQueue): DeliveryError {
    if (queue.reason !== undefined) return queue.reason;
    const leader = this.#cluster.topic(queue.topic).leaderOf(queue.partition) ?? -1;
    const text = this.#senders.get(leader)?.reasonToWait() ??
      `Kafka broker ${this.addressOf(leader) ?? leader} did not take the event in time`;
    return new DeliveryError("output_timeout", text, { isPartial: true });
  }

  onAnswer(
    sender: BrokerSender,
    dispatches: readonly Dispatch[],
    answer: ProduceAnswer,
    tookMs: number,
  ): void {
    if (answer.throttleMs > 0) this.#events.throttled(sender.broker, answer.throttleMs);
    const answers = new Map(answer.partitions.map((one) => [`${one.topic}/${one.partition}`, one]));
    for (const dispatch of dispatches) {
      const { queue, batch } = dispatch;
      if (queue.batch !== batch) continue; // Failed with everything else, since the producer was closed.
      const found = answers.get(`${queue.topic}/${queue.partition}`);
      if (found?.error !== 0) {
        this.#onError(sender, dispatch, found ?? notMentioned(queue));
        continue;
      }
      queue.reason = undefined;
      if (tookMs < QUICK_MS) queue.isSlow = false;
      queue.complete();
      this.#goOn(queue);
    }
  }

  onFailure(sender: BrokerSender): void {
    for (const queue of sender.ready) this.#replaceFree(queue);
    this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const senders = [...this.#senders.values(), ...this.#slowSenders.values()];
    await Promise.all(senders.map((sender) => sender[Symbol.asyncDispose]()));
    await this.#watching;
  }

  #onError(
    { broker }: BrokerSender,
    { queue, batch }: Dispatch,
    { error: code, message }: PartitionAnswer,
  ): void {
    const { error, then } = judgeAnswer(code, message);
    queue.reason = error;
    // Whatever became of earlier tries, this one did not write it.
    if (then !== "unsure") batch.unsureTries--;
    if (then === "stored") queue.complete();
    else if (then === "split") queue.split(error);
    else if (then === "reject" || then === "renumber") queue.giveUp(error);
    else if (then === "fail" && !batch.isUnsure) queue.giveUp(error);
    else if (code === REQUEST_TIMED_OUT) queue.isSlow = true;
    else return this.#lose(queue, broker, performance.now() + SETTLE_MS);
    this.#goOn(queue);
  }

  /** What waits behind a broker that does not answer, and need not, goes to others. */
  #replaceFree(queue: PartitionQueue): void {
    const { leaders } = this.#cluster.topic(queue.topic);
    if (!leaders.some((leader) => leader >= 0 && !this.isFailing(leader))) return;
    for (const entry of queue.releaseFree()) this.#replace(entry);
  }

  #goOn(queue: PartitionQueue): void {
    if (queue.isEmpty) queue.isScheduled = false;
    else this.route(queue);
  }

  #senderOf(broker: number, isSlow: boolean): BrokerSender {
    const senders = isSlow ? this.#slowSenders : this.#senders;
    let sender = senders.get(broker);
    if (sender === undefined) senders.set(broker, sender = new BrokerSender(broker, isSlow, this));
    return sender;
  }

  #lose(queue: PartitionQueue, from: number | undefined, until: number): void {
    this.#lost.set(queue, { from, until });
    this.#watch();
  }

  #watch(): void {
    this.#watching ??= this.#follow().finally(() => this.#watching = undefined);
  }

  /** Asks for leaders until every queue is with a broker that answers. */
  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    for (let pauseMs = 0; !signal.aborted && this.#isAnyStuck(); pauseMs = WATCH_MS) {
      if (pauseMs > 0) await pause(pauseMs, signal);
      const error = await this.#refresh();
      if (signal.aborted) return;
      for (const [queue, lost] of this.#lost) this.#find(queue, lost, error);
      for (const sender of this.#stuckSenders()) {
        for (const queue of sender.ready) this.#reconsider(sender, queue, error);
      }
    }
  }

  async #refresh(): Promise<DeliveryError | undefined> {
    try {
      await this.#cluster.refresh();
      return undefined;
    } catch (error) {
      return asDeliveryError(error);
    }
  }

  #isAnyStuck(): boolean {
    return this.#lost.size > 0 || this.#stuckSenders().some(({ ready }) => !isEmpty(ready));
  }

  #stuckSenders(): BrokerSender[] {
    return [...this.#senders.values(), ...this.#slowSenders.values()]
      .filter(({ failure }) => failure !== undefined);
  }

  #find(queue: PartitionQueue, { from, until }: Lost, unreachable: DeliveryError | undefined): void {
    if (this.#isAbandoned(queue)) return void this.#lost.delete(queue);
    const leader = this.#leaderOf(queue, unreachable);
    if (leader instanceof DeliveryError) {
      if (this.#failUnwritten(queue, leader)) this.#lost.delete(queue);
    } else if (leader !== from || performance.now() >= until) {
      this.#lost.delete(queue);
      this.#senderOf(leader, queue.isSlow).add(queue);
    }
  }

  #reconsider(sender: BrokerSender, queue: PartitionQueue, unreachable: DeliveryError | undefined): void {
    if (this.#isAbandoned(queue)) return sender.remove(queue);
    const leader = this.#leaderOf(queue, unreachable);
    if (leader instanceof DeliveryError) {
      if (this.#failUnwritten(queue, leader)) sender.remove(queue);
    } else if (leader !== sender.broker) {
      sender.remove(queue);
      this.#senderOf(leader, queue.isSlow).add(queue);
    }
  }

  /** The broker to send to, or why there is none. */
  #leaderOf(queue: PartitionQueue, unreachable: DeliveryError | undefined): number | DeliveryError {
    if (unreachable !== undefined) return unreachable;
    const topic = this.#cluster.topic(queue.topic);
    if (topic.failure !== undefined) return topic.failure;
    return topic.leaderOf(queue.partition) ?? noLeader(queue.partition, topic.leaders.length);
  }

  /** Returns whether nobody waits for anything in the queue, which then needs no broker. */
  #isAbandoned(queue: PartitionQueue): boolean {
    queue.dropAbandoned();
    if (queue.load.records > 0 || queue.batch !== undefined) return false;
    queue.isScheduled = false;
    return true;
  }

  /** Returns whether nothing is left. */
  #failUnwritten(queue: PartitionQueue, error: DeliveryError): boolean {
    queue.reason = error;
    queue.failUnwritten(error);
    if (queue.isEmpty) queue.isScheduled = false;
    return queue.isEmpty;
  }
}

function isEmpty(items: Iterable<unknown>): boolean {
  for (const _ of items) return false;
  return true;
}

/** A broker that does not mention a batch has taken it, or not. */
function notMentioned({ topic, partition }: PartitionQueue): PartitionAnswer {
  return { topic, partition, error: NETWORK_EXCEPTION, message: "the broker's answer does not mention it" };
}

const NETWORK_EXCEPTION = 13;
