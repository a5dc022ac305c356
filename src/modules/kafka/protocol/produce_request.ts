/**
 * A request that hands batches over. The batches are written where they are sent from, so that bodies are
 * copied once.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Outgoing } from "../producer/broker_connection.ts";
import type { Batch, PartitionQueue } from "../producer/partition_queue.ts";
import { WireWriter } from "./wire.ts";

/** All replicas that are in step, as many as the topic's `min.insync.replicas` asks for. */
const ALL_REPLICAS = -1;

/** A batch on its way, and where it comes from. */
export interface Dispatch {
  readonly queue: PartitionQueue;
  readonly batch: Batch;
}

/**
 * Makes the request. From when its body is written, the broker may have it.
 *
 * @param replicateMs how long the broker waits for replicas before it says that they are late
 */
export function produceRequest(dispatches: readonly Dispatch[], replicateMs: number): Outgoing {
  const topics = new Map<string, Dispatch[]>();
  for (const dispatch of dispatches) {
    const ofTopic = topics.get(dispatch.queue.topic);
    if (ofTopic === undefined) topics.set(dispatch.queue.topic, [dispatch]);
    else ofTopic.push(dispatch);
  }
  let bodySize = 0;
  for (const [topic, ofTopic] of topics) {
    bodySize += TOPIC_SIZE + topic.length + ofTopic.length * PARTITION_SIZE;
    for (const { batch } of ofTopic) bodySize += batch.size;
  }
  return {
    head: new WireWriter().string(null).int16(ALL_REPLICAS).int32(replicateMs).int32(topics.size),
    bodySize,
    writeBody: (target) => writeTopics(Buffer.from(target.buffer, target.byteOffset, bodySize), topics),
  };
}

/**
 * A request that a broker carries out as far as to look at the topic and the user's rights, and then refuses for what it
 * hands over: one record in the form from before 0.11, which requests of these versions may not hold.
 */
export function refusedProduceRequest(topic: string, partition: number): Outgoing {
  const head = new WireWriter().string(null).int16(ALL_REPLICAS).int32(0);
  head.int32(1).string(topic).int32(1).int32(partition).int32(OLD_RECORD_SIZE);
  return {
    head,
    bodySize: OLD_RECORD_SIZE,
    writeBody: (target) => {
      const record = Buffer.from(target.buffer, target.byteOffset, OLD_RECORD_SIZE).fill(0);
      record.writeInt32BE(OLD_RECORD_SIZE - OLD_RECORD_HEAD, 8);
      record.writeInt8(OLD_RECORD_MAGIC, 16);
      record.writeInt32BE(-1, OLD_RECORD_SIZE - 8); // No key.
      record.writeInt32BE(-1, OLD_RECORD_SIZE - 4); // No value.
    },
  };
}

/** A place in the partition and the length of the rest. */
const OLD_RECORD_HEAD = 8 + 4;

/** Besides, a checksum, two bytes of which the first is the form's number, a time, and the lengths of key and value. */
const OLD_RECORD_SIZE = OLD_RECORD_HEAD + 4 + 2 + 8 + 4 + 4;
const OLD_RECORD_MAGIC = 1;

/** The lengths of name and list; the number of a partition and the length of its batch. */
const TOPIC_SIZE = 2 + 4;
const PARTITION_SIZE = 4 + 4;

function writeTopics(target: Buffer, topics: ReadonlyMap<string, readonly Dispatch[]>): void {
  let offset = 0;
  for (const [topic, dispatches] of topics) {
    // Names of topics are ASCII.
    offset = target.writeInt16BE(topic.length, offset);
    offset += target.write(topic, offset, "latin1");
    offset = target.writeInt32BE(dispatches.length, offset);
    for (const { queue, batch } of dispatches) {
      offset = target.writeInt32BE(queue.partition, offset);
      offset = target.writeInt32BE(batch.size, offset);
      batch.writeTo(target.subarray(offset, offset + batch.size));
      batch.unsureTries++;
      offset += batch.size;
    }
  }
}
