/**
 * Frames of ZMTP 3.0: how they are written, and read with bounds on what a peer may send.
 *
 * @see https://rfc.zeromq.org/spec/23/ section 3.3
 * @module
 */

import { Buffer } from "node:buffer";

/** Bits of a frame's first byte. */
const FLAG = { more: 1, long: 2, command: 4 } as const;

/** The other bits of it have to be 0. */
const RESERVED = 0xf8;

/** Longest body whose length is written in one byte. */
const MAX_SHORT = 0xff;

/** Most that a peer may send as one message, in bytes: it is an answer, or a subscription. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Most frames of a peer's message. */
const MAX_MESSAGE_FRAMES = 64;

/** What a peer has sent: a message of one or more frames, or a command. */
export type Received =
  | { readonly kind: "message"; readonly frames: readonly Buffer[] }
  | { readonly kind: "command"; readonly body: Buffer };

/** What a peer sends is no ZMTP, or more than it may send. The message says what, for operators. */
export class ZmtpError extends Error {
  override readonly name = "ZmtpError";
}

/** A body of a frame: bytes, or ASCII. */
export type FrameBody = Uint8Array | string;

/** Messages, each of one or more frames, as they are written. */
export function writeMessages(messages: readonly (readonly FrameBody[])[]): Buffer {
  let length = 0;
  for (const frames of messages) for (const body of frames) length += startOf(body.length) + body.length;
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const frames of messages) {
    const last = frames.length - 1;
    for (let index = 0; index <= last; index++) {
      const body = frames[index]!;
      offset = writeOpening(bytes, offset, index < last ? FLAG.more : 0, body.length);
      if (typeof body === "string") bytes.write(body, offset, "latin1");
      else bytes.set(body, offset);
      offset += body.length;
    }
  }
  return bytes;
}

/** A command, as it is written. */
export function writeCommand(body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(startOf(body.length) + body.length);
  bytes.set(body, writeOpening(bytes, 0, FLAG.command, body.length));
  return bytes;
}

/** Where the body of a frame begins. */
function startOf(bodyLength: number): number {
  return bodyLength <= MAX_SHORT ? 2 : 9;
}

/** @returns where the body begins */
function writeOpening(bytes: Buffer, offset: number, flags: number, bodyLength: number): number {
  if (bodyLength <= MAX_SHORT) {
    bytes[offset] = flags;
    bytes[offset + 1] = bodyLength;
  } else {
    bytes[offset] = flags | FLAG.long;
    bytes.writeUInt32BE(Math.floor(bodyLength / 2 ** 32), offset + 1);
    bytes.writeUInt32BE(bodyLength >>> 0, offset + 5);
  }
  return offset + startOf(bodyLength);
}

/** Reads what one peer sends, in whatever pieces that comes. */
export class FrameReader {
  /** What has arrived and was not read, and how long that is. */
  #pieces: Uint8Array[] = [];
  #length = 0;
  /** How many bytes there have to be before there is anything to read: until then pieces are not put together. */
  #needed = 1;
  /** The frames of a message that is not complete. */
  #frames: Buffer[] = [];
  #messageBytes = 0;

  /** @throws {ZmtpError} when it is none, or exceeds a bound; nothing can be read after it */
  *read(piece: Uint8Array): Generator<Received> {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#needed) return;
    let bytes = this.#pieces.length === 1
      ? Buffer.from(piece.buffer, piece.byteOffset, piece.length)
      : Buffer.concat(this.#pieces, this.#length);
    for (;;) {
      const end = this.#endOfFrame(bytes);
      if (bytes.length < end) {
        this.#needed = end;
        break;
      }
      const flags = bytes[0]!;
      const received = this.#add(flags, bytes.subarray((flags & FLAG.long) === 0 ? 2 : 9, end));
      bytes = bytes.subarray(end);
      if (received !== undefined) yield received;
    }
    this.#pieces = bytes.length === 0 ? [] : [bytes];
    this.#length = bytes.length;
  }

  /** Where the next frame ends, as far as that can be seen: never before the end of what is there of its opening. */
  #endOfFrame(bytes: Buffer): number {
    const flags = bytes[0];
    if (flags === undefined) return 1;
    if ((flags & RESERVED) !== 0) throw new ZmtpError("a frame begins with bits that have no meaning");
    const isLong = (flags & FLAG.long) !== 0;
    const start = isLong ? 9 : 2;
    if (bytes.length < start) return start;
    const length = isLong ? this.#longLength(bytes) : bytes[1]!;
    if (this.#messageBytes + length > MAX_MESSAGE_BYTES) {
      throw new ZmtpError(`a message has more than ${MAX_MESSAGE_BYTES} bytes`);
    }
    return start + length;
  }

  #longLength(bytes: Buffer): number {
    const length = bytes.readBigUInt64BE(1);
    // Larger ones are not exact as numbers, and are refused in any case.
    return length > BigInt(MAX_MESSAGE_BYTES) ? MAX_MESSAGE_BYTES + 1 : Number(length);
  }

  #add(flags: number, body: Buffer): Received | undefined {
    const hasMore = (flags & FLAG.more) !== 0;
    if ((flags & FLAG.command) !== 0) {
      if (hasMore || this.#frames.length > 0) throw new ZmtpError("a command stands within a message");
      return { kind: "command", body };
    }
    this.#frames.push(body);
    this.#messageBytes += body.length;
    if (this.#frames.length > MAX_MESSAGE_FRAMES) {
      throw new ZmtpError(`a message has more than ${MAX_MESSAGE_FRAMES} frames`);
    }
    if (hasMore) return undefined;
    const frames = this.#frames;
    this.#frames = [];
    this.#messageBytes = 0;
    return { kind: "message", frames };
  }
}
