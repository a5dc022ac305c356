/**
 * Which addresses a webhook may make the gateway connect to. Whoever can write a webhook's configuration
 * could otherwise read a cloud's metadata service or reach administration ports of the private network
 * (server-side request forgery).
 *
 * @module
 */

import {
  isInNetwork,
  isTranslated,
  type Network,
  networkOf,
  parseAddress,
  parseNetwork,
  reachedAddress,
  urlHost,
} from "./address.ts";
import { MAX_PORT } from "../schema/addresses.ts";

/** How a refusal names the ranges of the IANA special-purpose registries (RFC 6890). */
const RANGE_NAMES: Readonly<Record<string, string>> = {
  unspecified: "the unspecified address",
  loopback: "a loopback address",
  linkLocal: "a link-local address",
  private: "a private address",
  uniqueLocal: "a private address",
  deprecatedSiteLocal: "a private address",
  carrierGradeNat: "a carrier-grade NAT address",
  multicast: "a multicast address",
  broadcast: "a broadcast address",
};

/** Metadata services outside of the special ranges: Azure's is a public address. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(["168.63.129.16"]);

/** The names of such services, which somebody else may resolve: those of Google Cloud and of Amazon. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  "metadata.google.internal",
  "metadata.goog",
  "metadata",
  "instance-data",
  "instance-data.ec2.internal",
]);

/** The only part of IPv6 that is routed on the internet; `ipaddr.js` calls some addresses outside of it unicast. */
const GLOBAL_UNICAST = parseNetwork("2000::/3")!;

/**
 * What kind of address it is that must not be connected to, for example `a loopback address`; `undefined`
 * for an address on the public internet. An IPv6 address that carries an IPv4 address is judged by that.
 *
 * @param address an IP address in its usual notation; anything else is refused
 */
export function forbiddenKind(address: string): string | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined) return "not an IP address";
  const reached = reachedAddress(parsed);
  if (METADATA_ADDRESSES.has(reached.toString())) return "a cloud metadata address";
  const range = reached.range();
  const isPublic = range === "unicast" && (reached.kind() === "ipv4" || isInNetwork(reached, GLOBAL_UNICAST));
  return isPublic ? undefined : RANGE_NAMES[range] ?? "a reserved address";
}

/** One entry of `allowed_hosts`: a name, or a range of addresses. */
export interface AllowedHost {
  /** In lower case, without a final dot. */
  readonly name: string | undefined;
  readonly range: Network | undefined;
  /** Left out: any port. */
  readonly port: number | undefined;
}

/**
 * Reads an entry of `allowed_hosts`: `name`, `name:port`, an IP address with or without a port (IPv6 then in
 * brackets), or a range such as `10.0.0.0/8`. Returns `undefined` when it is none of these.
 */
export function parseAllowedHost(text: string): AllowedHost | undefined {
  if (text.includes("/")) return parseRange(text);
  const bare = parseAddress(text) === undefined ? text : urlHost(text);
  const [, host, portText] = /^(\[[0-9a-f:.]+\]|[^\s:/?#@*\\[\]]+)(?::(\d{1,5}))?$/i.exec(bare) ?? [];
  if (host === undefined) return undefined;
  const port = portText === undefined ? undefined : Number(portText);
  if (port === 0 || (port ?? 0) > MAX_PORT) return undefined;
  // The URL parser brings names and addresses into the one spelling that a webhook's `url` has as well.
  const url = `http://${host}/`;
  if (!URL.canParse(url)) return undefined;
  const hostname = comparableHost(new URL(url).hostname);
  const address = parseAddress(hostname);
  return address === undefined
    ? { name: hostname, range: undefined, port }
    : { name: undefined, range: networkOf(address), port };
}

function parseRange(text: string): AllowedHost | undefined {
  const range = parseNetwork(text);
  return range === undefined ? undefined : { name: undefined, range, port: undefined };
}

/** A URL's host as names and addresses are compared: no brackets, and no final dot, which changes nothing. */
export function comparableHost(hostname: string): string {
  if (hostname.startsWith("[")) return hostname.slice(1, -1);
  return hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
}

/**
 * Where a webhook may send to: any public address or, when `allowed_hosts` has entries, exactly what they
 * name, private or not.
 */
export class DestinationPolicy {
  /** The entries of `allowed_hosts`; empty where every public address is permitted. */
  readonly allowed: readonly AllowedHost[];
  /** Equal for equal policies. A connection that one policy let through must not serve another. */
  readonly key: string;

  constructor(allowed: readonly AllowedHost[] = []) {
    this.allowed = allowed;
    this.key = JSON.stringify(
      allowed.map(({ name, range, port }) => [name ?? range?.join("/"), port]),
    );
  }

  /** Whether `allowed_hosts` has entries, so that somebody has chosen the destinations. */
  get namesHosts(): boolean {
    return this.allowed.length > 0;
  }

  /**
   * Why a destination is refused before its name is resolved; `undefined` when it is permitted, or when the
   * addresses of its name decide.
   *
   * @param hostname as {@linkcode comparableHost} returns it
   */
  refuseHost(hostname: string, port: number): string | undefined {
    if (parseAddress(hostname) !== undefined) return this.refuseAddress(hostname, hostname, port);
    if (this.allowed.length === 0) return isLoopbackName(hostname) ? "a loopback name" : undefined;
    const addressesMayTell = this.allowed.some((entry) => entry.range !== undefined);
    return addressesMayTell || this.#namesHost(hostname, port) ? undefined : "not in allowed_hosts";
  }

  /**
   * Why a destination is refused whose name is resolved by somebody else, so that nothing is known of its addresses;
   * `undefined` when it is permitted.
   *
   * @param hostname as {@linkcode comparableHost} returns it
   */
  refuseName(hostname: string, port: number): string | undefined {
    if (parseAddress(hostname) !== undefined) return this.refuseAddress(hostname, hostname, port);
    if (this.allowed.length > 0) {
      return this.#namesHost(hostname, port)
        ? undefined
        : "not in allowed_hosts, of which only names count here";
    }
    if (METADATA_NAMES.has(hostname)) return "a cloud metadata name";
    return isLoopbackName(hostname) ? "a loopback name" : undefined;
  }

  /** Why a connection to this address of the host is refused; `undefined` when it is permitted. */
  refuseAddress(hostname: string, address: string, port: number): string | undefined {
    if (this.allowed.length === 0) return forbiddenKind(address);
    return this.#namesHost(hostname, port) || this.#namesAddress(address, port)
      ? undefined
      : "not in allowed_hosts";
  }

  #namesHost(hostname: string, port: number): boolean {
    return this.allowed.some((entry) => entry.name === hostname && (entry.port ?? port) === port);
  }

  #namesAddress(address: string, port: number): boolean {
    const parsed = parseAddress(address);
    if (parsed === undefined) return false;
    const reached = reachedAddress(parsed);
    return this.allowed.some(({ range, port: only }) =>
      range !== undefined && (only ?? port) === port &&
      // An entry that names a NAT64 permits what is reached through it, and no IPv4 address beside it.
      isInNetwork(isTranslated(range[0]) ? parsed : reached, range)
    );
  }
}

/** Permits every address, for destinations that the operator alone has chosen. */
export const ANY_DESTINATION: DestinationPolicy = new DestinationPolicy(
  ["0.0.0.0/0", "::/0"].flatMap((range) => parseAllowedHost(range) ?? []),
);

/** RFC 6761, section 6.3: `localhost` and every name below it. */
function isLoopbackName(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}
