/**
 * What is known of a cluster: its brokers, and who leads the partitions of the topics that events go to.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import { judgeAnswer, keepsTopicClosed, noLeader, type Place } from "../errors.ts";
import { Control, type OpenConnection } from "../protocol/control.ts";
import { refusedProduceRequest } from "../protocol/produce_request.ts";
import {
  type BrokerAddress,
  type ClusterMetadata,
  metadata,
  produce,
  type TopicMetadata,
  writeMetadata,
} from "../protocol/requests.ts";

/** How long a topic that cannot be used is not asked for again, in milliseconds. */
const SHUN_MS = 500;

/** A topic that no event went to for this long is forgotten, in milliseconds. */
const IDLE_MS = 600_000;

/** What is known of one topic. */
export class Topic {
  /** The number of each partition's leader; -1 where there is none. */
  leaders: readonly number[] = [];
  /** Why it cannot be used, if so. */
  failure: DeliveryError | undefined;
  /** When a broker last said something of it, by `performance.now()`. */
  knownAt = -Infinity;
  usedAt = performance.now();

  constructor(readonly name: string) {}

  /** Whether events can be given partitions. */
  get isUsable(): boolean {
    return this.failure === undefined && this.leaders.length > 0;
  }

  /** The broker that leads a partition, by its number; `undefined` when none does, or there is no such partition. */
  leaderOf(partition: number): number | undefined {
    const leader = this.leaders[partition] ?? -1;
    return leader < 0 ? undefined : leader;
  }

  /** @internal */
  learn({ error, partitions }: TopicMetadata): void {
    this.knownAt = performance.now();
    if (error !== 0 || partitions.length === 0) {
      this.failure = judgeAnswer(error === 0 ? NO_PARTITIONS : error).error;
      return;
    }
    this.failure = undefined;
    const leaders: number[] = new Array(Math.max(...partitions.map(({ index }) => index)) + 1).fill(-1);
    for (const { index, leader } of partitions) leaders[index] = leader;
    this.leaders = leaders;
  }
}

/** LEADER_NOT_AVAILABLE: a topic is being made. */
const NO_PARTITIONS = 5;

/** Asks for brokers and topics when they are needed or out of date. */
export class Cluster implements AsyncDisposable {
  readonly #bootstrap: readonly string[];
  readonly #control: Control;
  readonly #maxAgeMs: number;
  readonly #topics = new Map<string, Topic>();
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map();
  #refreshing: Promise<void> | undefined;
  /** Brokers that did not answer last, asked after all others. */
  readonly #isSuspect: (broker: number) => boolean;

  /**
   * @param bootstrap brokers to begin with, as `host:port`
   * @param maxAgeMs how old what is known of a topic may become, in milliseconds
   */
  constructor(
    bootstrap: readonly string[],
    maxAgeMs: number,
    open: OpenConnection,
    isSuspect: (broker: number) => boolean,
  ) {
    this.#bootstrap = bootstrap;
    this.#maxAgeMs = maxAgeMs;
    this.#isSuspect = isSuspect;
    this.#control = new Control(open, () => this.#addresses());
  }

  /** For other questions that any broker can answer. */
  get control(): Control {
    return this.#control;
  }

  /** `host:port` of a broker; `undefined` when the cluster has none of this number. */
  addressOf(broker: number): string | undefined {
    const found = this.#brokers.get(broker);
    return found === undefined ? undefined : `${found.host}:${found.port}`;
  }

  /** A topic, as far as it is known. It is asked for when it is new, and again before it is out of date. */
  topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) this.#topics.set(name, topic = new Topic(name));
    const now = performance.now();
    topic.usedAt = now;
    // In the background: what is known serves until the answer is there.
    if (topic.isUsable && now - topic.knownAt > this.#maxAgeMs / 2) this.refresh().catch(() => {});
    return topic;
  }

  /**
   * Resolves when a broker has said something of the topic.
   *
   * @throws {DeliveryError} when no broker answers
   */
  async load(topic: Topic): Promise<void> {
    // A question under way may have been put before the topic was known.
    for (let round = 0; round < 2 && !isFresh(topic); round++) await this.refresh();
  }

  /**
   * Asks why records for a topic, or one of its partitions, would not be taken; nothing is written.
   *
   * @returns `undefined` when they would be, as far as brokers say so
   * @throws {DeliveryError} when no broker answers
   */
  async failureAt({ topic: name, partition }: Place): Promise<DeliveryError | undefined> {
    const topic = this.topic(name);
    const from = performance.now();
    // A question under way may have been put before the topic was known.
    for (let round = 0; round < 2 && topic.knownAt < from; round++) await this.refresh();
    if (topic.failure !== undefined) return topic.failure;
    const asked = partition ?? Math.max(0, topic.leaders.findIndex((leader) => leader >= 0));
    if (topic.leaderOf(asked) === undefined) return noLeader(asked, topic.leaders.length);
    return await this.#refusalOf(name, asked);
  }

  /** Why nothing may be written to a partition, as far as it can be known. */
  async #refusalOf(topic: string, partition: number): Promise<DeliveryError | undefined> {
    try {
      // Rights are looked at before the record, which is one that no broker takes.
      const { partitions } = await this.#control.ask(produce, () => refusedProduceRequest(topic, partition));
      const refusal = partitions.find(({ error }) => keepsTopicClosed(error));
      return refusal && judgeAnswer(refusal.error, refusal.message).error;
    } catch (error) {
      // Before version 2.4 they end the connection instead.
      if (error instanceof DeliveryError) return undefined;
      throw error;
    }
  }

  /**
   * Asks for the brokers and all topics.
   *
   * @throws {DeliveryError} when no broker answers
   */
  refresh(): Promise<void> {
    return this.#refreshing ??= this.#refresh().finally(() => this.#refreshing = undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control[Symbol.asyncDispose]();
  }

  async #refresh(): Promise<void> {
    const idleSince = performance.now() - IDLE_MS;
    for (const [name, { usedAt }] of this.#topics) if (usedAt < idleSince) this.#topics.delete(name);
    const names = [...this.#topics.keys()];
    this.#learn(await this.#control.ask(metadata, (version) => ({ head: writeMetadata(names, version) })));
  }

  #learn({ brokers, topics }: ClusterMetadata): void {
    // A broker that has just started may not know the others yet.
    if (brokers.length > 0) this.#brokers = new Map(brokers.map((broker) => [broker.id, broker]));
    for (const topic of topics) this.#topics.get(topic.name)?.learn(topic);
  }

  #addresses(): readonly string[] {
    const known = shuffled([...this.#brokers.values()]);
    const addresses = [
      ...known.filter(({ id }) => !this.#isSuspect(id)).map(({ host, port }) => `${host}:${port}`),
      ...shuffled(this.#bootstrap),
      ...known.map(({ host, port }) => `${host}:${port}`),
    ];
    return [...new Set(addresses)];
  }
}

function isFresh({ isUsable, knownAt }: Topic): boolean {
  return isUsable || performance.now() - knownAt < SHUN_MS;
}

/** Shuffled, so that instances do not all begin with the same broker. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
