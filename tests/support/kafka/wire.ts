/**
 * The primitive types of the Kafka protocol, as far as the requests that a front of the brokers looks into
 * have them.
 *
 * @see https://kafka.apache.org/protocol.html#protocol_types
 * @module
 */

/** Reads one request or answer from its beginning. */
export class WireReader {
  readonly #view: DataView;
  #position = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  int16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : new TextDecoder().decode(this.#take(length));
  }

  /** The bytes of a value whose length comes first. */
  sized(): Uint8Array {
    return this.#take(this.int32());
  }

  array<Item>(item: () => Item): Item[] {
    return Array.from({ length: this.int32() }, item);
  }

  /** All that has not been read. */
  rest(): Uint8Array {
    return this.bytes.subarray(this.#position);
  }

  #take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  #advance(length: number): number {
    const position = this.#position;
    this.#position += length;
    return position;
  }
}

/** Writes one request or answer. */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];

  int16(value: number): this {
    const bytes = new Uint8Array(2);
    new DataView(bytes.buffer).setInt16(0, value);
    return this.raw(bytes);
  }

  int32(value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value);
    return this.raw(bytes);
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = new TextEncoder().encode(value);
    return this.int16(bytes.length).raw(bytes);
  }

  sized(bytes: Uint8Array): this {
    return this.int32(bytes.length).raw(bytes);
  }

  array<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.int32(items.length);
    items.forEach(write);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  /** The bytes so far. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let position = 0;
    for (const part of this.#parts) {
      bytes.set(part, position);
      position += part.length;
    }
    return bytes;
  }
}

/** Cuts a stream into messages, each of which comes after its length. */
export class Frames {
  #buffered: Uint8Array = new Uint8Array();

  /** Takes what has arrived and returns the messages that are complete. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#buffered = new WireWriter().raw(this.#buffered).raw(chunk).bytes();
    const messages: Uint8Array[] = [];
    while (this.#buffered.length >= 4) {
      const end = 4 + new WireReader(this.#buffered).int32();
      if (this.#buffered.length < end) break;
      messages.push(this.#buffered.subarray(4, end));
      this.#buffered = this.#buffered.subarray(end);
    }
    return messages;
  }
}
