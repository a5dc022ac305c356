/**
 * Events as the bytes that stand in columns of PostgreSQL: by themselves, or one after the other.
 *
 *     1 byte   1, or 3 where the body was read as text
 *     2, 2, 2  bytes of id, namespace and webhook
 *     8        when it was received, in milliseconds since 1970, as a floating point number
 *     4, 4     bytes of headers and body
 *     …        id, namespace, webhook, headers and body
 *
 * Numbers are in network order.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import { decodeEvent, encodeBody, encodeHeaders, type StoredBody } from "../event_codec.ts";

const FORMAT = 1;
const IS_TEXT = 2;

const HEAD_BYTES = 23;

/** An event on its way into a column. */
export interface EventToWrite {
  /** How many bytes it takes. */
  readonly length: number;
  readonly event: VerifiedEvent;
  readonly headers: string;
  readonly body: StoredBody;
}

/** An event that stood in a column. */
export interface EventRead {
  readonly event: VerifiedEvent;
  /** Where its bytes end. */
  readonly end: number;
}

/** Finds out how many bytes an event takes. */
export function prepareEvent(event: VerifiedEvent): EventToWrite {
  const headers = encodeHeaders(event);
  const body = encodeBody(event.body);
  const length = HEAD_BYTES + Buffer.byteLength(event.id) + Buffer.byteLength(event.namespace) +
    Buffer.byteLength(event.webhook) + Buffer.byteLength(headers) + Buffer.byteLength(body);
  return { length, event, headers, body };
}

/** Writes an event into a buffer that has room for it. Returns where its bytes end. */
export function writeEvent(target: Buffer, start: number, { event, headers, body }: EventToWrite): number {
  const isText = typeof body === "string";
  let end = start + HEAD_BYTES;
  const write = (text: string): number => {
    const length = target.write(text, end);
    end += length;
    return length;
  };
  target[start] = isText ? FORMAT | IS_TEXT : FORMAT;
  target.writeUInt16BE(write(event.id), start + 1);
  target.writeUInt16BE(write(event.namespace), start + 3);
  target.writeUInt16BE(write(event.webhook), start + 5);
  target.writeDoubleBE(event.receivedAt, start + 7);
  target.writeUInt32BE(write(headers), start + 15);
  if (isText) {
    target.writeUInt32BE(write(body), start + 19);
    return end;
  }
  target.writeUInt32BE(body.byteLength, start + 19);
  target.set(body, end);
  return end + body.byteLength;
}

/** One event as bytes of its own. */
export function encodeEventBytes(event: VerifiedEvent): Buffer {
  const prepared = prepareEvent(event);
  const bytes = Buffer.allocUnsafe(prepared.length);
  writeEvent(bytes, 0, prepared);
  return bytes;
}

/**
 * Reads an event. Its body is a copy, so that it does not keep the others in memory.
 *
 * @throws {RangeError} when no event stands there
 */
export function readEvent(source: Buffer, start = 0): EventRead {
  const format = source.readUInt8(start);
  if ((format & ~IS_TEXT) !== FORMAT) throw new RangeError(`An event has the unknown format ${format}`);
  let at = start + HEAD_BYTES;
  const slice = (length: number): Buffer => {
    const bytes = source.subarray(at, at + length);
    if (bytes.length !== length) throw new RangeError("The bytes of an event end too early");
    at += length;
    return bytes;
  };
  const id = slice(source.readUInt16BE(start + 1)).toString();
  const namespace = slice(source.readUInt16BE(start + 3)).toString();
  const webhook = slice(source.readUInt16BE(start + 5)).toString();
  const receivedAt = source.readDoubleBE(start + 7);
  const headers = slice(source.readUInt32BE(start + 15)).toString();
  const bytes = slice(source.readUInt32BE(start + 19));
  const body = (format & IS_TEXT) === 0 ? new Uint8Array(bytes) : bytes.toString();
  return { event: decodeEvent({ id, namespace, webhook, receivedAt, headers, body }), end: at };
}

/** Where an event begins, and how long its body is, in bytes. */
export interface EventStart {
  readonly start: number;
  readonly bodyLength: number;
}

/** Where events that stand one after the other begin. */
export function eventStarts(source: Buffer): readonly EventStart[] {
  const starts: EventStart[] = [];
  for (let start = 0; start < source.length;) {
    const bodyLength = source.readUInt32BE(start + 19);
    starts.push({ start, bodyLength });
    start += HEAD_BYTES + source.readUInt16BE(start + 1) + source.readUInt16BE(start + 3) +
      source.readUInt16BE(start + 5) + source.readUInt32BE(start + 15) + bodyLength;
  }
  return starts;
}
