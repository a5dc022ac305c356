/**
 * Record batches, version 2: what a partition takes and stores as one.
 *
 * @see https://kafka.apache.org/documentation/#recordbatch
 * @module
 */

import { crc32c } from "./crc32c.ts";
import type { KafkaRecord } from "./record.ts";
import { varintSize, writeVarint } from "./varint.ts";

/** Bytes before the first record. */
export const BATCH_HEAD = 61;

/** Where the bytes begin that the checksum is over. */
const CHECKED_FROM = 21;
/** Where the bytes begin that the length counts. */
const COUNTED_FROM = 12;

/** How a broker recognises a batch that it has already. */
export interface BatchIdentity {
  /** -1: it is not recognised. */
  readonly producerId: bigint;
  readonly epoch: number;
  /** The number of the first record within the partition; -1 without a producer id. */
  readonly firstSequence: number;
}

/** The identity of batches that brokers do not recognise. */
export const NO_IDENTITY: BatchIdentity = { producerId: -1n, epoch: -1, firstSequence: -1 };

/** A record with its size, as `sizeOfRecord` counts it. */
export interface SizedRecord {
  readonly record: KafkaRecord;
  readonly size: number;
}

/** How many bytes a record takes at a place in a batch, with its length. */
export function sizeInBatch(size: number, place: number): number {
  const whole = size + varintSize(place);
  return whole + varintSize(whole);
}

/** How many bytes a batch of the records takes. */
export function sizeOfBatch(records: readonly SizedRecord[]): number {
  let bytes = BATCH_HEAD;
  for (let place = 0; place < records.length; place++) bytes += sizeInBatch(records[place]!.size, place);
  return bytes;
}

/**
 * Writes a batch.
 *
 * @param target has exactly the size that `sizeOfBatch` says
 * @param time of all records, in milliseconds since 1970
 */
export function writeBatch(
  target: Uint8Array,
  records: readonly SizedRecord[],
  identity: BatchIdentity,
  time: number,
): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setBigInt64(0, 0n); // Offset of the first record: the broker's to set.
  view.setInt32(8, target.byteLength - COUNTED_FROM);
  view.setInt32(12, -1); // Epoch of the partition's leader: the broker's to set.
  view.setInt8(16, 2);
  view.setInt16(CHECKED_FROM, 0); // No compression, no transaction, time set by the producer.
  view.setInt32(23, records.length - 1);
  view.setBigInt64(27, BigInt(time));
  view.setBigInt64(35, BigInt(time));
  view.setBigInt64(43, identity.producerId);
  view.setInt16(51, identity.epoch);
  view.setInt32(53, identity.firstSequence);
  view.setInt32(57, records.length);
  let offset = BATCH_HEAD;
  for (let place = 0; place < records.length; place++) {
    offset = writeRecord(target, offset, records[place]!, place);
  }
  view.setUint32(17, crc32c(target, CHECKED_FROM));
}

function writeRecord(
  target: Uint8Array,
  start: number,
  { record, size }: SizedRecord,
  place: number,
): number {
  const { key, value, headers } = record;
  let offset = writeVarint(target, start, size + varintSize(place));
  target[offset++] = 0; // Attributes: none are defined.
  target[offset++] = 0; // The batch's own time.
  offset = writeVarint(target, offset, place);
  offset = key === null ? writeVarint(target, offset, -1) : writeBytes(target, offset, key);
  offset = writeBytes(target, offset, value);
  offset = writeVarint(target, offset, headers.length / 2);
  for (let index = 0; index < headers.length; index++) offset = writeText(target, offset, headers[index]!);
  return offset;
}

function writeBytes(target: Uint8Array, start: number, bytes: Uint8Array): number {
  const offset = writeVarint(target, start, bytes.byteLength);
  target.set(bytes, offset);
  return offset + bytes.byteLength;
}

/** Headers are short: for them a loop is faster than a call of the encoder. */
function writeText(target: Uint8Array, start: number, text: string): number {
  const offset = writeVarint(target, start, text.length);
  for (let index = 0; index < text.length; index++) target[offset + index] = text.charCodeAt(index);
  return offset + text.length;
}
