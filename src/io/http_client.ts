/**
 * Sends HTTP requests to destinations that a policy permits, over connections that are kept. The address
 * is judged at the moment of connecting, on what the resolver said for that very connection: a name that
 * resolves to something else a moment later (DNS rebinding) gains nothing.
 *
 * It is a client of its own since that of `node:http` takes four times its processor time, which was half of what an
 * event cost from its request to its delivery.
 *
 * @module
 */

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Endpoint } from "./http/endpoint.ts";
import { type ReceivedAnswer, StaleConnectionError } from "./http/http_connection.ts";
import { KeptConnections } from "./http/kept_connections.ts";
import { requestHead, requestLine } from "./http/request_head.ts";
import type { RequestTraces } from "./http/request_traces.ts";
import { SocketOpener } from "./http/socket_opener.ts";
import { NoAnswerError, type WholeAnswer } from "./http_exchange.ts";
import { outputNames, type Resolver } from "./name_lookups.ts";

export type { ReceivedAnswer } from "./http/http_connection.ts";
export { InterimAnswersError } from "./http/answer_reader.ts";
export { RefusedAddressError } from "./http/socket_opener.ts";

/** Where a request goes. Made once, when the configuration is compiled. */
export interface Destination extends Endpoint {
  /** Path and query. It may hold a secret: never shown. */
  readonly path: string;
}

/** The head of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** How a client sends requests. */
export interface HttpClientOptions {
  readonly resolve?: Resolver;
  readonly ca?: string;
  readonly traces?: RequestTraces | undefined;
}

/** What of a destination is the same in all its requests. */
interface Prepared {
  readonly key: string;
  readonly line: string;
}

interface Request {
  readonly destination: Destination;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
  /** How much of the answer's body is kept, in bytes. */
  readonly maxKept: number;
  readonly signal: AbortSignal;
  /** Called as soon as the server may have seen something of it. */
  readonly onSent?: () => void;
}

/** An HTTP/1.1 client. Redirects are answers like any other; proxies are those of the destinations. */
export class HttpWebhookClient implements Disposable {
  readonly #opener: SocketOpener;
  readonly #traces: RequestTraces | undefined;
  readonly #connections = new KeptConnections();
  readonly #prepared = new WeakMap<Destination, Prepared>();

  /**
   * @param options.resolve finds addresses. @default {@linkcode outputNames}, the system's resolver
   * @param options.ca certificate authorities in PEM. @default those that the runtime trusts
   * @param options.traces makes requests parts of traces. @default none
   */
  constructor({ traces, ...options }: HttpClientOptions = {}) {
    this.#opener = new SocketOpener({ resolve: outputNames.resolve, ...options });
    this.#traces = traces;
  }

  /**
   * Sends a request and returns the head of the answer, and of its body as much as is to be kept. It is sent once
   * more, over a new connection, when a kept connection turns out to have been closed by the other side before
   * anything was answered.
   *
   * @param maxKept how much of the answer's body is kept, in bytes; with 0 it is not waited for long
   * @throws {RefusedAddressError} when the policy refuses the address
   * @throws {InterimAnswersError} when more interim answers come than are read
   * @throws {Error} with a `code` when the destination cannot be reached or does not speak HTTP
   * @throws whatever the signal's reason is, when it aborts first
   */
  send(
    destination: Destination,
    method: string,
    headers: OutgoingHttpHeaders,
    body: Uint8Array,
    signal: AbortSignal,
    maxKept = 0,
  ): Promise<ReceivedAnswer> {
    return this.#exchange({ destination, method, headers, body, maxKept, signal });
  }

  /**
   * Sends a request over a kept connection, as {@linkcode send} does, and reads the whole answer.
   *
   * @param maxBytes longest body that is read
   * @throws {NoAnswerError} with the error that {@linkcode send} throws as its cause, and for a longer answer
   */
  async fetch(
    destination: Destination,
    method: string,
    headers: OutgoingHttpHeaders,
    body: Uint8Array,
    signal: AbortSignal,
    maxBytes: number,
  ): Promise<WholeAnswer> {
    let isSent = false;
    const onSent = () => isSent = true;
    // One byte more shows that there is more.
    const request = { destination, method, headers, body, maxKept: maxBytes + 1, signal, onSent };
    const answer = await this.#exchange(request).catch((cause) => {
      throw new NoAnswerError(isSent, cause);
    });
    if (answer.body.byteLength > maxBytes) {
      throw new NoAnswerError(true, new Error(`the answer is longer than ${maxBytes} bytes`));
    }
    if (!answer.isWhole) {
      throw new NoAnswerError(true, signal.aborted ? signal.reason : new Error("the answer broke off"));
    }
    return answer;
  }

  /**
   * Looks whether a connection to a destination can be opened. Nothing is sent.
   *
   * @throws what {@linkcode send} throws when it cannot
   */
  async reach(destination: Destination, signal: AbortSignal): Promise<void> {
    const socket = await this.#opener.open(destination, signal);
    socket.destroy();
  }

  /** Closes all connections, used or not. */
  [Symbol.dispose](): void {
    this.#connections[Symbol.dispose]();
  }

  #exchange(request: Request): Promise<ReceivedAnswer> {
    return this.#traces === undefined ? this.#sendAndReceive(request) : this.#trace(this.#traces, request);
  }

  async #trace(traces: RequestTraces, request: Request): Promise<ReceivedAnswer> {
    const span = traces.begin(request.method, request.destination);
    try {
      const headers = { ...request.headers, ...span.headers };
      const answer = await this.#sendAndReceive({ ...request, headers });
      span.end(answer);
      return answer;
    } catch (error) {
      span.end({ error });
      throw error;
    }
  }

  async #sendAndReceive(request: Request): Promise<ReceivedAnswer> {
    const { destination, method, headers, body, maxKept, signal, onSent } = request;
    signal.throwIfAborted();
    const { key, line } = this.#prepare(destination);
    const head = requestHead(method, line, headers);
    const kept = this.#connections.take(key);
    if (kept !== undefined) {
      try {
        onSent?.();
        return await kept.send(head, body, maxKept, signal);
      } catch (error) {
        if (!(error instanceof StaleConnectionError)) throw error;
      }
    }
    const connection = this.#connections.add(await this.#opener.open(destination, signal), key);
    onSent?.();
    return await connection.send(head, body, maxKept, signal);
  }

  #prepare(destination: Destination): Prepared {
    let prepared = this.#prepared.get(destination);
    if (prepared === undefined) {
      prepared = { key: this.#opener.keyOf(destination), line: requestLine(destination) };
      this.#prepared.set(destination, prepared);
    }
    return prepared;
  }
}
