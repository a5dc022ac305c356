/**
 * Records in the form that kafkajs takes, each with what became of it.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Message, TopicMessages } from "kafkajs";
import { DeliveryError } from "../errors.ts";
import type { KafkaRecord } from "./kafka_producer.ts";
import type { ChoosePartition } from "./kafkajs_client.ts";
import { AnsweredMessage } from "./kafkajs_repairs.ts";
import type { DeliveryResult } from "./module.ts";

/** A record as kafkajs takes it. */
export class OutgoingMessage extends AnsweredMessage implements Message {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Record<string, string | Buffer>;
  /** Set when it is chosen, so that each further try goes to the same one. */
  partition?: number;

  /** @param result what became of it, as soon as that is known */
  constructor(readonly record: KafkaRecord, public result: DeliveryResult | undefined) {
    super();
    this.key = record.key;
    this.value = record.value;
    this.headers = record.headers;
  }

  get topic(): string {
    return this.record.topic;
  }

  /** Equal for messages between which Kafka keeps the order, once their partitions are chosen. */
  get place(): string {
    return `${this.record.topic}/${this.partition ?? this.record.partition}`;
  }
}

/** A record names a partition that its topic does not have. kafkajs would drop it without a word. */
export class MissingPartitionError extends Error {
  override readonly name = "MissingPartitionError";

  /** @param partitions how many the topic has */
  constructor(readonly topic: string, readonly partitions: number) {
    super(`Topic ${topic} has ${partitions} partitions`);
  }
}

/**
 * Chooses once for each message. Without that a second try without a key goes to another partition, and
 * kafkajs loses it where it believes that broker to have answered already.
 *
 * @throws {MissingPartitionError} when the record names a partition that is not there
 */
export function choosingOnce(choose: ChoosePartition): ChoosePartition {
  return (args) => {
    const message = args.message as OutgoingMessage;
    const { partition } = message.record;
    const partitions = args.partitionMetadata.length;
    if (partition !== undefined && partition >= partitions) {
      throw new MissingPartitionError(args.topic, partitions);
    }
    return message.partition ??= partition ?? choose(args);
  };
}

/** Puts messages together that fall under the same key, in order. */
export function groupBy(
  messages: readonly OutgoingMessage[],
  keyOf: (message: OutgoingMessage) => string,
): Map<string, OutgoingMessage[]> {
  const groups = new Map<string, OutgoingMessage[]>();
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
  if (held.size === 0) return;
  for (const message of later) message.result ??= held.get(message.place);
}
