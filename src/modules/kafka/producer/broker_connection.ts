/**
 * One connection to a broker: connecting, logging in, and requests with their answers. It ends with the first
 * thing that goes wrong, and is never used again.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { DeliveryError } from "../../../errors.ts";
import { unreachable } from "../../../io/connection.ts";
import { outputNames } from "../../../io/name_lookups.ts";
import { judgeLogin } from "../errors.ts";
import {
  type Api,
  type ApiVersions,
  apiVersions,
  saslAuthenticate,
  saslHandshake,
} from "../protocol/requests.ts";
import { logIn, type SaslLogin } from "../protocol/sasl.ts";
import { WireReader, WireWriter } from "../protocol/wire.ts";

/** How long connecting may take, logging in included, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3_000;

/** Answers to a producer are short. More than this is not Kafka: an HTTP server's answer begins like a huge one. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** A login is renewed when this share of its life is over. */
const LOGIN_SHARE = 0.8;

/** What connections to all brokers of a cluster have in common. */
export interface ConnectionOptionsOfAll {
  readonly clientId: string;
  /** `undefined` for connections without TLS. */
  readonly tls: ConnectionOptions | undefined;
  readonly sasl: SaslLogin | undefined;
}

/** A request: what stands before the records, and the records' bytes. */
export interface Outgoing {
  readonly head: WireWriter;
  /** Bytes behind the head. @default 0 */
  readonly bodySize?: number;
  /** Writes them. */
  writeBody?(target: Uint8Array): void;
}

interface Pending {
  resolve(reader: WireReader): void;
  reject(error: DeliveryError): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** An open connection. */
export class BrokerConnection implements AsyncDisposable {
  /** `host:port` of the broker. */
  readonly address: string;
  readonly #options: ConnectionOptionsOfAll;
  readonly #socket: Socket;
  readonly #closed: Promise<DeliveryError>;
  readonly #pending = new Map<number, Pending>();
  readonly #answers = new AnswerStream();
  #versions: ApiVersions = new Map();
  #nextNumber = 0;
  #failure: DeliveryError | undefined;
  /** When the login has to be renewed, by `performance.now()`. */
  #loginEndsAt = Infinity;

  private constructor(address: string, socket: Socket, options: ConnectionOptionsOfAll) {
    this.address = address;
    this.#options = options;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    this.#closed = new Promise((resolve) =>
      socket.once("close", () => resolve(this.#end(endedByBroker(address))))
    );
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.abort(unreachable(`Kafka broker ${address}`, error)));
  }

  /**
   * Connects and logs in.
   *
   * @param signal breaks off
   * @throws {DeliveryError} with the reason when that fails
   */
  static async open(
    address: string,
    options: ConnectionOptionsOfAll,
    signal: AbortSignal,
  ): Promise<BrokerConnection> {
    const connection = new BrokerConnection(address, openSocket(address, options.tls), options);
    const abort = () => connection.abort(new DeliveryError("output_unavailable", CLOSED));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => connection.abort(silent(address)), CONNECT_TIMEOUT_MS);
    try {
      await connection.#begin();
      return connection;
    } catch (error) {
      connection.abort(
        error instanceof DeliveryError ? error : unreachable(`Kafka broker ${address}`, error),
      );
      throw await connection.#closed;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Resolves with the reason when it has ended. */
  get closed(): Promise<DeliveryError> {
    return this.#closed;
  }

  /** Whether requests can be sent. */
  get isOpen(): boolean {
    return this.#failure === undefined && performance.now() < this.#loginEndsAt;
  }

  /** The newest version of a kind of request that both sides know; `undefined` when there is none. */
  versionOf({ key, versions: [oldest, newest] }: Api<unknown>): number | undefined {
    const [theirOldest, theirNewest] = this.#versions.get(key) ?? [Infinity, -Infinity];
    const version = Math.min(newest, theirNewest);
    return version < Math.max(oldest, theirOldest) ? undefined : version;
  }

  /**
   * Sends a request and resolves with its answer.
   *
   * @param write makes the request in the version that is spoken
   * @param timeoutMs when no answer has come by then, the connection ends
   * @throws {DeliveryError} when the connection ends before the answer; the broker may have carried it out
   */
  async ask<Answer>(
    api: Api<Answer>,
    write: (version: number) => Outgoing,
    timeoutMs: number,
  ): Promise<Answer> {
    const version = this.versionOf(api);
    if (version === undefined) throw tooOld(this.address, api);
    return await this.#ask(api, version, write(version), timeoutMs);
  }

  /** Ends the connection; requests under way fail with the reason. */
  abort(reason: DeliveryError): void {
    this.#end(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort(new DeliveryError("output_unavailable", CLOSED));
    await this.#closed;
  }

  /** @returns why it ended first */
  #end(reason: DeliveryError): DeliveryError {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = reason;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#pending.clear();
    this.#socket.destroy();
    return reason;
  }

  async #begin(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const isTls = this.#options.tls !== undefined;
      this.#socket.once(isTls ? "secureConnect" : "connect", () => resolve());
      this.#socket.once("close", () => reject(this.#failure));
    });
    const empty = new WireWriter();
    const { versions } = await this.#ask(apiVersions, 0, { head: empty }, CONNECT_TIMEOUT_MS);
    this.#versions = versions;
    if (this.#options.sasl !== undefined) await this.#logIn(this.#options.sasl);
  }

  async #logIn(login: SaslLogin): Promise<void> {
    const handshake = { head: new WireWriter().string(login.mechanism) };
    const { error, mechanisms } = await this.ask(saslHandshake, () => handshake, CONNECT_TIMEOUT_MS);
    if (error !== 0) throw judgeLogin(error, `${login.mechanism} of ${mechanisms.join(", ")}`);
    await logIn(login, async (message) => {
      const outgoing = { head: new WireWriter().bytes(message) };
      const answer = await this.ask(saslAuthenticate, () => outgoing, CONNECT_TIMEOUT_MS);
      if (answer.error !== 0) throw judgeLogin(answer.error, login.mechanism);
      if (answer.lifetimeMs > 0) this.#loginEndsAt = performance.now() + LOGIN_SHARE * answer.lifetimeMs;
      return answer.bytes;
    });
  }

  async #ask<Answer>(
    api: Api<Answer>,
    version: number,
    request: Outgoing,
    timeoutMs: number,
  ): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure;
    const number = this.#nextNumber++;
    const answered = new Promise<WireReader>((resolve, reject) => {
      const timer = setTimeout(() => this.abort(silent(this.address)), timeoutMs);
      this.#pending.set(number, { resolve, reject, timer });
    });
    this.#socket.write(this.#frame(api, version, number, request));
    const reader = await answered;
    try {
      return api.read(reader, version);
    } catch (error) {
      const reason = new DeliveryError("output_unavailable", notKafka(this.address), { cause: error });
      this.abort(reason);
      throw reason;
    }
  }

  #frame(api: Api<unknown>, version: number, number: number, request: Outgoing): Buffer {
    const { head, bodySize = 0 } = request;
    const prefix = new WireWriter().int32(0).int16(api.key).int16(version).int32(number)
      .string(this.#options.clientId);
    const bodyAt = prefix.size + head.size;
    const frame = Buffer.allocUnsafeSlow(bodyAt + bodySize);
    prefix.copyTo(frame, 0);
    frame.writeInt32BE(frame.byteLength - 4, 0);
    head.copyTo(frame, prefix.size);
    request.writeBody?.(frame.subarray(bodyAt));
    return frame;
  }

  #take(chunk: Buffer): void {
    for (const answer of this.#answers.push(chunk)) {
      if (answer === "too long") {
        return this.abort(new DeliveryError("output_unavailable", notKafka(this.address)));
      }
      const reader = new WireReader(answer);
      const number = reader.int32();
      const pending = this.#pending.get(number);
      if (pending === undefined) continue;
      this.#pending.delete(number);
      clearTimeout(pending.timer);
      pending.resolve(reader);
    }
  }
}

/** Cuts what arrives into answers, each of which comes behind its length. */
class AnswerStream {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): (Buffer | "too long")[] {
    let bytes = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const answers: (Buffer | "too long")[] = [];
    while (bytes.byteLength >= 4) {
      const size = bytes.readInt32BE(0);
      if (size < 4 || size > MAX_ANSWER) return [...answers, "too long"];
      if (bytes.byteLength < 4 + size) break;
      answers.push(bytes.subarray(4, 4 + size));
      bytes = bytes.subarray(4 + size);
    }
    this.#rest = bytes;
    return answers;
  }
}

const CLOSED = "The connection to Kafka was closed";

function openSocket(address: string, tls: ConnectionOptions | undefined): Socket {
  const separator = address.lastIndexOf(":");
  const host = address.slice(0, separator);
  const port = Number(address.slice(separator + 1));
  const server = { host, port, lookup: outputNames.lookup };
  if (tls === undefined) return connect(server);
  // Server names are host names by RFC 6066. An address is checked as the `host` that it is.
  return connectTls({ ...server, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls });
}

function endedByBroker(address: string): DeliveryError {
  return new DeliveryError("output_unavailable", `Kafka broker ${address} closed the connection`);
}

function silent(address: string): DeliveryError {
  return new DeliveryError("output_timeout", `Kafka broker ${address} did not answer in time`);
}

function notKafka(address: string): string {
  return `What answers at ${address} is not a Kafka broker, or expects TLS`;
}

function tooOld(address: string, { name }: Api<unknown>): DeliveryError {
  return new DeliveryError(
    "output_unavailable",
    `Kafka broker ${address} knows no version of ${name} from here`,
  );
}
