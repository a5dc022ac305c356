/**
 * What etcd's answers have in common, read from their bytes: whatever is large or comes often is not made into
 * objects first.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @see https://github.com/etcd-io/etcd/blob/release-3.5/api/etcdserverpb/rpc.proto
 * @module
 */

import { Buffer } from "node:buffer";
import protobuf from "protobufjs/minimal";
import { EtcdValue, hashBytes } from "./value.ts";
import type { KeySpace } from "./key_space.ts";

/** Fields of `ResponseHeader`. */
const CLUSTER_ID = 1;
const REVISION = 3;
const RAFT_TERM = 4;

/** Fields of `KeyValue`. */
const KEY = 1;
const CREATE_REVISION = 2;
const MOD_REVISION = 3;
const VALUE = 5;

/** Field of `StatusResponse`. */
const IS_LEARNER = 10;

/** The header of an answer. */
export interface EtcdHeader {
  /** Differs between clusters; a uint64, kept as text. */
  readonly clusterId: string;
  /** Grows with every change in the cluster. At 100,000 changes a second, 2^53 is reached in 2,800 years. */
  readonly revision: number;
  /** Grows with every election. */
  readonly term: number;
}

/** A key of an answer. It keeps the whole answer in memory, so take from it what is needed and let it go. */
export class EtcdKeyValue {
  constructor(
    readonly bytes: Buffer,
    private readonly keyStart: number,
    private readonly keyEnd: number,
    /** etcd's mod_revision. */
    readonly revision: number,
    /** etcd's create_revision. */
    readonly created: number,
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
    return new EtcdValue(this.bytes, this.valueStart, this.valueEnd);
  }
}

/** Reads the header of an answer. */
export function readHeader(reader: protobuf.Reader): EtcdHeader {
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

/** Whether the member that has sent this `StatusResponse` is a learner. */
export function readIsLearner(bytes: Uint8Array): boolean {
  const reader = protobuf.Reader.create(asBuffer(bytes));
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === IS_LEARNER) return reader.bool();
    reader.skipType(tag & 7);
  }
  return false;
}

/** Reads a key that begins, with its length, at `start`. */
export function readKeyValue(reader: protobuf.Reader, bytes: Buffer, start: number): EtcdKeyValue {
  reader.pos = start;
  const end = endOfMessage(reader);
  let keyStart = 0;
  let keyEnd = 0;
  let revision = 0;
  let created = 0;
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
      case CREATE_REVISION:
        created = toNumber(reader.uint64());
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
  return new EtcdKeyValue(bytes, keyStart, keyEnd, revision, created, valueStart, valueEnd);
}

/** Reads the length of an embedded message or of some bytes; returns where they end. */
export function endOfMessage(reader: protobuf.Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

type Uint64 = ReturnType<protobuf.Reader["uint64"]>;

/** Exact up to 2^53. */
export function toNumber(value: Uint64): number {
  return typeof value === "number" ? value : (value.high >>> 0) * 2 ** 32 + (value.low >>> 0);
}

function toText(value: Uint64): string {
  if (typeof value === "number") return String(value);
  const { high, low } = value;
  if (high !== lastId.high || low !== lastId.low) {
    lastId = { high, low, text: String((BigInt(high >>> 0) << 32n) + BigInt(low >>> 0)) };
  }
  return lastId.text;
}

/** Every message of a cluster has the same number, and the arithmetic of such numbers is slow. */
let lastId = { high: 0, low: 0, text: "0" };

/** The same memory as a buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
