/**
 * Signed requests to a service of AWS, or to what speaks like one (AWS Signature Version 4).
 *
 * Each is sent once, over connections that are kept, to the address that the configuration names: redirects are answers
 * like any other, since whoever follows them carries the signature on.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";
import { AwsV4Signer } from "aws4fetch";
import { DeliveryError, errorCode } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { unreachable } from "../../io/connection.ts";
import { ANY_DESTINATION, comparableHost } from "../../io/destination_policy.ts";
import type { Endpoint } from "../../io/http/endpoint.ts";
import type { RequestTraces } from "../../io/http/request_traces.ts";
import { type Destination, HttpWebhookClient } from "../../io/http_client.ts";
import { NoAnswerError } from "../../io/http_exchange.ts";
import { FileTls } from "../../io/tls.ts";
import type { HttpAddress } from "../../schema/addresses.ts";
import type { ModuleContext } from "../module.ts";
import { type AwsConnection, endpointOf } from "./connection.ts";
import { type AwsAnswer, type AwsRefusal, readRefusal } from "./refusal.ts";
import type { AwsVerdicts } from "./verdicts.ts";

/** Longest answer that is read, in bytes: an error, a listing, or the results of a batch. */
const MAX_ANSWER = 1024 * 1024;

/** Keys of signatures that are remembered: one is used for a day. */
const MAX_SIGNING_KEYS = 4;

/** A request. */
export interface AwsRequest {
  readonly method: string;
  /** Path and query, percent-encoded. @default `/` */
  readonly path?: string;
  /** The host, where it is another than the endpoint's, such as one with a bucket's name before it. */
  readonly hostname?: string;
  /** All but `x-amz-date`, `x-amz-content-sha256` and `authorization`. Values are ASCII. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** SHA-256 of the body in hexadecimal digits, where it is known. */
  readonly sha256?: string;
}

const NO_BODY = new Uint8Array();

/** A service, and what its errors mean. */
export interface AwsService {
  /** Begins sentences about it, for example `S3`. */
  readonly title: string;
  /** As signatures name it, for example `s3`. */
  readonly id: string;
  /** The beginning of its host's name at AWS. @default `id` */
  readonly host?: string;
  readonly verdicts: AwsVerdicts;
}

/** The service has answered that it does not do what it was asked for. */
export class AwsRefused extends Error {
  override readonly name = "AwsRefused";

  /** @param error what it means for the events that met it */
  constructor(readonly refusal: AwsRefusal, readonly error: DeliveryError) {
    super(error.message);
  }
}

/** A client of one service. Disposal breaks all connections. */
export class AwsClient implements Disposable {
  /** How messages name the service. */
  readonly name: string;
  readonly #verdicts: AwsVerdicts;
  readonly #http: HttpWebhookClient;
  readonly #endpoint: Endpoint;
  /** What all signatures are made from. */
  readonly #signing: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
    readonly region: string;
    readonly service: string;
  };
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  private constructor(
    { title, id, verdicts }: AwsService,
    endpoint: HttpAddress,
    { credentials, region, tls }: AwsConnection,
    traces: RequestTraces | undefined,
  ) {
    const { protocol, hostname, port } = endpoint;
    this.name = `${title} at ${authorityOf(hostname, port)}`;
    this.#verdicts = verdicts;
    this.#http = new HttpWebhookClient({ traces });
    this.#endpoint = {
      protocol,
      hostname: comparableHost(hostname),
      port,
      policy: ANY_DESTINATION,
      tls: new FileTls(tls),
    };
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    this.#signing = {
      accessKeyId,
      secretAccessKey,
      region,
      service: id,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
  }

  /** Makes a client. Nothing is sent yet. @param context makes requests parts of traces. @default none */
  static open(
    service: AwsService,
    connection: AwsConnection,
    { traces }: Pick<ModuleContext, "traces"> = {},
  ): AwsClient {
    return new AwsClient(service, endpointOf(connection, service.host ?? service.id), connection, traces);
  }

  /**
   * Sends a request and returns the answer of a success, which has a status of 200 to 299.
   *
   * @param what the request was about, for messages: nothing of an event
   * @throws {AwsRefused} for any other answer
   * @throws {DeliveryError} what {@linkcode send} throws
   */
  async ask(request: AwsRequest, what: string, signal: AbortSignal): Promise<AwsAnswer> {
    const answer = await this.send(request, signal);
    if (answer.status >= 200 && answer.status < 300) return answer;
    const refusal = readRefusal(answer);
    throw new AwsRefused(refusal, this.#verdicts.judge(refusal, this.name, what));
  }

  /**
   * Sends a request and returns the answer, whatever its status.
   *
   * @throws {DeliveryError} `output_unavailable` when there is no connection or it breaks before the answer is whole,
   * `output_timeout` when the signal aborts first
   */
  async send(request: AwsRequest, signal: AbortSignal): Promise<AwsAnswer> {
    const { method, path = "/", body = NO_BODY } = request;
    const destination = { ...this.#endpoint, hostname: request.hostname ?? this.#endpoint.hostname, path };
    try {
      signal.throwIfAborted();
      const headers = await this.#sign(destination, request, body);
      headers["content-length"] = body.byteLength;
      return await this.#http.fetch(destination, method, headers, body, signal, MAX_ANSWER);
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #sign(
    destination: Destination,
    { method, headers, sha256 }: AwsRequest,
    body: Uint8Array,
  ): Promise<OutgoingHttpHeaders> {
    if (this.#signingKeys.size >= MAX_SIGNING_KEYS) this.#signingKeys.clear();
    const signer = new AwsV4Signer({
      method,
      url: urlOf(destination),
      headers: { ...headers, "x-amz-content-sha256": sha256 ?? hash("sha256", body, "hex") },
      ...this.#signing,
      cache: this.#signingKeys,
    });
    const signed = await signer.sign();
    return { "user-agent": "core-webhook-module", ...Object.fromEntries(signed.headers) };
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

function urlOf({ protocol, hostname, port, path }: Destination): string {
  return `${protocol}//${authorityOf(hostname, port)}${path}`;
}
