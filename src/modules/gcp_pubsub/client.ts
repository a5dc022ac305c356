/**
 * Requests to Pub/Sub, or to its emulator. Each is sent once, and redirects are answers like any other: whoever follows
 * them carries the token on.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { DeliveryError, errorCode } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { unreachable } from "../../io/connection.ts";
import { ANY_DESTINATION, comparableHost } from "../../io/destination_policy.ts";
import type { Endpoint } from "../../io/http/endpoint.ts";
import { HttpWebhookClient } from "../../io/http_client.ts";
import { NoAnswerError, type WholeAnswer } from "../../io/http_exchange.ts";
import { FileTls } from "../../io/tls.ts";
import { type HttpAddress, parseServer } from "../../schema/addresses.ts";
import type { ModuleContext } from "../module.ts";
import type { PubsubConnection } from "./connection.ts";
import { type Authorization, Tokens } from "./tokens.ts";

/** Where Pub/Sub is, unless the connection says where. */
const GOOGLE: HttpAddress = { protocol: "https:", hostname: "pubsub.googleapis.com", port: 443, path: "/" };

const EMULATOR_PORT = 8085;

/** Longest answer that is read, in bytes: the ids of a thousand messages have some 20 KB. */
const MAX_ANSWER = 1024 * 1024;

/** A request about a topic. */
export interface TopicRequest {
  readonly topic: string;
  /** `undefined`: that of the connection. */
  readonly projectId: string | undefined;
  /** What stands behind the topic's name in the path: `:publish`. */
  readonly action: string;
  readonly method: "GET" | "POST";
  readonly body: Uint8Array;
}

/** A client of one connection. Disposal breaks what is under way. */
export class PubsubClient implements Disposable {
  /** How messages name the service. */
  readonly name: string;
  /** Whether it is an emulator that is asked. */
  readonly isEmulator: boolean;
  readonly #connection: PubsubConnection;
  readonly #http: HttpWebhookClient;
  readonly #tokens: Tokens;
  readonly #endpoint: Endpoint;

  constructor(connection: PubsubConnection, { traces }: Pick<ModuleContext, "traces">) {
    const { protocol, hostname, port } = addressOf(connection);
    this.isEmulator = connection.emulator !== undefined;
    this.name = `Pub/Sub at ${authorityOf(hostname, port)}`;
    this.#connection = connection;
    this.#http = new HttpWebhookClient({ traces });
    this.#tokens = new Tokens(connection, this.#http);
    this.#endpoint = {
      protocol,
      hostname: comparableHost(hostname),
      port,
      policy: ANY_DESTINATION,
      ...(protocol === "https:" ? { tls: new FileTls(connection.tls) } : {}),
    };
  }

  /**
   * Sends a request and returns the answer, whatever its status.
   *
   * @throws {DeliveryError} `output_unavailable` when there is no token or no connection, or the answer breaks off;
   * `output_timeout` when the signal aborts first
   */
  async send(request: TopicRequest, signal: AbortSignal): Promise<WholeAnswer> {
    const { method, body } = request;
    try {
      signal.throwIfAborted();
      const authorization = this.isEmulator ? undefined : await this.#tokens.get(signal);
      const path = `/v1/${this.#topicOf(request, authorization)}${request.action}`;
      const headers = {
        "content-type": "application/json",
        "content-length": body.byteLength,
        "user-agent": "core-webhook-module",
        ...(authorization === undefined ? {} : { authorization: authorization.header }),
      };
      return await this.#http.fetch({ ...this.#endpoint, path }, method, headers, body, signal, MAX_ANSWER);
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  /**
   * Looks whether there is a token, and a connection can be opened.
   *
   * @throws {DeliveryError} as {@linkcode send}
   */
  async reach(signal: AbortSignal): Promise<void> {
    try {
      signal.throwIfAborted();
      if (!this.isEmulator) await this.#tokens.get(signal);
      await this.#http.reach({ ...this.#endpoint, path: "/" }, signal);
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  /** The token was refused: the next request has another. */
  forgetToken(): void {
    this.#tokens.forget();
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  #topicOf({ topic, projectId }: TopicRequest, by: Authorization | undefined): string {
    const project = projectId ?? this.#connection.projectId ?? by?.projectId;
    if (project !== undefined) return `projects/${project}/topics/${encodeURIComponent(topic)}`;
    throw new DeliveryError(
      "output_unavailable",
      "The project is not known: give project_id in the connection, or a key that names it",
    );
  }

  #failure(error: unknown, signal: AbortSignal): DeliveryError {
    if (signal.aborted) {
      return new DeliveryError("output_timeout", `${this.name} did not answer in time`, { cause: error });
    }
    const { isSent, cause } = error instanceof NoAnswerError ? error : { isSent: false, cause: error };
    if (cause instanceof DeliveryError) return cause;
    if (!isSent) return unreachable(this.name, cause);
    const message = `${this.name} did not answer in full: ${errorCode(cause)}`;
    return new DeliveryError("output_unavailable", message, { cause });
  }
}

function addressOf({ endpoint, emulator }: PubsubConnection): HttpAddress {
  if (emulator === undefined) return endpoint ?? GOOGLE;
  const { host, port } = parseServer(emulator, EMULATOR_PORT)!; // Whoever configured it has had it read.
  return { protocol: "http:", hostname: host, port, path: "/" };
}

/** No body. */
export const NO_BODY: Uint8Array = Buffer.alloc(0);
