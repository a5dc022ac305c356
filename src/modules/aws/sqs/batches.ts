/**
 * How messages go together in requests.
 *
 * @module
 */

import type { Message } from "./message.ts";

/** Most messages of one request. */
export const MAX_BATCH = 10;

/** Largest message, and largest batch, of a queue that does not say otherwise, in bytes. */
export const MAX_BYTES = 1024 * 1024;

/** Every queue takes batches of this size, however small its messages have to be, in bytes. */
const ALWAYS_TAKEN_BYTES = 256 * 1024;

/**
 * Packs messages, in their order, into batches that SQS takes.
 *
 * @param maxMessageBytes of the queue; none of the messages is larger
 */
export function packBatches(
  messages: readonly Message[],
  maxMessageBytes: number,
): readonly (readonly Message[])[] {
  const maxBytes = Math.max(maxMessageBytes, ALWAYS_TAKEN_BYTES);
  const batches: Message[][] = [];
  let room = 0;
  for (const message of messages) {
    const batch = batches.at(-1);
    if (batch !== undefined && batch.length < MAX_BATCH && message.bytes <= room) batch.push(message);
    else {
      batches.push([message]);
      room = maxBytes;
    }
    room -= message.bytes;
  }
  return batches;
}

/** The request that sends a batch. Messages have the numbers of their places as their ids. */
export function batchRequest(queueUrl: string, batch: readonly Message[]): string {
  const entries = batch.map(({ json }, index) => `{"Id":"${index}",${json}}`);
  return `{"QueueUrl":${JSON.stringify(queueUrl)},"Entries":[${entries.join(",")}]}`;
}
