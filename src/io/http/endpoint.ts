/**
 * Where connections go, and by which way.
 *
 * @module
 */

import type { DestinationPolicy } from "../destination_policy.ts";
import type { TlsOptions } from "../tls.ts";

/** Where a connection goes. */
export interface Endpoint {
  readonly protocol: "http:" | "https:";
  /** Without brackets and final dot. */
  readonly hostname: string;
  readonly port: number;
  readonly policy: DestinationPolicy;
  /** TLS of `https:`, where it is not like that of all others. */
  readonly tls?: EndpointTls;
  /** What the connection goes through. It resolves the name, so that the policy has nothing but that to judge. */
  readonly proxy?: HttpProxy;
}

/** TLS of an endpoint. */
export interface EndpointTls {
  /** Equal for equal TLS. */
  readonly key: string;
  /** Certificates and keys, and how the server is checked. @throws {DeliveryError} when they cannot be read */
  load(signal: AbortSignal): Promise<Partial<TlsOptions>>;
}

/** A proxy. Its own policy is for the connection to it. */
export interface HttpProxy extends Endpoint {
  /** Who uses it, as it stands in `Proxy-Authorization`; `undefined` where it does not ask. */
  readonly authorization: string | undefined;
}
