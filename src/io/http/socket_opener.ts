/**
 * Opens connections to destinations. Whatever belongs to the way from here to a destination is here: which addresses
 * its name has, whether its policy permits them, TLS.
 *
 * @module
 */

import { connect, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { DestinationPolicy } from "../destination_policy.ts";
import type { Resolver } from "../name_lookups.ts";

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

/** The policy refuses the address that the destination's name resolved to. Nothing was sent. */
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError";
}

/** Opens connections, of which those to one endpoint can take the place of each other. */
export class SocketOpener {
  readonly #options: SocketOpenerOptions;

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
   * Opens a connection, with TLS for `https:`.
   *
   * @throws {RefusedAddressError} when the policy refuses the address
   * @throws {Error} with a `code` when the endpoint cannot be reached
   * @throws whatever the signal's reason is, when it aborts first
   */
  open(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const isHttps = endpoint.protocol === "https:";
      const socket = isHttps ? this.#connectTls(endpoint) : connect(this.#optionsOf(endpoint));
      const abort = () => {
        reject(signal.reason);
        socket.destroy();
      };
      const onClose = () => reject(Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }));
      signal.addEventListener("abort", abort, { once: true });
      socket.once("error", reject);
      socket.once("close", onClose);
      socket.once(isHttps ? "secureConnect" : "connect", () => {
        signal.removeEventListener("abort", abort);
        socket.off("error", reject);
        socket.off("close", onClose);
        resolve(socket);
      });
    });
  }

  #connectTls(endpoint: Endpoint): Socket {
    const { hostname } = endpoint;
    const { ca } = this.#options;
    return connectTls({
      ...this.#optionsOf(endpoint),
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(ca === undefined ? {} : { ca }),
      ALPNProtocols: ["http/1.1"],
    });
  }

  #optionsOf({ hostname, port, policy }: Endpoint) {
    return {
      host: hostname,
      port,
      lookup: this.#guardedLookup(policy, port),
      noDelay: true,
      keepAlive: true,
    };
  }

  /** The runtime connects to no other address than those which this function hands out. */
  #guardedLookup(policy: DestinationPolicy, port: number): LookupFunction {
    return (hostname, options, callback) => {
      this.#options.resolve(hostname, { ...options, all: true }, (error, addresses) => {
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
        callback(
          first === undefined ? new Error(`${hostname} has no address`) : null,
          first?.address ?? "",
          first?.family,
        );
      });
    };
  }
}
