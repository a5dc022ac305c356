/**
 * One event as a record on its way to a topic.
 *
 * @module
 */

import { varintSize } from "./varint.ts";

/** What a record is made of. */
export interface KafkaRecord {
  readonly topic: string;
  /** Where to, whatever the key. `undefined`: the partition that the key decides, or any when there is none. */
  readonly partition: number | undefined;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
  /** Names and values in turn. Each character stands for one byte. */
  readonly headers: readonly string[];
}

/** How many bytes a record takes in a batch, but for what depends on its place in there. */
export function sizeOfRecord({ key, value, headers }: KafkaRecord): number {
  let size = FIXED + sizedBytes(key?.byteLength ?? -1) + sizedBytes(value.byteLength) +
    varintSize(headers.length / 2);
  for (const text of headers) size += sizedBytes(text.length);
  return size;
}

/** Attributes, and the difference of the time to that of the batch, which is none. */
const FIXED = 2;

function sizedBytes(length: number): number {
  return varintSize(length) + Math.max(0, length);
}
