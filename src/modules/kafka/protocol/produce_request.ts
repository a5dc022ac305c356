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
