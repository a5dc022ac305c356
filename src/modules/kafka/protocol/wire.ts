/**
 * The primitive types of the Kafka protocol.
 *
 * @see https://kafka.apache.org/protocol.html#protocol_types
 * @module
 */

import { Buffer } from "node:buffer";

const SMALLEST = 128;

/** Writes a request, or the part of one before its records. */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(SMALLEST);
  #size = 0;

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /** `BOOLEAN` */
  boolean(value: boolean): this {
    const position = this.#advance(1);
    this.#buffer.writeInt8(value ? 1 : 0, position);
    return this;
  }

  /** `INT16` */
  int16(value: number): this {
    const position = this.#advance(2);
    this.#buffer.writeInt16BE(value, position);
    return this;
  }

  /** `INT32`, and the length of an `ARRAY` */
  int32(value: number): this {
    const position = this.#advance(4);
    this.#buffer.writeInt32BE(value, position);
    return this;
  }

  /** `NULLABLE_STRING`, and `STRING` */
  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const size = Buffer.byteLength(value);
    this.int16(size);
    const position = this.#advance(size);
    this.#buffer.write(value, position);
    return this;
  }

  /** `BYTES` */
  bytes(value: Uint8Array): this {
    this.int32(value.byteLength);
    const position = this.#advance(value.byteLength);
    this.#buffer.set(value, position);
    return this;
  }

  /** Copies what was written so far to the beginning of `target`. */
  copyTo(target: Uint8Array, offset: number): void {
    target.set(this.#buffer.subarray(0, this.#size), offset);
  }

  /** Makes room, which may move the buffer, and returns where it begins. */
  #advance(bytes: number): number {
    const position = this.#size;
    this.#size += bytes;
    if (this.#size > this.#buffer.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(this.#size, 2 * this.#buffer.byteLength));
      larger.set(this.#buffer.subarray(0, position));
      this.#buffer = larger;
    }
    return position;
  }
}

/** Reads an answer from its beginning. Reading beyond its end throws a `RangeError`. */
export class WireReader {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** `BOOLEAN` */
  boolean(): boolean {
    return this.#buffer.readInt8(this.#advance(1)) !== 0;
  }

  /** `INT16` */
  int16(): number {
    return this.#buffer.readInt16BE(this.#advance(2));
  }

  /** `INT32` */
  int32(): number {
    return this.#buffer.readInt32BE(this.#advance(4));
  }

  /** `INT64` */
  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#advance(8));
  }

  /** `NULLABLE_STRING`, and `STRING` */
  string(): string | null {
    const size = this.int16();
    if (size < 0) return null;
    const start = this.#advance(size);
    return this.#buffer.toString("utf8", start, start + size);
  }

  /** `BYTES` */
  bytes(): Uint8Array {
    const size = this.int32();
    const start = this.#advance(size);
    return this.#buffer.subarray(start, start + size);
  }

  /** `ARRAY`; a null one counts as empty. */
  array<Item>(item: () => Item): Item[] {
    const items: Item[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(item());
    return items;
  }

  #advance(bytes: number): number {
    const position = this.#position;
    if (bytes < 0 || position + bytes > this.#buffer.byteLength) {
      throw new RangeError("The broker's answer ends early");
    }
    this.#position += bytes;
    return position;
  }
}
