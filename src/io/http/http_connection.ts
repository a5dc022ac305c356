/**
 * One connection to an HTTP/1.1 server: one request at a time, and the answer to it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { AnswerReader } from "./answer_reader.ts";

/** How much of an answer's body is read besides what is kept, so that the connection can be used again, in bytes. */
const MAX_DRAINED_BODY = 64 * 1024;

/**
 * How long the end of a body that nobody needs is waited for, and the end of a request that was answered before it was
 * read, in milliseconds. The status is known by then.
 */
const DRAIN_MS = 1000;

/** Bodies up to this length are sent with the head in one piece, in bytes: copying them costs less than a second one. */
const MAX_COPIED_BODY = 16 * 1024;

/** What was answered. */
export interface ReceivedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What was kept of the body. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Whether the body was read to its end. */
  readonly isWhole: boolean;
  /** Whether the request was sent to its end: nothing reads its body any more. */
  readonly isSent: boolean;
}

/** A kept connection has turned out to be closed by the other side before anything was answered. */
export class StaleConnectionError extends Error {
  override readonly name = "StaleConnectionError";
}

/** Who holds connections. */
export interface ConnectionOwner {
  /** The answer is there, and the connection can be used again for so long, in milliseconds. */
  onIdle(connection: HttpConnection, keptMs: number): void;
  /** The connection has ended. */
  onEnded(connection: HttpConnection): void;
}

/** What a request waits for. */
interface Waiting {
  resolve(answer: ReceivedAnswer): void;
  reject(error: unknown): void;
}

/** A connection. */
export class HttpConnection {
  /** What connections have to have in common to be used for the same requests. */
  readonly key: string;
  /** By `performance.now()`. */
  readonly openedAt: number = performance.now();
  /** When it is closed if it is not used, by `performance.now()`. */
  idleUntil = 0;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #reader = new AnswerReader();
  #waiting: Waiting | undefined;
  #signal: AbortSignal | undefined;
  readonly #abort = () => this.#breakOff(this.#signal?.reason);
  #wasUsed = false;
  /** Whether a part of the request still waits to be sent. */
  #isWriting = false;
  readonly #written = () => this.#onWritten();
  /** For how long the connection can be used again once the request has been sent, in milliseconds. */
  #keptMs = 0;
  #maxKept = 0;
  /** What has come of the answer, in bytes. */
  #received = 0;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #error: Error | undefined;
  #ended = false;

  /** @param socket connected */
  constructor(socket: Socket, key: string, owner: ConnectionOwner) {
    this.key = key;
    this.#socket = socket;
    this.#owner = owner;
    socket.on("data", (piece: Buffer) => this.#read(piece));
    socket.on("error", (error) => this.#error = error);
    socket.on("close", () => this.#onClose());
  }

  /**
   * Sends a request and reads the answer. A body that is longer than what is read, breaks off or takes too long changes
   * nothing about the status that came before it.
   *
   * @param head up to and with the empty line, a character a byte
   * @param maxKept how much of the answer's body is kept, in bytes; with 0 it is not waited for long
   * @throws {StaleConnectionError} when the connection was used before, and has ended before anything was answered
   * @throws {MalformedAnswerError} when the answer is no HTTP/1.1
   * @throws {InterimAnswersError} when more interim answers come than are read
   * @throws {Error} with a `code` when the connection breaks
   * @throws whatever the signal's reason is, when it aborts before there is a status
   */
  send(head: string, body: Uint8Array, maxKept: number, signal: AbortSignal): Promise<ReceivedAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#received = 0;
      if (signal.aborted) return this.#fail(signal.reason);
      if (this.#ended) return this.#fail(this.#endedError());
      this.#maxKept = maxKept;
      this.#reader.begin(maxKept);
      this.#signal = signal;
      signal.addEventListener("abort", this.#abort);
      this.#write(head, body);
    });
  }

  /** Closes the connection. */
  close(): void {
    this.#end();
  }

  #write(head: string, body: Uint8Array): void {
    if (body.byteLength <= MAX_COPIED_BODY) {
      const bytes = Buffer.allocUnsafe(head.length + body.byteLength);
      bytes.write(head, "latin1");
      bytes.set(body, head.length);
      this.#socket.write(bytes);
      return;
    }
    this.#isWriting = true;
    this.#socket.cork();
    this.#socket.write(head, "latin1");
    this.#socket.write(body, this.#written);
    this.#socket.uncork();
  }

  #onWritten(): void {
    this.#isWriting = false;
    // It was answered before it was sent.
    if (this.#keptMs > 0 && !this.#ended) this.#keep();
  }

  #read(piece: Buffer): void {
    this.#received += piece.byteLength;
    try {
      this.#reader.read(piece);
    } catch (error) {
      return this.#breakOff(error);
    }
    if (this.#reader.isDone) return this.#answered();
    const { head } = this.#reader;
    if (head === undefined) return;
    if (this.#received > MAX_DRAINED_BODY + this.#maxKept) return this.#breakOff(undefined);
    if (this.#maxKept === 0) this.#drainTimer ??= setTimeout(() => this.#breakOff(undefined), DRAIN_MS);
  }

  /** Nothing more can be read. What was answered until then counts. */
  #breakOff(error: unknown): void {
    if (this.#reader.head === undefined) return this.#fail(error);
    this.#conclude(this.#reader.isDone);
    this.#end();
  }

  #answered(): void {
    const { status, keptMs } = this.#reader.head!;
    this.#conclude(true);
    this.#wasUsed = true;
    if (keptMs === 0 || status === 101) return this.#end();
    this.#keptMs = keptMs;
    if (!this.#isWriting) return this.#keep();
    // Servers that have answered may never read the rest, and the next request would wait behind it.
    this.#drainTimer = setTimeout(() => this.#end(), DRAIN_MS);
  }

  /** The connection waits for its next request. */
  #keep(): void {
    clearTimeout(this.#drainTimer);
    this.#drainTimer = undefined;
    const keptMs = this.#keptMs;
    this.#keptMs = 0;
    this.#owner.onIdle(this, keptMs);
  }

  #conclude(isWhole: boolean): void {
    const waiting = this.#settle();
    if (waiting === undefined) return;
    const { head, body } = this.#reader;
    const isSent = !this.#isWriting;
    waiting.resolve({ status: head!.status, headers: head!.headers, body, isWhole, isSent });
  }

  #fail(error: unknown): void {
    this.#settle()?.reject(error);
    this.#end();
  }

  /** Nobody waits any more. Returns who has until now. */
  #settle(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#signal = undefined;
    clearTimeout(this.#drainTimer);
    this.#drainTimer = undefined;
    return waiting;
  }

  #onClose(): void {
    if (this.#waiting !== undefined) {
      if (this.#reader.head !== undefined) {
        this.#conclude(this.#reader.endsWithConnection && this.#error === undefined && !this.#ended);
      } else this.#settle()?.reject(this.#endedError());
    }
    this.#end();
  }

  #endedError(): Error {
    const cause = this.#error;
    if (this.#wasUsed && this.#received === 0) {
      return new StaleConnectionError("The connection was closed", { cause });
    }
    return cause ?? Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#drainTimer);
    this.#socket.destroy();
    this.#owner.onEnded(this);
  }
}
