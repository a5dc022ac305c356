/**
 * Transactions at etcd, for a migration.
 *
 * @module
 */

import type { Channel, Metadata, ServiceError } from "@grpc/grpc-js";
import { Etcd3, type IAuthenticateResponse, type ITxnRequest, type ITxnResponse } from "etcd3";
import { EtcdCallError, readLogin, toCallError } from "../../config/etcd/wire/connection.ts";
import type { EtcdCredentials } from "../../config/etcd/credentials.ts";
import type { EtcdEndpoint } from "../../config/etcd/wire/endpoint.ts";
import { type EtcdTlsFiles, EtcdTransport, type KeepAlive } from "../../config/etcd/wire/transport.ts";

/** Whom to connect as, and how long to wait. */
export interface EtcdWriterOptions {
  readonly credentials?: EtcdCredentials;
  readonly tls?: EtcdTlsFiles;
  readonly keepAlive: KeepAlive;
  /** How long one transaction may take, in milliseconds: connection and authentication included. */
  readonly timeoutMs: number;
}

/** Transactions at one etcd member. Disposal fails the one under way. */
export class EtcdWriter implements AsyncDisposable {
  readonly #endpoint: EtcdEndpoint;
  readonly #options: EtcdWriterOptions;
  readonly #transport: EtcdTransport;
  readonly #etcd: WritingEtcd;
  #token: string | undefined;

  private constructor(endpoint: EtcdEndpoint, transport: EtcdTransport, options: EtcdWriterOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#transport = transport;
    this.#etcd = new WritingEtcd(transport.channel);
  }

  /** The connection itself is made by the first transaction. */
  static async open(endpoint: EtcdEndpoint, options: EtcdWriterOptions): Promise<EtcdWriter> {
    const transport = await EtcdTransport.open(endpoint, options.tls, options.keepAlive);
    return new EtcdWriter(endpoint, transport, options);
  }

  /** @throws {EtcdCallError} when it failed, or when it is not known whether it did */
  async commit(request: ITxnRequest): Promise<ITxnResponse> {
    const deadline = Date.now() + this.#options.timeoutMs;
    const isFirst = this.#token === undefined;
    if (isFirst) await this.#authenticate(deadline);
    try {
      return await this.#call("KV", "txn", request, deadline) as ITxnResponse;
    } catch (error) {
      // Tokens expire, and what was refused was not done.
      const mayRenew = error instanceof EtcdCallError && error.failure === "denied" && !isFirst;
      if (!mayRenew || this.#options.credentials === undefined) throw error;
      await this.#authenticate(deadline);
      return await this.#call("KV", "txn", request, deadline) as ITxnResponse;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async #authenticate(deadline: number): Promise<void> {
    const { credentials } = this.#options;
    if (credentials === undefined) return;
    const login = await readLogin(credentials, deadline);
    this.#token = undefined;
    try {
      const answer = await this.#call("Auth", "authenticate", login, deadline);
      this.#token = (answer as IAuthenticateResponse).token;
    } catch (error) {
      // Credentials are configured, and etcd does not ask for them.
      if (!(error instanceof EtcdCallError && error.failure === "precondition")) throw error;
    }
  }

  async #call(service: "KV" | "Auth", method: string, request: unknown, deadline: number): Promise<unknown> {
    try {
      return await this.#etcd.call(service, method, request, deadline, this.#token);
    } catch (error) {
      throw toCallError(error, `${method} at ${this.#endpoint.name}`);
    }
  }
}

type UnaryMethod = (
  request: unknown,
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, response: unknown) => void,
) => void;

/** The services of `npm:etcd3` on a channel of our own: its retries might write a second time. */
class WritingEtcd extends Etcd3 {
  constructor(channel: Channel) {
    // The host is never dialled: every service is given the channel.
    super({ hosts: "channel", grpcOptions: { channelOverride: channel } });
  }

  /** @throws {ServiceError} as gRPC made it */
  async call(
    service: "KV" | "Auth",
    method: string,
    request: unknown,
    deadline: number,
    token: string | undefined,
  ): Promise<unknown> {
    // Errors are carried around the pool, which would replace them by its own and lose their codes.
    const { error, response } = await this.pool.withConnection(service, ({ client, metadata }) => {
      const methods = client as unknown as Readonly<Record<string, UnaryMethod>>;
      if (token !== undefined) metadata.set("token", token);
      // A member that has lost the cluster then refuses at once.
      metadata.set("hasleader", "true");
      return new Promise<{ readonly error: ServiceError | null; readonly response: unknown }>((resolve) => {
        methods[method]!.call(client, request, metadata, { deadline }, (error, response) => {
          resolve({ error, response });
        });
      });
    });
    if (error !== null) throw error;
    return response;
  }
}
