/**
 * Calls to one etcd member over one connection: deadlines, authentication, and errors with a kind.
 *
 * `npm:etcd3` brings the services; its own pooling, retries, circuit breaker and token handling are left
 * aside. They retry invisibly, leak a channel with every token, and call an endpoint without end while it
 * says that a token is not valid.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Channel, type Client, type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Etcd3, type IAuthenticateResponse, type IRangeRequest, type IWatchRequest } from "etcd3";
import { type EtcdCredentials, readCredential } from "../credentials.ts";
import type { EtcdEndpoint } from "./endpoint.ts";
import { type EtcdHeader, readIsLearner } from "./fields.ts";
import { EtcdPage } from "./page.ts";
import { decodeWatchMessage, type WatchMessage } from "./watch_message.ts";
import { type EtcdTlsFiles, EtcdTransport, type KeepAlive } from "./transport.ts";

/** What kind of failure a call met. */
export type EtcdFailure =
  /** No connection, or it broke. */
  | "unreachable"
  /** No answer in time: a frozen server, or a member without a leader. */
  | "timeout"
  /** The user, the password, the token or the role is not accepted. */
  | "denied"
  /** The revision asked for was compacted, or is yet to come. */
  | "out_of_range"
  /** Authentication is not enabled in etcd. */
  | "precondition"
  /** The member is a learner, which serves no reads that others have to agree on. */
  | "learner"
  | "other";

const FAILURES: Readonly<Partial<Record<status, EtcdFailure>>> = {
  [status.UNAVAILABLE]: "unreachable",
  [status.CANCELLED]: "unreachable",
  [status.DEADLINE_EXCEEDED]: "timeout",
  [status.PERMISSION_DENIED]: "denied",
  [status.UNAUTHENTICATED]: "denied",
  // Well-formed requests get it for a wrong password, a missing token and an outdated one.
  [status.INVALID_ARGUMENT]: "denied",
  [status.OUT_OF_RANGE]: "out_of_range",
  [status.FAILED_PRECONDITION]: "precondition",
};

/**
 * How long after a channel began to connect its timer for a second address may be left, in milliseconds. A
 * channel that is closed meanwhile does not clear it (`load-balancer-pick-first.js` of `@grpc/grpc-js` 1.14).
 */
const CONNECTING_TIMER_MS = 260;

/** The failures behind which a learner may stand: up to etcd 3.5 it is unavailable, since then a precondition. */
const MAY_BE_LEARNER: readonly EtcdFailure[] = ["unreachable", "precondition", "other"];

/** How long a member may take to say that it is a learner, in milliseconds. */
const LEARNER_TIMEOUT_MS = 500;

/** A failed call to etcd. The message names the endpoint and etcd's reason, never a credential. */
export class EtcdCallError extends Error {
  override readonly name = "EtcdCallError";
  /** Whether the endpoint had at least accepted a TCP connection. */
  wasAccepted = true;

  constructor(readonly failure: EtcdFailure, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The two directions of a watch. */
export interface EtcdWatchStream {
  on(event: "data", listener: (message: WatchMessage) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: "end", listener: () => void): this;
  write(request: IWatchRequest): boolean;
}

/** Whom to connect as, and how long to wait. */
export interface EtcdConnectionOptions {
  /** @default nobody: etcd must not ask for a user */
  readonly credentials?: EtcdCredentials;
  readonly tls?: EtcdTlsFiles;
  readonly keepAlive: KeepAlive;
  /** How long the first answer may take, in milliseconds: connection, TLS and authentication together. */
  readonly connectTimeoutMs: number;
  /** How long a small read may take, in milliseconds. */
  readonly callTimeoutMs: number;
  /** The key that small reads ask for; the user's role must cover it. It need not exist. */
  readonly probeKey: Uint8Array;
}

/** What {@linkcode EtcdConnection.open} has opened. Disposal closes the connection. */
export interface OpenedConnection extends AsyncDisposable {
  readonly connection: EtcdConnection;
  /** The header of its first answer. */
  readonly header: EtcdHeader;
}

/** A connection on which etcd has answered. Disposal fails all calls under way. */
export class EtcdConnection implements AsyncDisposable {
  readonly endpoint: EtcdEndpoint;
  readonly #options: EtcdConnectionOptions;
  readonly #transport: EtcdTransport;
  readonly #etcd: SingleChannelEtcd;
  #token: string | undefined;
  #renewal: Promise<void> | undefined;
  readonly #closing = new AbortController();

  private constructor(endpoint: EtcdEndpoint, transport: EtcdTransport, options: EtcdConnectionOptions) {
    this.endpoint = endpoint;
    this.#transport = transport;
    this.#options = options;
    this.#etcd = new SingleChannelEtcd(transport.channel);
  }

  /**
   * Connects and authenticates. It waits no longer than `connectTimeoutMs`, and returns only once the
   * member has answered a linearizable read, which one without a leader cannot.
   *
   * @throws {EtcdCallError} with the reason
   */
  static async open(
    endpoint: EtcdEndpoint,
    options: EtcdConnectionOptions,
    signal: AbortSignal,
  ): Promise<OpenedConnection> {
    const begunAt = performance.now();
    await using resources = new AsyncDisposableStack();
    const transport = resources.use(await openTransport(endpoint, options, signal));
    const connection = new EtcdConnection(endpoint, transport, options);
    const abort = () => void transport[Symbol.asyncDispose]();
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      const deadline = Date.now() + options.connectTimeoutMs;
      if (options.credentials !== undefined) await connection.#authenticate(deadline, signal);
      const header = await connection.probe(deadline);
      resources.move();
      return { connection, header, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() };
    } catch (error) {
      if (signal.aborted) await sleep(Math.max(0, begunAt + CONNECTING_TIMER_MS - performance.now()));
      if (error instanceof EtcdCallError) error.wasAccepted = transport.wasAccepted;
      throw await connection.#isLearner(error) ? learnerError(endpoint) : error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * With authentication a member of 3.5 or later gives its status to those alone who have logged in, which
   * nobody can at a learner. It is known by what it handles: the question for the status, but not the one for
   * the members, which a voting member handles without asking others. Both are asked at the same time, so that
   * a connection that breaks, or a leader that goes, takes both of them.
   *
   * @see https://github.com/etcd-io/etcd/blob/v3.6.2/server/etcdserver/api/v3rpc/util.go `isRPCSupportedForLearner`
   */
  async #isLearner(error: unknown): Promise<boolean> {
    if (!mayBeLearner(error)) return false;
    const deadline = Date.now() + LEARNER_TIMEOUT_MS;
    const [status, members] = await Promise.allSettled([
      this.#call("Maintenance", "status", {}, deadline, readIsLearner),
      this.#call("Cluster", "memberList", {}, deadline),
    ]);
    if (status.status === "fulfilled") return status.value;
    const isHandled = (status.reason as EtcdCallError).failure === "denied";
    return isHandled && members.status === "rejected" && mayBeLearner(members.reason);
  }

  /** The cheapest read that proves that the member takes part in the cluster. */
  async probe(deadline: number = Date.now() + this.#options.callTimeoutMs): Promise<EtcdHeader> {
    const key = this.#options.probeKey as Buffer;
    return (await this.range({ key, keys_only: true }, deadline)).header;
  }

  /**
   * @param deadline in milliseconds since 1970
   * @throws {EtcdCallError}
   */
  async range(request: IRangeRequest, deadline: number): Promise<EtcdPage> {
    const token = this.#token;
    const call = () => this.#call("KV", "range", request, deadline, EtcdPage.decode);
    try {
      return await call();
    } catch (error) {
      // Tokens expire, and whoever changes users or roles makes the ones given out before worthless.
      const mayRenew = error instanceof EtcdCallError && error.failure === "denied";
      if (!mayRenew || this.#options.credentials === undefined) throw error;
      if (this.#token === token) await this.#renew(deadline);
      return await call();
    }
  }

  /** Opens the stream of a watch. It is up to the caller to listen to its errors at once. */
  async watch(): Promise<EtcdWatchStream> {
    return await this.#etcd.openWatch(this.#token);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#transport[Symbol.asyncDispose]();
  }

  async #renew(deadline: number): Promise<void> {
    this.#renewal ??= this.#authenticate(deadline, this.#closing.signal).finally(() =>
      this.#renewal = undefined
    );
    await this.#renewal;
  }

  async #authenticate(deadline: number, signal: AbortSignal): Promise<void> {
    const request = await readLogin(this.#options.credentials!, deadline, signal);
    this.#token = undefined;
    try {
      const answer = await this.#call<IAuthenticateResponse>("Auth", "authenticate", request, deadline);
      this.#token = answer.token;
    } catch (error) {
      // Credentials are configured, and etcd does not ask for them (yet).
      if (error instanceof EtcdCallError && error.failure === "precondition") return;
      throw error;
    }
  }

  async #call<Response>(
    service: UnaryService,
    method: string,
    request: unknown,
    deadline: number,
    decode?: Decode<Response>,
  ): Promise<Response> {
    try {
      return await this.#etcd.call({ service, method, request, deadline, decode }, this.#token);
    } catch (error) {
      throw toCallError(error, `${method} at ${this.endpoint.name}`);
    }
  }
}

/**
 * Name and password as they are now, as etcd's `AuthenticateRequest` has them.
 *
 * @param deadline in milliseconds since 1970
 * @param aborted ends the wait for files that do not answer, as the deadline does
 * @throws {EtcdCallError} `denied` when a file of theirs cannot be read
 */
export async function readLogin(
  { username, password }: EtcdCredentials,
  deadline: number,
  aborted?: AbortSignal,
): Promise<{ readonly name: string; readonly password: string }> {
  const late = AbortSignal.timeout(Math.max(0, deadline - Date.now()));
  const signal = aborted === undefined ? late : AbortSignal.any([aborted, late]);
  try {
    return { name: await readCredential(username, signal), password: await readCredential(password, signal) };
  } catch (cause) {
    const message = `Cannot log in to etcd: ${(cause as Error).message}`;
    throw new EtcdCallError("denied", message, { cause });
  }
}

async function openTransport(
  endpoint: EtcdEndpoint,
  options: EtcdConnectionOptions,
  signal: AbortSignal,
): Promise<EtcdTransport> {
  try {
    return await EtcdTransport.open(endpoint, options.tls, options.keepAlive, signal);
  } catch (cause) {
    const message = `Cannot prepare TLS for ${endpoint.name}: ${(cause as Error).message}`;
    throw new EtcdCallError("other", message, { cause });
  }
}

function mayBeLearner(error: unknown): boolean {
  return error instanceof EtcdCallError && MAY_BE_LEARNER.includes(error.failure);
}

function learnerError({ name }: EtcdEndpoint): EtcdCallError {
  return new EtcdCallError(
    "learner",
    `Cannot read from etcd at ${name}: it is a learner, which does not vote: name voting members only`,
  );
}

/** Gives an error of gRPC its kind. */
export function toCallError(error: unknown, action: string): EtcdCallError {
  const code = (error as Partial<ServiceError>).code;
  const failure = (code === undefined ? undefined : FAILURES[code]) ?? "other";
  return new EtcdCallError(failure, `Cannot call ${action}: ${(error as Error).message}`, {
    cause: error,
  });
}

type UnaryService = "KV" | "Auth" | "Maintenance" | "Cluster";

type Decode<Response> = (bytes: Uint8Array) => Response;

/** A call that is answered once. */
interface UnaryCall<Response> {
  readonly service: UnaryService;
  readonly method: string;
  readonly request: unknown;
  readonly deadline: number;
  /** Reads the answer from its bytes. @default as `npm:etcd3` does */
  readonly decode: Decode<Response> | undefined;
}

/** What `@grpc/grpc-js` says of a method on the method itself. */
interface MethodDefinition {
  readonly path: string;
  readonly requestSerialize: (request: unknown) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** The services of `npm:etcd3` on a channel of our own, past its fault handling. */
class SingleChannelEtcd extends Etcd3 {
  constructor(channel: Channel) {
    // The host is never dialled: every service is given the channel.
    super({ hosts: "channel", grpcOptions: { channelOverride: channel } });
  }

  /** @throws {ServiceError} as gRPC made it */
  async call<Response>(call: UnaryCall<Response>, token: string | undefined): Promise<Response> {
    const { service, method, request, deadline, decode } = call;
    // Errors are carried around the pool, which would replace them by its own and lose their codes.
    const { error, response } = await this.pool.withConnection(service, (connection) => {
      const client = connection.client as unknown as Client & Readonly<Record<string, MethodDefinition>>;
      const { path, requestSerialize, responseDeserialize } = client[method]!;
      addMetadata(connection.metadata, token);
      return new Promise<{ readonly error: ServiceError | null; readonly response: unknown }>((resolve) => {
        client.makeUnaryRequest(
          path,
          requestSerialize,
          decode ?? responseDeserialize,
          request,
          connection.metadata,
          { deadline },
          (error, response) => resolve({ error, response }),
        );
      });
    });
    if (error !== null) throw error;
    return response as Response;
  }

  async openWatch(token: string | undefined): Promise<EtcdWatchStream> {
    return await this.pool.withConnection("Watch", ({ client, metadata }) => {
      const caller = client as unknown as Client & { readonly watch: MethodDefinition };
      const { path, requestSerialize } = caller.watch;
      addMetadata(metadata, token);
      return caller.makeBidiStreamRequest(path, requestSerialize, decodeWatchMessage, metadata, {});
    });
  }
}

function addMetadata(metadata: Metadata, token: string | undefined): void {
  if (token !== undefined) metadata.set("token", token);
  // A member that has lost the cluster then ends the watch and refuses reads, rather than going quiet.
  metadata.set("hasleader", "true");
}
