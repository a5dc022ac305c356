/**
 * The list of addresses that requests may come from, and whose word is taken for a client's address.
 *
 * @module
 */

import { z } from "zod";
import { type Address, isInNetwork, type Network, parseNetwork } from "../../io/address.ts";
import { ClientAddressResolver } from "../client_address.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import type { HeadVerifier, Refusal, RequestToVerify, VerifierKind } from "../verifier.ts";

const networkField = z.string().refine((text) => parseNetwork(text) !== undefined, {
  error: "Must be an IP address, or a network such as 10.0.0.0/8",
});

const configSchema: z.ZodType<readonly string[]> = z.array(networkField).min(1, {
  error: "Must not be empty",
}).meta({ description: "Addresses and networks, IPv4 or IPv6, that requests may come from." });

const trustedProxiesSchema = z.array(networkField).optional().meta({
  description:
    "With `ip_whitelist`: addresses and networks of proxies whose `X-Forwarded-For` is believed, in the place of `TRUSTED_PROXIES`. An empty list: none.",
});

/** `ip_whitelist`: the client's address is in a list. */
export const ipWhitelist: VerifierKind<readonly string[]> = {
  key: "ip_whitelist",
  configSchema,
  keysBeside: { trusted_proxies: trustedProxiesSchema },
  example: ["192.0.2.10", "198.51.100.0/24", "2001:db8::/32"],
  notes: [
    "Anybody else is answered 403 before the body is read. IPv4 addresses that arrive mapped into IPv6 count as",
    "IPv4. Behind proxies of `TRUSTED_PROXIES`, or of the webhook's own `trusted_proxies`, `X-Forwarded-For` is read",
    "from the right, as far as trusted proxies wrote it. A request that a trusted proxy passes on without an entry",
    "is refused, since nobody knows whose it is; `X-Real-IP` and `Forwarded` are not read.",
    "",
    "nginx and HAProxy add no entry by themselves, and pass on what the sender wrote: behind them the list keeps",
    "nobody out before they have these lines. Caddy and Traefik write the header as they come.",
    "",
    "- nginx: `proxy_set_header X-Forwarded-For $remote_addr;`",
    "- HAProxy: `http-request del-header X-Forwarded-For`, then `option forwardfor`",
  ],
  compile: (allowed, beside) => {
    const trusted = beside?.["trusted_proxies"] as readonly string[] | undefined;
    return lazyVerifier("head", verifierOf, { allowed, trusted });
  },
};

interface Lists {
  readonly allowed: readonly string[];
  /** Of the webhook's own; `undefined` for those of all webhooks. */
  readonly trusted: readonly string[] | undefined;
}

const UNKNOWN: Refusal = {
  code: "forbidden",
  reason:
    "A trusted proxy did not say in X-Forwarded-For whose request it is: have it write the client's address",
};

const NOT_LISTED: Refusal = {
  code: "forbidden",
  reason: "The client's address is not in 'ip_whitelist'",
};

/** Clients whose refusals are kept; when there are more, all of them are forgotten. */
const MOST_KEPT = 1_000;

function verifierOf(lists: Lists): HeadVerifier {
  return new IpWhitelistVerifier(lists);
}

class IpWhitelistVerifier implements HeadVerifier {
  readonly reads = "head";
  readonly #allowed: readonly Network[];
  readonly #ownProxies: ClientAddressResolver | undefined;
  /** By the client's address, which is not the one that the log finds by itself. */
  readonly #refusals = new Map<string, Refusal>();

  constructor({ allowed, trusted }: Lists) {
    this.#allowed = allowed.map((text) => parseNetwork(text)!);
    this.#ownProxies = trusted === undefined ? undefined : new ClientAddressResolver(trusted);
  }

  verify({ peerAddress, headers, clientAddresses }: RequestToVerify): Refusal | undefined {
    const client = (this.#ownProxies ?? clientAddresses).known(peerAddress, headers);
    if (client === undefined) return UNKNOWN;
    if (this.#isAllowed(client)) return undefined;
    return this.#ownProxies === undefined ? NOT_LISTED : this.#refusalOf(client.toString());
  }

  #refusalOf(client: string): Refusal {
    let refusal = this.#refusals.get(client);
    if (refusal !== undefined) return refusal;
    if (this.#refusals.size >= MOST_KEPT) this.#refusals.clear();
    this.#refusals.set(client, refusal = { ...NOT_LISTED, client });
    return refusal;
  }

  #isAllowed(client: Address): boolean {
    return this.#allowed.some((network) => isInNetwork(client, network));
  }
}
