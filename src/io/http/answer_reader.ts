/**
 * Reads the answer of an HTTP/1.1 server piece by piece, as they come over the network.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type AnswerHead, MalformedAnswerError, parseAnswerHead } from "./answer_head.ts";

/** Longest head, in bytes; as `node:http` has it. */
const MAX_HEAD = 16 * 1024;

/** Longest line with the size of a chunk and what stands behind it, in bytes. */
const MAX_CHUNK_LINE = 4 * 1024;

/** How many interim (1xx) answers may come before the final one; RFC 9110, section 15.2, allows any number. */
const MAX_INTERIM_ANSWERS = 16;

/** How long their heads may be together, in bytes. */
const MAX_INTERIM_BYTES = 16 * 1024;

const HEAD_END = "\r\n\r\n";
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NOTHING: Buffer<ArrayBuffer> = Buffer.alloc(0);

/** The destination went on with interim answers instead of the final one. */
export class InterimAnswersError extends Error {
  override readonly name = "InterimAnswersError";

  constructor() {
    super("Too many interim (1xx) answers");
  }
}

/** What is expected next. */
type State = "head" | "length" | "close" | "chunk_size" | "chunk" | "chunk_end" | "trailer" | "done";

/** Reads one answer after the other of a connection. */
export class AnswerReader {
  #state: State = "done";
  /** What has come and is not understood yet. */
  #rest: Buffer = NOTHING;
  /** How much of the body or of its chunk is still to come, in bytes. */
  #left = 0;
  #head: AnswerHead | undefined;
  #interimAnswers = 0;
  #interimBytes = 0;
  #trailerBytes = 0;
  #maxKept = 0;
  #kept = NOTHING;
  #keptBytes = 0;
  /** The head before, which most servers send again with hardly a change. */
  #lastText = "";
  #lastHead: AnswerHead | undefined;

  /** An answer is to come. @param maxKept how much of its body is kept, in bytes */
  begin(maxKept: number): void {
    this.#state = "head";
    this.#head = undefined;
    this.#maxKept = maxKept;
    this.#kept = NOTHING;
    this.#keptBytes = 0;
    this.#interimAnswers = this.#interimBytes = 0;
  }

  /** The head of the final answer; `undefined` until it is there. */
  get head(): AnswerHead | undefined {
    return this.#head;
  }

  /** Whether the answer is there to its end. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /** Whether the answer ends with its connection. */
  get endsWithConnection(): boolean {
    return this.#state === "close";
  }

  /** What was kept of the body: all that has come, up to the bound. */
  get body(): Uint8Array<ArrayBuffer> {
    return this.#kept.subarray(0, this.#keptBytes);
  }

  /**
   * Takes the next piece in. What stands behind the end of an answer is no part of it: the connection is of no use then.
   *
   * @throws {MalformedAnswerError} when that is no HTTP/1.1; the head, if there is one, holds
   * @throws {InterimAnswersError}
   */
  read(piece: Buffer): void {
    let bytes = this.#rest.byteLength === 0 ? piece : Buffer.concat([this.#rest, piece]);
    this.#rest = NOTHING;
    while (bytes.byteLength > 0 && this.#state !== "done") {
      const used = this.#step(bytes);
      if (used === 0) {
        this.#rest = bytes;
        return;
      }
      bytes = bytes.subarray(used);
    }
    if (bytes.byteLength > 0) throw new MalformedAnswerError("HPE_INVALID_CONSTANT", "More than one answer");
  }

  /** How many of the bytes were used: none where more are needed. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case "head":
        return this.#readHead(bytes);
      case "length":
      case "chunk":
        return this.#readBody(bytes);
      case "close":
        this.#keep(bytes);
        return bytes.byteLength;
      case "chunk_size":
        return this.#readChunkSize(bytes);
      case "chunk_end":
        return this.#readChunkEnd(bytes);
      default:
        return this.#readTrailer(bytes);
    }
  }

  #readHead(bytes: Buffer): number {
    const start = startOfHead(bytes);
    const end = bytes.indexOf(HEAD_END, start, "latin1");
    if (end === -1 || end > MAX_HEAD) {
      checkUnfinishedHead(bytes, start);
      return 0;
    }
    const text = bytes.toString("latin1", start, end);
    if (text !== this.#lastText) {
      this.#lastHead = parseAnswerHead(text);
      this.#lastText = text;
    }
    const head = this.#lastHead!;
    const used = end + HEAD_END.length;
    if (head.status < 200 && head.status !== 101) this.#countInterim(used);
    else this.#beginBody(head);
    return used;
  }

  #countInterim(bytes: number): void {
    this.#interimAnswers++;
    this.#interimBytes += bytes;
    if (this.#interimAnswers > MAX_INTERIM_ANSWERS || this.#interimBytes > MAX_INTERIM_BYTES) {
      throw new InterimAnswersError();
    }
  }

  #beginBody(head: AnswerHead): void {
    this.#head = head;
    const { bodyEnd } = head;
    switch (bodyEnd.by) {
      case "length":
        this.#left = bodyEnd.length;
        this.#state = bodyEnd.length === 0 ? "done" : "length";
        return;
      case "chunks":
        this.#trailerBytes = 0;
        this.#state = "chunk_size";
        return;
      case "close":
        this.#state = "close";
    }
  }

  #readBody(bytes: Buffer): number {
    const part = bytes.byteLength > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#keep(part);
    this.#left -= part.byteLength;
    if (this.#left === 0) this.#state = this.#state === "length" ? "done" : "chunk_end";
    return part.byteLength;
  }

  #keep(part: Buffer): void {
    const bytes = Math.min(part.byteLength, this.#maxKept - this.#keptBytes);
    if (bytes === 0) return;
    const needed = this.#keptBytes + bytes;
    if (needed > this.#kept.byteLength) {
      const larger = Buffer.alloc(Math.min(this.#maxKept, Math.max(needed, this.#kept.byteLength * 2)));
      this.#kept.copy(larger, 0, 0, this.#keptBytes);
      this.#kept = larger;
    }
    part.copy(this.#kept, this.#keptBytes, 0, bytes);
    this.#keptBytes = needed;
  }

  #readChunkSize(bytes: Buffer): number {
    const end = endOfLine(bytes, MAX_CHUNK_LINE);
    if (end === -1) return 0;
    const line = bytes.toString("latin1", 0, end);
    const size = /^([0-9a-fA-F]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line)?.[1];
    if (size === undefined) {
      throw new MalformedAnswerError("HPE_INVALID_CHUNK_SIZE", "Invalid size of a chunk");
    }
    this.#left = parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailer" : "chunk";
    return end + 2;
  }

  #readChunkEnd(bytes: Buffer): number {
    if (bytes[0] !== CARRIAGE_RETURN || (bytes.byteLength > 1 && bytes[1] !== LINE_FEED)) {
      throw new MalformedAnswerError("HPE_STRICT", "Expected the end of a chunk");
    }
    if (bytes.byteLength === 1) return 0;
    this.#state = "chunk_size";
    return 2;
  }

  #readTrailer(bytes: Buffer): number {
    const end = endOfLine(bytes, MAX_HEAD - this.#trailerBytes);
    if (end === -1) return 0;
    this.#trailerBytes += end + 2;
    if (end === 0) this.#state = "done";
    return end + 2;
  }
}

/** An empty line before the status line is ignored (RFC 9112, section 2.2). */
function startOfHead(bytes: Buffer): number {
  return bytes[0] === CARRIAGE_RETURN && bytes[1] === LINE_FEED ? 2 : 0;
}

/** What cannot become a head is found out before the rest is waited for, which may never come. */
function checkUnfinishedHead(bytes: Buffer, start: number): void {
  const text = bytes.toString("latin1", start);
  if (text !== "\r" && !"HTTP/".startsWith(text.slice(0, 5))) {
    throw new MalformedAnswerError("HPE_INVALID_CONSTANT", "Expected HTTP/");
  }
  if (/(?:^|[^\r])\n/.test(text)) throw new MalformedAnswerError("HPE_CR_EXPECTED", "Expected CR before LF");
  if (text.length > MAX_HEAD) throw new MalformedAnswerError("HPE_HEADER_OVERFLOW", "The head is too long");
}

/** Where the line ends that the bytes begin with; -1 where its end is still to come. */
function endOfLine(bytes: Buffer, most: number): number {
  const feed = bytes.indexOf(LINE_FEED);
  if ((feed === -1 ? bytes.byteLength : feed) > most) {
    throw new MalformedAnswerError("HPE_HEADER_OVERFLOW", "A line of the body is too long");
  }
  if (feed === -1) return -1;
  if (bytes[feed - 1] !== CARRIAGE_RETURN) {
    throw new MalformedAnswerError("HPE_CR_EXPECTED", "Expected CR before LF");
  }
  return feed - 1;
}
