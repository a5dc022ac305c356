/**
 * Sends HTTP requests to destinations that a policy permits, over connections that are kept. The address
 * is judged at the moment of connecting, on what the resolver said for that very connection: a name that
 * resolves to something else a moment later (DNS rebinding) gains nothing.
 *
 * @module
 */

import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { exchange, type ExchangeOptions, type WholeAnswer } from "./http_exchange.ts";
import { outputNames, type Resolver } from "./name_lookups.ts";
import type { DestinationPolicy } from "./destination_policy.ts";

/** How long an unused connection is kept, in milliseconds. Shorter than most servers keep theirs. */
const KEEP_ALIVE_MS = 30_000;

/** How much of an answer's body is read so that the connection can be used again, in bytes. */
const MAX_DRAINED_BODY = 64 * 1024;

/** How long the end of an answer's body is waited for, in milliseconds. Its status is known by then. */
const DRAIN_MS = 1000;

/** How many interim (1xx) answers may come before the final one; RFC 9110, section 15.2, allows any number. */
const MAX_INTERIM_ANSWERS = 16;

/** How long their heads may be together, in bytes. */
const MAX_INTERIM_BYTES = 16 * 1024;

/** Where a request goes. Made once, when the configuration is compiled. */
export interface Destination {
  readonly protocol: "http:" | "https:";
  /** Without brackets and final dot. */
  readonly hostname: string;
  readonly port: number;
  /** Path and query. It may hold a secret: never shown. */
  readonly path: string;
  readonly policy: DestinationPolicy;
}

/** The head of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

/** The policy refuses the address that the destination's name resolved to. Nothing was sent. */
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError";
}

/** The destination went on with interim answers instead of the final one. */
export class InterimAnswersError extends Error {
  override readonly name = "InterimAnswersError";

  constructor() {
    super("Too many interim (1xx) answers");
  }
}

interface PolicedOptions extends ExchangeOptions {
  readonly policy: DestinationPolicy;
}

/** Kept connections are shared only between requests under the same policy: the address is judged but once. */
function nameUnderPolicy(name: string, options: object | undefined): string {
  return `${name}:${(options as PolicedOptions | undefined)?.policy.key}`;
}

class PolicedHttpAgent extends http.Agent {
  override getName(options?: http.ClientRequestArgs): string {
    return nameUnderPolicy(super.getName(options), options);
  }
}

class PolicedHttpsAgent extends https.Agent {
  override getName(options?: http.ClientRequestArgs): string {
    return nameUnderPolicy(super.getName(options), options);
  }
}

/** An HTTP/1.1 client. Redirects are answers like any other; proxies are not used. */
export class HttpWebhookClient implements Disposable {
  readonly #resolve: Resolver;
  readonly #http = new PolicedHttpAgent({ keepAlive: true, timeout: KEEP_ALIVE_MS });
  readonly #https: PolicedHttpsAgent;

  /**
   * @param options.resolve finds addresses. @default {@linkcode outputNames}, the system's resolver
   * @param options.ca certificate authorities in PEM. @default those that the runtime trusts
   */
  constructor(options: { readonly resolve?: Resolver; readonly ca?: string } = {}) {
    this.#resolve = options.resolve ?? outputNames.resolve;
    const ca = options.ca === undefined ? {} : { ca: options.ca };
    this.#https = new PolicedHttpsAgent({ keepAlive: true, timeout: KEEP_ALIVE_MS, ...ca });
  }

  /**
   * Sends a request and returns the head of the answer. The runtime sends it once more, over a new
   * connection, when a kept connection turns out to have been closed by the other side.
   *
   * @throws {RefusedAddressError} when the policy refuses the address
   * @throws {InterimAnswersError} when more interim answers come than are read
   * @throws {Error} with a `code` when the destination cannot be reached or does not speak HTTP
   * @throws whatever the signal's reason is, when it aborts first
   */
  send(
    destination: Destination,
    method: string,
    headers: http.OutgoingHttpHeaders,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const request = this.#open(destination, method, headers);
      const abort = () => {
        // The runtime takes the end of a kept connection for the other side's doing, and would send it once more.
        request.reusedSocket = false;
        request.destroy(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      request.on("close", () => signal.removeEventListener("abort", abort));
      request.on("error", reject);
      request.on("information", boundInterim);
      request.on("upgrade", (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers });
      });
      request.on("response", (response) => {
        drain(response, () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
      });
      request.end(body);
    });
  }

  /**
   * Sends a request over a kept connection, as {@linkcode send} does, and reads the whole answer.
   *
   * @param maxBytes longest body that is read
   * @throws {NoAnswerError} with the error that {@linkcode send} throws as its cause, and for a longer answer
   */
  fetch(
    destination: Destination,
    method: string,
    headers: http.OutgoingHttpHeaders,
    body: Uint8Array,
    signal: AbortSignal,
    maxBytes: number,
  ): Promise<WholeAnswer> {
    return exchange(this.#optionsOf(destination, method, headers), body, maxBytes, signal);
  }

  /** Closes all connections, used or not. */
  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #open(destination: Destination, method: string, headers: http.OutgoingHttpHeaders): http.ClientRequest {
    const options = this.#optionsOf(destination, method, headers);
    return options.protocol === "https:" ? https.request(options) : http.request(options);
  }

  #optionsOf(
    { protocol, hostname, port, path, policy }: Destination,
    method: string,
    headers: http.OutgoingHttpHeaders,
  ): PolicedOptions {
    return {
      protocol,
      hostname,
      port,
      path,
      policy,
      method,
      headers,
      agent: protocol === "https:" ? this.#https : this.#http,
      lookup: this.#guardedLookup(policy, port),
    };
  }

  /** The runtime connects to no other address than those which this function hands out. */
  #guardedLookup(policy: DestinationPolicy, port: number): LookupFunction {
    return (hostname, options, callback) => {
      this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return callback(error, []);
        // One bad address refuses the name: which of several is connected to must not be a matter of luck.
        for (const { address } of addresses) {
          const reason = policy.refuseAddress(hostname, address, port);
          if (reason !== undefined) {
            return callback(new RefusedAddressError(`${hostname} resolves to ${address}: ${reason}`), []);
          }
        }
        if (options.all) return callback(null, addresses);
        const [first] = addresses;
        callback(first === undefined ? new Error(`${hostname} has no address`) : null, first?.address ?? "");
      });
    };
  }
}

/**
 * Reads the body to its end, so that the connection can be used again, or drops the connection when the
 * body is long or slow. A body that breaks off changes nothing about the status that came before it.
 */
function drain(response: http.IncomingMessage, done: () => void): void {
  let size = 0;
  const timer = setTimeout(() => response.destroy(), DRAIN_MS);
  response.on("data", (chunk: Uint8Array) => {
    size += chunk.byteLength;
    if (size > MAX_DRAINED_BODY) response.destroy();
  });
  response.on("error", () => {});
  response.on("close", () => {
    clearTimeout(timer);
    done();
  });
}

/** What has come so far of the requests that got interim answers, which few do. */
const interim = new WeakMap<http.ClientRequest, { count: number; bytes: number }>();

/** Ends a request that gets more interim answers than a destination has reason to send. */
function boundInterim(this: http.ClientRequest, { rawHeaders }: http.InformationEvent): void {
  if (this.destroyed) return;
  const seen = interim.get(this) ?? { count: 0, bytes: 0 };
  interim.set(this, seen);
  seen.count++;
  for (const text of rawHeaders) seen.bytes += text.length;
  if (seen.count > MAX_INTERIM_ANSWERS || seen.bytes > MAX_INTERIM_BYTES) {
    this.destroy(new InterimAnswersError());
  }
}
