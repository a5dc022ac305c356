/**
 * The socket of a connection to a server, and the transport by which the client library uses it. The library's own one
 * takes every listener off its socket between the steps of connecting: an error then ends the process, and an end of
 * the connection is never noticed. Here the listeners stay for as long as the socket lives.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions, Server, Transport } from "@nats-io/nats-core/internal";
import { DeliveryError } from "../../../errors.ts";
import { outputNames } from "../../../io/name_lookups.ts";
import type { TlsOptions } from "../../../io/tls.ts";
import type { ServerAddress } from "../../../schema/addresses.ts";
import { abortable } from "../../../time/abortable.ts";
import { VERSION } from "../../../version.ts";
import { judgeEnd } from "../errors.ts";

/** Longest first line of a server, which names all servers of its cluster, in bytes. */
const MAX_FIRST_LINE = 256 * 1024;

const LINE_END = "\r\n";

/** One socket, from its beginning to its end. */
export class ServerSocket {
  /** Called with what arrives. */
  receive: (chunk: Uint8Array<ArrayBuffer>) => void = () => {};
  /** When something arrived last, by `performance.now()`. */
  heardAt = performance.now();
  readonly #host: string;
  readonly #server: string;
  readonly #end = new AbortController();
  #socket: Socket;
  #failure: unknown;

  /** Begins to connect. @param server begins sentences about it */
  constructor({ host, port }: ServerAddress, server: string) {
    this.#host = host;
    this.#server = server;
    this.#socket = this.#watch(connect({ host, port, lookup: outputNames.lookup }));
  }

  /** Aborts when the socket is closed, with a {@linkcode DeliveryError} that says why. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** What the server sends first of all: its line, and perhaps more. @throws {DeliveryError} when there is none */
  async firstBytes(): Promise<Uint8Array<ArrayBuffer>> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    let bytes = new Uint8Array(0);
    this.receive = (chunk) => {
      bytes = new Uint8Array(Buffer.concat([bytes, chunk]));
      if (Buffer.from(bytes.buffer).includes(LINE_END)) resolve(bytes);
      else if (bytes.length > MAX_FIRST_LINE) reject(notNats(this.#server));
    };
    return await abortable(promise, this.ended);
  }

  /** Goes on with TLS. @throws {DeliveryError} when that is not possible */
  async startTls(options: TlsOptions): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const plain = this.#socket.off("data", this.#hear);
    const host = this.#host;
    const name = isIP(host) === 0 ? { servername: host } : {};
    this.#socket = this.#watch(connectTls({ socket: plain, host, ...name, ...options }, resolve));
    await abortable(promise, this.ended);
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Ends it for a reason. */
  end(reason: unknown): void {
    this.#failure ??= reason;
    this.#socket.destroy();
  }

  /** Ends it at once. @returns resolves when it is closed */
  async close(): Promise<void> {
    if (this.ended.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended.addEventListener("abort", () => resolve(), { once: true });
    this.#socket.destroy();
    await promise;
  }

  readonly #hear = (chunk: Uint8Array<ArrayBuffer>): void => {
    this.heardAt = performance.now();
    this.receive(chunk);
  };

  #watch(socket: Socket): Socket {
    socket.on("error", (error) => this.#failure ??= error);
    socket.on("close", () => this.#end.abort(judgeEnd(this.#failure, this.#server)));
    return socket.on("data", this.#hear).setNoDelay(true);
  }
}

/** Says that a server speaks another protocol. @param server begins the sentence */
export function notNats(server: string, cause?: unknown): DeliveryError {
  return new DeliveryError("output_unavailable", `${server} does not speak the protocol of NATS`, { cause });
}

/** What the library is given to connect with: it hands its options on to the transport. */
export interface HandedOptions extends ConnectionOptions {
  readonly socket: ServerSocket;
  /** What has arrived on it already. */
  readonly first: Uint8Array<ArrayBuffer>;
}

/** A transport over a socket that is connected already. */
export class HandedTransport implements Transport {
  readonly lang = "deno";
  readonly version = VERSION;
  readonly #closed = Promise.withResolvers<void>();
  readonly #chunks: Uint8Array[] = [];
  #arrived = Promise.withResolvers<void>();
  #socket: ServerSocket | undefined;
  isClosed = false;

  connect(_server: Server, options: ConnectionOptions): Promise<void> {
    const { socket, first } = options as HandedOptions;
    this.#socket = socket;
    this.#push(first);
    socket.receive = (chunk) => this.#push(chunk);
    socket.ended.addEventListener("abort", () => this.#finish(), { once: true });
    if (socket.ended.aborted) this.#finish();
    return Promise.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    while (!this.isClosed) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) {
        await this.#arrived.promise;
        this.#arrived = Promise.withResolvers();
      } else yield chunk;
    }
  }

  isEncrypted(): boolean {
    // What the library does for encrypted connections has been done before.
    return false;
  }

  send(frame: Uint8Array): void {
    if (!this.isClosed) this.#socket?.write(frame);
  }

  async close(): Promise<void> {
    this.#finish();
    await this.#socket?.close();
  }

  disconnect(): void {
    this.discard();
  }

  discard(): void {
    this.#finish();
    void this.#socket?.close();
  }

  async closed(): Promise<void> {
    await this.#closed.promise;
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#arrived.resolve();
  }

  #finish(): void {
    this.isClosed = true;
    this.#arrived.resolve();
    this.#closed.resolve();
  }
}
