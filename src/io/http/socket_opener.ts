/**
 * Opens connections to destinations. Whatever belongs to the way from here to a destination is here: which addresses
 * its name has, whether its policy permits them, TLS.
 *
 * @module
 */

import type { LookupAddress } from "node:dns";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { abortable } from "../../time/abortable.ts";
import type { DestinationPolicy } from "../destination_policy.ts";
import type { Resolver } from "../name_lookups.ts";
import { HappyEyeballs } from "./happy_eyeballs.ts";
import { readySocket } from "./ready_socket.ts";

/** Where a connection goes. */
export interface Endpoint {
  readonly protocol: "http:" | "https:";
  /** Without brackets and final dot. */
  readonly hostname: string;
  readonly port: number;
  readonly policy: DestinationPolicy;
}

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
   * once.
   */
  keyOf({ protocol, hostname, port, policy }: Endpoint): string {
    return `${protocol}//${hostname}:${port} ${policy.key}`;
  }

  /**
   * Opens a connection to the first address that answers, with TLS for `https:`.
   *
   * @throws {RefusedAddressError} when the policy refuses an address
   * @throws {Error} with a `code` when the endpoint cannot be reached
   * @throws whatever the signal's reason is, when it aborts first
   */
  async open(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
    signal.throwIfAborted();
    const { protocol, port } = endpoint;
    const addresses = await abortable(this.#addressesOf(endpoint), signal);
    const open = ({ address }: LookupAddress) => connect({ host: address, port, ...SOCKET_OPTIONS });
    const socket = await this.#eyeballs.connect(addresses, open, signal);
    return protocol === "https:" ? await this.#secure(endpoint, socket, signal) : socket;
  }

  #secure({ hostname }: Endpoint, socket: Socket, signal: AbortSignal): Promise<Socket> {
    const { ca } = this.#options;
    const secured = connectTls({
      socket,
      host: hostname,
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(ca === undefined ? {} : { ca }),
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
