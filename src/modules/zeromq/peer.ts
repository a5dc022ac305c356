/**
 * A peer: one connection of ZMTP, from its greeting to its end.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { DeliveryError, errorCode } from "../../errors.ts";
import { abortable } from "../../time/abortable.ts";
import {
  type FrameBody,
  FrameReader,
  type Received,
  writeCommand,
  writeMessages,
  ZmtpError,
} from "./zmtp/frames.ts";
import {
  checkGreeting,
  checkReady,
  greeting,
  GREETING_BYTES,
  parseCommand,
  readyCommand,
  type SocketType,
} from "./zmtp/handshake.ts";

/** What a peer asks with to see whether the gateway is there, before what is to be sent back (ZMTP 3.1, section 5). */
const PING_TTL_BYTES = 2;

/** One peer. */
export class Peer {
  /** Called with each message that it sends. */
  onMessage: (frames: readonly Buffer[]) => void = () => {};
  /** When something came from it last, by `performance.now()`. */
  heardAt = performance.now();
  /** How messages name it. */
  readonly name: string;
  readonly #socket: Socket;
  readonly #type: SocketType;
  readonly #end = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #reader = new FrameReader();
  #greeting: Buffer | undefined = Buffer.alloc(0);
  #isReady = false;
  #failure: unknown;

  /** Begins with the greeting, which a socket that is not connected yet keeps until it is. */
  constructor(socket: Socket, type: SocketType, name: string) {
    this.#socket = socket;
    this.#type = type;
    this.name = name;
    socket.on("error", (error) => this.#failure ??= error);
    socket.on("close", () => this.#end.abort(this.#endReason()));
    socket.on("data", (piece: Buffer) => this.#hear(piece));
    socket.setNoDelay(true);
    socket.write(greeting());
  }

  /** Aborts when the connection has ended, with a {@linkcode DeliveryError} that says why. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Bytes that were written and that the system has not taken yet. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Resolves when both sides have said what they are. @throws {DeliveryError} when the connection ends before */
  async ready(signal: AbortSignal): Promise<void> {
    await abortable(abortable(this.#ready.promise, this.ended), signal);
  }

  /**
   * Writes messages of one or more frames. Resolves when the system has taken them, which says nothing of the peer.
   *
   * @throws {DeliveryError} when the connection ends before
   */
  async write(messages: readonly (readonly FrameBody[])[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.write(writeMessages(messages), (error) => {
      // After an error the socket closes, which ends the wait.
      if (error === undefined || error === null) resolve();
    });
    await abortable(promise, this.ended);
  }

  /** Writes messages without waiting for the system: whoever waits for what comes back learns of the end. */
  post(messages: readonly (readonly FrameBody[])[]): void {
    this.#socket.write(writeMessages(messages));
  }

  /** Ends the connection for a reason. */
  end(reason: unknown): void {
    this.#failure ??= reason;
    this.#socket.destroy();
  }

  /** Ends the connection at once. @returns resolves when it is closed */
  async close(): Promise<void> {
    if (this.ended.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended.addEventListener("abort", () => resolve(), { once: true });
    this.#socket.destroy();
    await promise;
  }

  #hear(piece: Buffer): void {
    this.heardAt = performance.now();
    try {
      for (const received of this.#reader.read(this.#withoutGreeting(piece))) this.#take(received);
    } catch (error) {
      if (!(error instanceof ZmtpError)) throw error;
      this.end(error);
    }
  }

  /** What stands behind the peer's greeting. */
  #withoutGreeting(piece: Buffer): Buffer {
    if (this.#greeting === undefined) return piece;
    const bytes = Buffer.concat([this.#greeting, piece]);
    this.#greeting = bytes;
    if (bytes.length < GREETING_BYTES) return Buffer.alloc(0);
    checkGreeting(bytes);
    this.#greeting = undefined;
    this.#socket.write(readyCommand(this.#type));
    return bytes.subarray(GREETING_BYTES);
  }

  #take(received: Received): void {
    if (!this.#isReady) {
      if (received.kind === "message") throw new ZmtpError("it sends messages before READY");
      checkReady(received.body, this.#type);
      this.#isReady = true;
      this.#ready.resolve();
    } else if (received.kind === "message") this.onMessage(received.frames);
    else this.#answerCommand(received.body);
  }

  #answerCommand(body: Buffer): void {
    const { name, rest } = parseCommand(body);
    if (name === "ERROR") throw new ZmtpError("it ends the connection with an error");
    if (name !== "PING") return;
    const pong = Buffer.concat([Buffer.from("\x04PONG", "latin1"), rest.subarray(PING_TTL_BYTES)]);
    this.#socket.write(writeCommand(pong));
  }

  #endReason(): DeliveryError {
    const failure = this.#failure;
    if (failure instanceof DeliveryError) return failure;
    return new DeliveryError("output_unavailable", `${this.name} ${this.#whyEnded(failure)}`, {
      cause: failure,
    });
  }

  #whyEnded(failure: unknown): string {
    if (failure instanceof ZmtpError) return `cannot be talked to: ${failure.message}`;
    if (failure !== undefined) return `cannot be reached: ${errorCode(failure)}`;
    if (this.#isReady) return "closed the connection";
    return "closed the connection before it said what it is: does it ask for CURVE or PLAIN, or for another socket?";
  }
}
