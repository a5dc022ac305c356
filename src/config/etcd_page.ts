/**
 * Answers to range requests, read from their bytes key by key. A list of everything is by far the largest
 * piece of work here: objects for all keys of a page at once, each with buffers for key and value, would
 * take more time than everything else that is done with most of them, and keep the garbage collector busy
 * while requests wait.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @see https://github.com/etcd-io/etcd/blob/release-3.5/api/etcdserverpb/rpc.proto
 * @module
 */

import { Buffer } from "node:buffer";
import protobuf from "protobufjs/minimal";
import { hashBytes } from "./etcd_hash.ts";
import type { EtcdHeader } from "./etcd_header.ts";
import type { KeySpace } from "./etcd_keys.ts";
import { type EtcdValue, readEtcdValue } from "./etcd_value.ts";

/** Fields of `RangeResponse`. */
const HEADER = 1;
const KEY_VALUES = 2;
const MORE = 3;

/** Fields of `ResponseHeader`. */
const CLUSTER_ID = 1;
const REVISION = 3;
const RAFT_TERM = 4;

/** Fields of `KeyValue`. */
const KEY = 1;
const MOD_REVISION = 3;
const VALUE = 5;

const NO_BYTES = Buffer.alloc(0);

/** One key of a page. It keeps the whole page in memory, so take from it what is needed and let it go. */
export class ListedKey {
  constructor(
    readonly bytes: Buffer,
    private readonly keyStart: number,
    private readonly keyEnd: number,
    /** etcd's mod_revision. */
    readonly revision: number,
    private readonly valueStart: number,
    private readonly valueEnd: number,
  ) {}

  get key(): Buffer {
    return this.bytes.subarray(this.keyStart, this.keyEnd);
  }

  /** {@linkcode KeySpace.nameOf} the key. */
  nameIn(keySpace: KeySpace): string {
    return keySpace.nameOf(this.bytes, this.keyStart, this.keyEnd);
  }

  /** {@linkcode hashBytes} of the value. */
  hashValue(): number {
    return hashBytes(this.bytes, this.valueStart, this.valueEnd);
  }

  readValue(): EtcdValue {
    return readEtcdValue(this.bytes, this.valueStart, this.valueEnd);
  }
}

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
  get last(): ListedKey | undefined {
    const start = this.#starts.at(-1);
    return start === undefined ? undefined : readKey(protobuf.Reader.create(this.#bytes), this.#bytes, start);
  }

  /** Some of the keys, or all, read as they are asked for. */
  *keys(from = 0, to: number = this.size): Generator<ListedKey, void> {
    const reader = protobuf.Reader.create(this.#bytes);
    for (let index = from; index < Math.min(to, this.size); index++) {
      yield readKey(reader, this.#bytes, this.#starts[index]!);
    }
  }
}

function readHeader(reader: protobuf.Reader): EtcdHeader {
  const end = endOfMessage(reader);
  let clusterId = "0";
  let revision = 0;
  let term = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case CLUSTER_ID:
        clusterId = toText(reader.uint64());
        break;
      case REVISION:
        revision = toNumber(reader.uint64());
        break;
      case RAFT_TERM:
        term = toNumber(reader.uint64());
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return { clusterId, revision, term };
}

function readKey(reader: protobuf.Reader, bytes: Buffer, start: number): ListedKey {
  reader.pos = start;
  const end = endOfMessage(reader);
  let keyStart = 0;
  let keyEnd = 0;
  let revision = 0;
  let valueStart = 0;
  let valueEnd = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case KEY:
        keyEnd = endOfMessage(reader);
        keyStart = reader.pos;
        reader.pos = keyEnd;
        break;
      case MOD_REVISION:
        revision = toNumber(reader.uint64());
        break;
      case VALUE:
        valueEnd = endOfMessage(reader);
        valueStart = reader.pos;
        reader.pos = valueEnd;
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return new ListedKey(bytes, keyStart, keyEnd, revision, valueStart, valueEnd);
}

/** Reads the length of an embedded message or of some bytes; returns where they end. */
function endOfMessage(reader: protobuf.Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

type Uint64 = ReturnType<protobuf.Reader["uint64"]>;

/** Exact up to 2^53. */
function toNumber(value: Uint64): number {
  return typeof value === "number" ? value : (value.high >>> 0) * 2 ** 32 + (value.low >>> 0);
}

function toText(value: Uint64): string {
  if (typeof value === "number") return String(value);
  return String((BigInt(value.high >>> 0) << 32n) + BigInt(value.low >>> 0));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
