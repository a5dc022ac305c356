/**
 * What etcd says on a watch, read from its bytes. Every change of the configuration comes this way, and most on
 * an idle gateway: making an object of each message first, with texts for its large numbers, would take ten times
 * as long, a quarter of all that is done with a change.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import protobuf from "protobufjs/minimal";
import {
  asBuffer,
  endOfMessage,
  type EtcdHeader,
  type EtcdKeyValue,
  readHeader,
  readKeyValue,
  toNumber,
} from "./fields.ts";

/** Fields of `WatchResponse`. */
const HEADER = 1;
const WATCH_ID = 2;
const CREATED = 3;
const CANCELED = 4;
const COMPACT_REVISION = 5;
const CANCEL_REASON = 6;
const EVENTS = 11;

/** Fields of `Event`, and the one of its types that is not `PUT`. */
const TYPE = 1;
const KEY_VALUE = 2;
const DELETE = 1;

/** A change of one key. */
export interface WatchEvent {
  readonly isDelete: boolean;
  /** The key; of a deleted one, without its value, and with the revision that deleted it. */
  readonly keyValue: EtcdKeyValue;
}

/** One message of a watch. */
export interface WatchMessage {
  readonly header: EtcdHeader;
  /** Whether it answers a request for progress, which goes by no watch. */
  readonly isProgressAnswer: boolean;
  /** Whether it confirms the watch. */
  readonly created: boolean;
  /** Whether etcd has ended the watch, or refused it. */
  readonly canceled: boolean;
  /** The revision up to which history is gone, if the watch was canceled for that; otherwise 0. */
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** None: everything up to the header's revision has been sent. */
  readonly events: WatchEvents;
}

/** Changes in the order of their revisions. They are read one by one: the deletion of a range may have any number. */
export interface WatchEvents extends Iterable<WatchEvent> {
  readonly length: number;
  at(index: number): WatchEvent | undefined;
}

/** The events of a message, of which only the places are known until somebody asks for them. */
class EncodedEvents implements WatchEvents {
  readonly #bytes: Buffer;
  readonly #reader: protobuf.Reader;
  readonly #places: readonly number[];

  constructor(bytes: Buffer, places: readonly number[]) {
    this.#bytes = bytes;
    this.#reader = protobuf.Reader.create(bytes);
    this.#places = places;
  }

  get length(): number {
    return this.#places.length;
  }

  /** @throws {Error} when the bytes there are not an `Event` */
  at(index: number): WatchEvent | undefined {
    const place = this.#places.at(index);
    if (place === undefined) return undefined;
    this.#reader.pos = place;
    return readEvent(this.#reader, this.#bytes);
  }

  *[Symbol.iterator](): Generator<WatchEvent, void> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!;
  }
}

const NO_HEADER: EtcdHeader = { clusterId: "0", revision: 0, term: 0 };

/**
 * Reads a `WatchResponse` up to its events.
 *
 * @throws {Error} when the bytes are not a `WatchResponse`
 */
export function decodeWatchMessage(bytes: Uint8Array): WatchMessage {
  const buffer = asBuffer(bytes);
  const reader = protobuf.Reader.create(buffer);
  const places: number[] = [];
  let header = NO_HEADER;
  let isProgressAnswer = false;
  let created = false;
  let canceled = false;
  let compactRevision = 0;
  let cancelReason = "";
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case HEADER:
        header = readHeader(reader);
        break;
      case WATCH_ID:
        // Only an answer that belongs to no watch has a negative id.
        isProgressAnswer = toNumber(reader.uint64()) >= 2 ** 63;
        break;
      case CREATED:
        created = reader.bool();
        break;
      case CANCELED:
        canceled = reader.bool();
        break;
      case COMPACT_REVISION:
        compactRevision = toNumber(reader.uint64());
        break;
      case CANCEL_REASON:
        cancelReason = reader.string();
        break;
      case EVENTS:
        places.push(reader.pos);
        reader.skipType(tag & 7);
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  const events = new EncodedEvents(buffer, places);
  return { header, isProgressAnswer, created, canceled, compactRevision, cancelReason, events };
}

function readEvent(reader: protobuf.Reader, bytes: Buffer): WatchEvent {
  const end = endOfMessage(reader);
  let isDelete = false;
  let keyValue: EtcdKeyValue | undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case TYPE:
        isDelete = reader.uint32() === DELETE;
        break;
      case KEY_VALUE:
        keyValue = readKeyValue(reader, bytes, reader.pos);
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  if (keyValue === undefined) throw new Error("etcd has sent an event without a key");
  return { isDelete, keyValue };
}
