/**
 * Which addresses a webhook may make the gateway connect to. Whoever can write a webhook's configuration
 * could otherwise read a cloud's metadata service or reach administration ports of the private network
 * (server-side request forgery).
 *
 * @module
 */

import ipaddr from "ipaddr.js";

type IPAddress = ipaddr.IPv4 | ipaddr.IPv6;
type AddressRange = [IPAddress, number];

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

/** The only part of IPv6 that is routed on the internet; `ipaddr.js` calls some addresses outside of it unicast. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/** NAT64 (RFC 6052): how an IPv6-only network reaches public IPv4 addresses. */
const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");

/**
 * What kind of address it is that must not be connected to, for example `a loopback address`; `undefined`
 * for an address on the public internet. An IPv6 address that carries an IPv4 address is judged by that.
 *
 * @param address an IP address in its usual notation; anything else is refused
 */
export function forbiddenKind(address: string): string | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined) return "not an IP address";
  if (METADATA_ADDRESSES.has(parsed.toString())) return "a cloud metadata address";
  const range = parsed.range();
  const isPublic = range === "unicast" && (parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST));
  return isPublic ? undefined : RANGE_NAMES[range] ?? "a reserved address";
}

/** Octal, hexadecimal and short spellings are not taken: programs disagree about what they mean. */
function parseAddress(text: string): IPAddress | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64) ? new ipaddr.IPv4(address.toByteArray().slice(12)) : address;
}

/** One entry of `allowed_hosts`: a name, or a range of addresses. */
export interface AllowedHost {
  /** In lower case, without a final dot. */
  readonly name: string | undefined;
  readonly range: AddressRange | undefined;
  /** Left out: any port. */
  readonly port: number | undefined;
}

/**
 * Reads an entry of `allowed_hosts`: `name`, `name:port`, an IP address with or without a port (IPv6 then in
 * brackets), or a range such as `10.0.0.0/8`. Returns `undefined` when it is none of these.
 */
export function parseAllowedHost(text: string): AllowedHost | undefined {
  if (text.includes("/")) return parseRange(text);
  const bare = ipaddr.IPv6.isValid(text) ? `[${text}]` : text;
  const [, host, portText] = /^(\[[0-9a-f:.]+\]|[^\s:/?#@*\\[\]]+)(?::(\d{1,5}))?$/i.exec(bare) ?? [];
  if (host === undefined) return undefined;
  const port = portText === undefined ? undefined : Number(portText);
  if (port === 0 || (port ?? 0) > 65535) return undefined;
  // The URL parser brings names and addresses into the one spelling that a webhook's `url` has as well.
  const url = `http://${host}/`;
  if (!URL.canParse(url)) return undefined;
  const hostname = comparableHost(new URL(url).hostname);
  const address = parseAddress(hostname);
  return address === undefined
    ? { name: hostname, range: undefined, port }
    : { name: undefined, range: [address, address.kind() === "ipv4" ? 32 : 128], port };
}

function parseRange(text: string): AllowedHost | undefined {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(text) && !ipaddr.IPv6.isValidCIDR(text)) return undefined;
  return { name: undefined, range: ipaddr.parseCIDR(text), port: undefined };
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
  readonly #allowed: readonly AllowedHost[];
  /** Equal for equal policies. A connection that one policy let through must not serve another. */
  readonly key: string;

  constructor(allowed: readonly AllowedHost[] = []) {
    this.#allowed = allowed;
    this.key = JSON.stringify(
      allowed.map(({ name, range, port }) => [name ?? range?.join("/"), port]),
    );
  }

  /**
   * Why a destination is refused before its name is resolved; `undefined` when it is permitted, or when the
   * addresses of its name will tell.
   *
   * @param hostname as {@linkcode comparableHost} returns it
   */
  refuseHost(hostname: string, port: number): string | undefined {
    if (parseAddress(hostname) !== undefined) return this.refuseAddress(hostname, hostname, port);
    if (this.#allowed.length === 0) return isLoopbackName(hostname) ? "a loopback name" : undefined;
    const addressesMayTell = this.#allowed.some((entry) => entry.range !== undefined);
    return addressesMayTell || this.#namesHost(hostname, port) ? undefined : "not in allowed_hosts";
  }

  /** Why a connection to this address of the host is refused; `undefined` when it is permitted. */
  refuseAddress(hostname: string, address: string, port: number): string | undefined {
    if (this.#allowed.length === 0) return forbiddenKind(address);
    return this.#namesHost(hostname, port) || this.#namesAddress(address, port)
      ? undefined
      : "not in allowed_hosts";
  }

  #namesHost(hostname: string, port: number): boolean {
    return this.#allowed.some((entry) => entry.name === hostname && (entry.port ?? port) === port);
  }

  #namesAddress(address: string, port: number): boolean {
    const parsed = parseAddress(address);
    return parsed !== undefined &&
      this.#allowed.some(({ range, port: only }) =>
        range !== undefined && (only ?? port) === port && parsed.kind() === range[0].kind() &&
        parsed.match(range)
      );
  }
}

/** RFC 6761, section 6.3: `localhost` and every name below it. */
function isLoopbackName(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}
