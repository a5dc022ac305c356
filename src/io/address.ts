/**
 * IP addresses and networks as operators, proxies and resolvers write them. Nothing else in the gateway parses one.
 *
 * @module
 */

import ipaddr from "ipaddr.js";

/** A parsed address. An IPv4 address mapped into IPv6 is always held as IPv4. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** An address and how many of its leading bits count. */
export type Network = readonly [Address, number];

const PREFIX_LENGTH = /^(0|[1-9]\d{0,2})$/;
/** Leading bits that an IPv6 address shares with all IPv4-mapped ones (`::ffff:0:0/96`). */
const MAPPED_BITS = 96;

/** NAT64 (RFC 6052, section 2.1): how an IPv6-only network reaches IPv4 addresses. */
const NAT64: Network = [ipaddr.IPv6.parse("64:ff9b::"), 96];
const IPV4_BYTES = 4;

/** Longest text that may be an address, in characters: 45, and a zone. */
const MOST_CHARACTERS = 64;

/** Addresses that are remembered by their texts. When there are more, all of them are forgotten. */
const MOST_KNOWN = 1_000;

const known = new Map<string, Address>();

/**
 * Reads an IPv4 address of four decimal numbers or an IPv6 address. Octal, hexadecimal and short spellings
 * of IPv4 are not taken: programs disagree about what they mean. The last ones are remembered, since the library takes
 * a hundred times as long as a look-up, and the same peers come again and again.
 */
export function parseAddress(text: string): Address | undefined {
  const before = known.get(text);
  if (before !== undefined || text.length > MOST_CHARACTERS) return before;
  const address = parse(text);
  if (address === undefined) return undefined;
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(text, address);
  return address;
}

function parse(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  const plain = text.includes(".") ? withPlainEnd(text) : text;
  if (plain === undefined || !ipaddr.IPv6.isValid(plain)) return undefined;
  const address = ipaddr.IPv6.parse(plain);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

const DEPRECATED_COMPATIBLE = "::";

/**
 * The text of an IPv6 address that ends in an IPv4 address, unless that has another spelling than four decimal numbers.
 * The library takes those, and `::192.0.2.1` (RFC 4291, section 2.5.5.1), which nobody is reached by, for the mapped
 * `::ffff:192.0.2.1`.
 */
function withPlainEnd(text: string): string | undefined {
  const end = text.lastIndexOf(":") + 1;
  const [ipv4 = ""] = text.slice(end).split("%", 1);
  if (!ipaddr.IPv4.isValidFourPartDecimal(ipv4)) return undefined;
  return text.slice(0, end) === DEPRECATED_COMPATIBLE ? `0${text}` : text;
}

/** Reads an address, or a network in CIDR notation such as `10.0.0.0/8`. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf("/");
  const addressText = slash === -1 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined || addressText.includes("%")) return undefined;
  const whole = networkOf(address);
  if (slash === -1) return whole;

  const prefixText = text.slice(slash + 1);
  if (!PREFIX_LENGTH.test(prefixText)) return undefined;
  const isMapped = address.kind() === "ipv4" && addressText.includes(":");
  const prefixLength = Number(prefixText) - (isMapped ? MAPPED_BITS : 0);
  return prefixLength >= 0 && prefixLength <= whole[1] ? [address, prefixLength] : undefined;
}

/** The network that holds one address alone. */
export function networkOf(address: Address): Network {
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

/** Whether the address lies in the network. Addresses of the other family never do. */
export function isInNetwork(address: Address, [base, prefixLength]: Network): boolean {
  return address.kind() === base.kind() && address.match(base, prefixLength);
}

/** Whether the address stands for an IPv4 address behind a NAT64, such as `64:ff9b::192.0.2.1`. */
export function isTranslated(address: Address): boolean {
  return isInNetwork(address, NAT64);
}

/**
 * Where a connection to the address ends: at the IPv4 address behind a NAT64, otherwise at the address itself. Who a
 * request comes from is no question for this: whoever trusts the NAT64 trusts nothing of IPv4 with it.
 */
export function reachedAddress(address: Address): Address {
  return isTranslated(address) ? new ipaddr.IPv4(address.toByteArray().slice(-IPV4_BYTES)) : address;
}

/** A host as it stands in a URL: brackets around an IPv6 address, which is given without them. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** `host:port`, with brackets around an IPv6 address, which is given without them. */
export function authorityOf(host: string, port: number): string {
  return `${urlHost(host)}:${port}`;
}
