/**
 * One gRPC channel to one etcd member, over sockets that this file keeps track of: `@grpc/grpc-js` alone
 * neither says when a closed channel is gone, nor lets go of a connection that a frozen server never
 * completes, nor speaks TLS to an IP address on Deno.
 *
 * @module
 */

import { isIP, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { CallCredentials, Channel, ChannelCredentials } from "@grpc/grpc-js";
import { readPemFiles } from "../../../io/tls.ts";
import type { EtcdEndpoint } from "./endpoint.ts";
import { RESOLVER_SCHEME } from "./resolver.ts";
import { within } from "../../../time/within.ts";

/** Files for TLS, in PEM. */
export interface EtcdTlsFiles {
  /** Certificate authorities to trust. @default those of the system */
  readonly caFile?: string;
  /** The client's certificate; needs `keyFile`. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** How a connection notices that its peer is gone, in milliseconds. */
export interface KeepAlive {
  /** Between two pings. etcd refuses clients that ping more often than every 5 s by default. */
  readonly intervalMs: number;
  /** How long the answer to a ping may take. */
  readonly timeoutMs: number;
}

/** The channel's own back-off, in milliseconds. Its timer outlives a closed channel. */
const BACKOFF_MS = 1;

/** How long sockets may take to close, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** An open or opening channel. Disposal breaks its connections and resolves when they are closed. */
export class EtcdTransport implements AsyncDisposable {
  readonly channel: Channel;
  readonly #sockets = new Set<Socket>();
  #closed = false;
  #wasAccepted = false;

  private constructor(endpoint: EtcdEndpoint, context: SecureContext | undefined, keepAlive: KeepAlive) {
    const secure = context === undefined
      ? undefined
      : (socket: Socket) => this.#secure(socket, endpoint.host, context);
    const credentials = new TrackedCredentials(async (socket) => {
      this.#track(socket);
      return secure === undefined ? socket : await secure(socket);
    }, secure !== undefined);
    this.channel = new Channel(`${RESOLVER_SCHEME}:${endpoint.address}`, credentials, {
      // A pool shared with an earlier channel would hand out its broken connection and its back-off.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.keepalive_time_ms": keepAlive.intervalMs,
      "grpc.keepalive_timeout_ms": keepAlive.timeoutMs,
      "grpc.keepalive_permit_without_calls": 1,
      // One value may have 1.5 MiB, and one revision may delete any number of keys.
      "grpc.max_receive_message_length": -1,
      // etcdctl does not go through HTTP proxies either.
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_retries": 0,
      // Waiting between connections is not the channel's business: it is closed after its first failure.
      "grpc.initial_reconnect_backoff_ms": BACKOFF_MS,
      "grpc.max_reconnect_backoff_ms": BACKOFF_MS,
      "grpc.enable_channelz": 0,
    });
  }

  /**
   * Reads the TLS files, so that every new connection takes up renewed certificates. The connection itself
   * is made by the first call.
   *
   * @param signal ends the wait for a file that does not answer
   * @throws {Error} when a TLS file cannot be read or holds no valid PEM
   */
  static async open(
    endpoint: EtcdEndpoint,
    tls: EtcdTlsFiles | undefined,
    keepAlive: KeepAlive,
    signal?: AbortSignal,
  ): Promise<EtcdTransport> {
    return new EtcdTransport(endpoint, endpoint.secure ? await readTls(tls, signal) : undefined, keepAlive);
  }

  /** Whether the endpoint has accepted a TCP connection. */
  get wasAccepted(): boolean {
    return this.#wasAccepted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.channel.close();
    // The next connection must not depend on a socket that does not go away.
    await within(CLOSE_TIMEOUT_MS, Promise.all(Array.from(this.#sockets, destroy)));
    await sleep(2 * BACKOFF_MS);
  }

  #track(socket: Socket): void {
    if (this.#closed) {
      socket.destroy();
      throw new Error("Cannot use a connection that was made after its channel was closed");
    }
    this.#wasAccepted = true;
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #secure(socket: Socket, host: string, context: SecureContext): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const tlsSocket = connectTls({
        socket,
        host,
        // Server names are host names by RFC 6066. For an address, `host` is what the certificate must name.
        ...(isIP(host) === 0 ? { servername: host } : {}),
        secureContext: context,
        ALPNProtocols: ["h2"],
      }, () => resolve(tlsSocket));
      tlsSocket.on("error", reject);
      // A server that hangs up in the handshake, as it does on a missing certificate, may send no error.
      tlsSocket.once(
        "close",
        () => reject(new Error("The server closed the connection in the TLS handshake")),
      );
      this.#track(tlsSocket);
    });
  }
}

/** Breaks a connection; resolves when it is closed. */
function destroy(socket: Socket): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.destroy();
  return closed;
}

async function readTls(files: EtcdTlsFiles = {}, signal?: AbortSignal): Promise<SecureContext> {
  const { caFile: ca, certFile: cert, keyFile: key } = files;
  return createSecureContext({ ...await readPemFiles({ ca, cert, key }, {}, { signal }) });
}

/** Credentials that hand each new TCP connection to a function before HTTP/2 begins on it. */
class TrackedCredentials extends ChannelCredentials {
  constructor(
    private readonly prepare: (socket: Socket) => Promise<Socket>,
    private readonly secure: boolean,
  ) {
    super();
  }

  override _isSecure(): boolean {
    return this.secure;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(): SecureConnector {
    return {
      connect: async (socket) => ({ socket: await this.prepare(socket), secure: this.secure }),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => CallCredentials.createEmpty(),
      destroy: () => {},
    };
  }
}
