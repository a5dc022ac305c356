/** What the floors of the ZeroMQ benchmark do: a `DEALER` of a few lines, for which there is no library on Deno. */

import { Buffer } from "node:buffer";

const encoder = new TextEncoder();

/** The greeting of ZMTP 3.0 with the mechanism NULL, and what a `DEALER` says behind it. */
const GREETING = Buffer.concat([
  Buffer.from([0xff, ...new Array(8).fill(0), 0x7f, 3, 0]),
  Buffer.from("NULL".padEnd(52, "\0")),
]);
const READY = Buffer.from("\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER", "latin1");

/** Of frames that are no longer than one byte can say. */
const SHORT = 256;

/** One connection. */
export class FloorDealer {
  readonly #socket: Deno.TcpConn;
  readonly #waiting = new Map<string, () => void>();
  readonly #reading: Promise<void>;
  #last = 0;
  #unwritten: Uint8Array[] = [];

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
    this.#reading = this.#read();
  }

  static async open(port: number): Promise<FloorDealer> {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    socket.setNoDelay(true);
    await socket.write(GREETING);
    const greeting = new Uint8Array(64);
    for (let length = 0; length < 64;) length += await socket.read(greeting.subarray(length)) ?? 64;
    await socket.write(READY);
    // What the peer says is short, and comes alone.
    await socket.read(new Uint8Array(256));
    return new FloorDealer(socket);
  }

  /** Sends a message as the gateway does; resolves when it is answered. */
  send(id: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const number = (++this.#last).toString(16);
    this.#waiting.set(number, resolve);
    const frames = [
      encoder.encode(number),
      new Uint8Array(),
      encoder.encode("default"),
      encoder.encode(id),
      body,
    ];
    frames.forEach((frame, index) => {
      const more = index < frames.length - 1 ? 1 : 0;
      const { length } = frame;
      this.#unwritten.push(
        length < SHORT
          ? new Uint8Array([more, length])
          : new Uint8Array([more | 2, 0, 0, 0, 0, 0, 0, length >> 8, length & 0xff]),
        frame,
      );
    });
    if (this.#unwritten.length === frames.length * 2) queueMicrotask(() => void this.#write());
    return promise;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#reading;
  }

  async #write(): Promise<void> {
    let bytes: Uint8Array = Buffer.concat(this.#unwritten);
    this.#unwritten = [];
    while (bytes.length > 0) bytes = bytes.subarray(await this.#socket.write(bytes));
  }

  /** Answers are a number, an empty frame and a short one. */
  async #read(): Promise<void> {
    const piece = new Uint8Array(64 * 1024);
    let bytes = Buffer.alloc(0);
    for (;;) {
      const length = await this.#socket.read(piece).catch(() => null);
      if (length === null) return;
      bytes = Buffer.concat([bytes, piece.subarray(0, length)]);
      let start = 0;
      for (;;) {
        const end = start + 2 + (bytes[start + 1] ?? 0);
        const last = end + 2 + 2 + (bytes[end + 3] ?? 0);
        if (bytes.length < last || bytes.length < end + 4) break;
        const number = bytes.toString("latin1", start + 2, end);
        this.#waiting.get(number)?.();
        this.#waiting.delete(number);
        start = last;
      }
      bytes = bytes.subarray(start);
    }
  }
}
