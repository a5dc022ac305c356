/**
 * Answers to range requests, read from their bytes key by key. A list of everything is by far the largest
 * piece of work here: objects for all keys of a page at once, each with buffers for key and value, would
 * take more time than everything else that is done with most of them, and keep the garbage collector busy
 * while requests wait.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import protobuf from "protobufjs/minimal";
import { asBuffer, type EtcdHeader, type EtcdKeyValue, readHeader, readKeyValue } from "./fields.ts";

/** Fields of `RangeResponse`. */
const HEADER = 1;
const KEY_VALUES = 2;
const MORE = 3;

const NO_BYTES = Buffer.alloc(0);

/** One answer: some keys in order. */
export class EtcdPage implements Disposable {
  readonly header: EtcdHeader;
  /** Whether the range has more keys than were asked for. */
  readonly more: boolean;
  #bytes: Buffer;
  /** Where the message of each key begins. */
  #starts: readonly number[];

  private constructor(bytes: Buffer, header: EtcdHeader, starts: readonly number[], more: boolean) {
    this.#bytes = bytes;
    this.header = header;
    this.#starts = starts;
    this.more = more;
  }

  /**
   * Reads all but the keys.
   *
   * @throws {Error} when the bytes are no `RangeResponse`
   */
  static decode(bytes: Uint8Array): EtcdPage {
    const reader = protobuf.Reader.create(bytes);
    const starts: number[] = [];
    let header: EtcdHeader = { clusterId: "0", revision: 0, term: 0 };
    let more = false;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      switch (tag >>> 3) {
        case HEADER:
          header = readHeader(reader);
          break;
        case KEY_VALUES:
          starts.push(reader.pos);
          reader.skipType(tag & 7);
          break;
        case MORE:
          more = reader.bool();
          break;
        default:
          reader.skipType(tag & 7);
      }
    }
    return new EtcdPage(asBuffer(bytes), header, starts, more);
  }

  /**
   * Lets go of the bytes: the page has no keys any more. The runtime keeps a finished call, and with it its
   * answer, until the whole heap is collected, which may take many pages.
   */
  [Symbol.dispose](): void {
    this.#bytes = NO_BYTES;
    this.#starts = [];
  }

  /** How many keys it has. */
  get size(): number {
    return this.#starts.length;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** The last key. */
  get last(): EtcdKeyValue | undefined {
    const start = this.#starts.at(-1);
    return start === undefined
      ? undefined
      : readKeyValue(protobuf.Reader.create(this.#bytes), this.#bytes, start);
  }

  /** Some of the keys, or all, read as they are asked for. */
  *keys(from = 0, to: number = this.size): Generator<EtcdKeyValue, void> {
    const reader = protobuf.Reader.create(this.#bytes);
    for (let index = from; index < Math.min(to, this.size); index++) {
      yield readKeyValue(reader, this.#bytes, this.#starts[index]!);
    }
  }
}
