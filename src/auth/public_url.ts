/**
 * The address of a request as its sender sees it, for schemes that sign it. `Host` alone never decides: whoever
 * sends a request chooses it.
 *
 * @module
 */

import type { ClientAddressResolver } from "./client_address.ts";

/** The parts of a request that its address is made from. */
export interface AddressedRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly peerAddress: string;
}

/** `uri-host [ ":" port ]` (RFC 9110, section 7.2): a name, or an IPv6 address in brackets. */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[\w.~-]+)(?::\d{1,5})?$/;

const SCHEME = /^https?$/i;

/** Why a signature over the URL may not fit: how a refusal's reason ends. */
export const OTHER_SECRET_OR_URL =
  "another secret, or another URL than the sender's: a proxy may have changed host, path or query";

/** Finds out under which address senders reach the gateway. Immutable; shared by all requests. */
export class PublicUrlResolver {
  readonly #base: string | undefined;
  readonly #pathLength: number;
  readonly #clientAddresses: ClientAddressResolver;

  /**
   * @param publicUrl what stands before the target of each request, without a slash at its end; `undefined` for what
   * trusted proxies say in `X-Forwarded-Proto` and `X-Forwarded-Host`
   * @param clientAddresses knows the trusted proxies
   */
  constructor(publicUrl: string | undefined, clientAddresses: ClientAddressResolver) {
    this.#base = publicUrl;
    this.#pathLength = publicUrl === undefined ? 0 : requestTarget(publicUrl).length;
    this.#clientAddresses = clientAddresses;
  }

  /**
   * The URL that the sender used, path and query exactly as they were sent: `https://hooks.example.com/webhook/a?b=c`.
   * Scheme and host are in lower case, and a port that is the scheme's own is left out. `undefined` where nobody who is
   * trusted says it, each of both headers once.
   */
  resolve(request: AddressedRequest): string | undefined {
    const base = this.#base ?? this.#forwardedBase(request);
    return base === undefined ? undefined : base + requestTarget(request.url);
  }

  /** The path and query that the sender used: those of `PUBLIC_URL` stand before the ones that arrived. */
  publicTarget(url: string): string {
    const target = requestTarget(url);
    return this.#pathLength === 0 ? target : this.#base!.slice(-this.#pathLength) + target;
  }

  #forwardedBase({ headers, peerAddress }: AddressedRequest): string | undefined {
    if (!this.#clientAddresses.isTrustedProxy(peerAddress)) return undefined;
    const scheme = headers.get("x-forwarded-proto");
    const host = headers.get("x-forwarded-host");
    // A header that is there twice arrives with a comma, and is neither.
    if (scheme === null || !SCHEME.test(scheme) || host === null || !HOST.test(host)) return undefined;
    return URL.parse(`${scheme}://${host}`)?.origin;
  }
}

/**
 * The target of a request, path and query exactly as they were sent: what follows the authority in the URL that the
 * runtime has put together from `Host` and target as texts.
 */
export function requestTarget(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start === -1 ? "" : url.slice(start);
}
