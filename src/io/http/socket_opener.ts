/**
 * Opens connections to destinations. Whatever belongs to the way from here to a destination is here: which addresses
 * its name has, whether its policy permits them, proxies, TLS.
 *
 * @module
 */

import type { LookupAddress } from "node:dns";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { abortable } from "../../time/abortable.ts";
import { errorCode } from "../../errors.ts";
import type { Resolver } from "../name_lookups.ts";
import type { TlsOptions } from "../tls.ts";
import type { Endpoint, HttpProxy } from "./endpoint.ts";
import { HappyEyeballs } from "./happy_eyeballs.ts";
import { ProxyError } from "./proxy.ts";
import { readySocket } from "./ready_socket.ts";
import { openTunnel } from "./tunnel.ts";

/** How connections are opened. */
export interface SocketOpenerOptions {
  /** Finds addresses. */
  readonly resolve: Resolver;
  /** Certificate authorities in PEM. @default those that the runtime trusts */
  readonly ca?: string;
}

const SOCKET_OPTIONS = { noDelay: true, keepAlive: true };

/** The policy refuses the address that the destination's name resolved to. Nothing was sent. */
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError";
}

/** Opens connections, of which those to one endpoint can take the place of each other. */
export class SocketOpener {
  readonly #options: SocketOpenerOptions;
  readonly #eyeballs = new HappyEyeballs();

  constructor(options: SocketOpenerOptions) {
    this.#options = options;
  }

  /**
   * Equal for endpoints that may share a connection: under the same policy only, since the address is judged but
   * once, by the same TLS and through the same proxy.
   */
  keyOf({ protocol, hostname, port, policy, tls, proxy }: Endpoint): string {
    const key = `${protocol}//${hostname}:${port} ${policy.key} ${tls?.key}`;
    return proxy === undefined ? key : `${key} ${proxy.authorization} ${this.keyOf(proxy)}`;
  }

  /**
   * Opens a connection to the first address that answers, with TLS for `https:`. Through a proxy it is one to the proxy
   * for `http:`, where each request says its destination.
   *
   * @throws {RefusedAddressError} when the policy refuses an address
   * @throws {ProxyError} when the proxy cannot be reached or does not open the way
   * @throws {DeliveryError} when the endpoint's own TLS cannot be read
   * @throws {Error} with a `code` when the endpoint cannot be reached
   * @throws whatever the signal's reason is, when it aborts first
   */
  async open(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
    signal.throwIfAborted();
    const { protocol, proxy, tls } = endpoint;
    const isHttps = protocol === "https:";
    const own = isHttps ? await tls?.load(signal) : undefined;
    const socket = proxy === undefined
      ? await this.#connect(endpoint, signal)
      : await this.#connectThrough(proxy, endpoint, signal);
    return isHttps ? await this.#secure(endpoint, own, socket, signal) : socket;
  }

  async #connect(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
    const addresses = await abortable(this.#addressesOf(endpoint), signal);
    const { port } = endpoint;
    const open = ({ address }: LookupAddress) => connect({ host: address, port, ...SOCKET_OPTIONS });
    return await this.#eyeballs.connect(addresses, open, signal);
  }

  async #connectThrough(proxy: HttpProxy, endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
    const socket = await this.open(proxy, signal).catch((cause) => {
      if (signal.aborted || cause instanceof RefusedAddressError) throw cause;
      throw new ProxyError(proxy, `cannot be reached: ${errorCode(cause)}`, { cause });
    });
    if (endpoint.protocol === "https:") await openTunnel(socket, endpoint, proxy, signal);
    return socket;
  }

  #secure(
    { hostname }: Endpoint,
    own: Partial<TlsOptions> | undefined,
    socket: Socket,
    signal: AbortSignal,
  ): Promise<Socket> {
    const { ca } = this.#options;
    const secured = connectTls({
      socket,
      host: hostname,
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...own,
      ALPNProtocols: ["http/1.1"],
    });
    return readySocket(secured, "secureConnect", signal);
  }

  /** A connection is made to no other address than these. */
  async #addressesOf({ hostname, port, policy }: Endpoint): Promise<readonly LookupAddress[]> {
    const addresses = await this.#resolve(hostname);
    // One bad address refuses the name: which of several is connected to must not be a matter of luck.
    for (const { address } of addresses) {
      const reason = policy.refuseAddress(hostname, address, port);
      if (reason !== undefined) {
        throw new RefusedAddressError(`${hostname} resolves to ${address}: ${reason}`);
      }
    }
    return addresses;
  }

  #resolve(hostname: string): Promise<readonly LookupAddress[]> {
    const family = isIP(hostname);
    if (family !== 0) return Promise.resolve([{ address: hostname, family }]);
    return new Promise((resolve, reject) => {
      this.#options.resolve(hostname, { all: true }, (error, addresses) => {
        if (error === null) resolve(addresses);
        else reject(error);
      });
    });
  }
}
