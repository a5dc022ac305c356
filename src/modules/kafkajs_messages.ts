/**
 * Records in the form that kafkajs takes, each with what became of it.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Message, TopicMessages } from "kafkajs";
import { DeliveryError } from "../errors.ts";
import type { KafkaRecord } from "./kafka_producer.ts";
import { AnsweredMessage } from "./kafkajs_repairs.ts";
import type { DeliveryResult } from "./module.ts";

/** A record as kafkajs takes it. */
export class OutgoingMessage extends AnsweredMessage implements Message {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Record<string, string | Buffer>;
  /** Chosen once, so that each further try goes to the same one. */
  partition?: number;
  /** The number of the broker that leads the partition. */
  leader?: number;
  readonly #report: (result: DeliveryResult) => void;
  #result: DeliveryResult | undefined;

  /** @param report takes what became of it, as soon as that is known */
  constructor(readonly record: KafkaRecord, report: (result: DeliveryResult) => void) {
    super();
    this.#report = report;
    this.key = record.key;
    this.value = record.value;
    this.headers = record.headers;
    if (record.partition !== undefined) this.partition = record.partition;
  }

  get topic(): string {
    return this.record.topic;
  }

  /** What became of it; `undefined` while that is not known. */
  get result(): DeliveryResult | undefined {
    return this.#result;
  }

  /** Sets the result, unless there is one. */
  settle(result: DeliveryResult): void {
    if (this.#result !== undefined) return;
    this.#result = result;
    this.#report(result);
  }

  /** Equal for messages between which Kafka keeps the order, once their partitions are chosen. */
  get place(): string {
    return `${this.record.topic}/${this.partition}`;
  }
}

/** The messages of which nothing is known yet. */
export function openOnes(messages: readonly OutgoingMessage[]): OutgoingMessage[] {
  return messages.filter(({ result }) => result === undefined);
}

/** Puts messages together that fall under the same key, in order. */
export function groupBy<Key>(
  messages: readonly OutgoingMessage[],
  keyOf: (message: OutgoingMessage) => Key,
): Map<Key, OutgoingMessage[]> {
  const groups = new Map<Key, OutgoingMessage[]>();
  for (const message of messages) {
    const key = keyOf(message);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [message]);
    else group.push(message);
  }
  return groups;
}

/** The messages as kafkajs takes them. */
export function byTopic(messages: readonly OutgoingMessage[]): TopicMessages[] {
  return Array.from(groupBy(messages, ({ topic }) => topic), ([topic, messages]) => ({ topic, messages }));
}

/**
 * Fails what would overtake a message that failed and will be tried again: the later ones of its topic and
 * partition.
 */
export function holdUpFollowers(sent: readonly OutgoingMessage[], later: readonly OutgoingMessage[]): void {
  const held = new Map<string, DeliveryError>();
  for (const { result, place } of sent) {
    if (result instanceof DeliveryError && result.disposition === "retry") held.set(place, result);
  }
  for (const message of later) {
    const error = held.get(message.place);
    if (error !== undefined) message.settle(error);
  }
}
