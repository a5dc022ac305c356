/**
 * IP addresses and networks as operators and proxies write them.
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

/**
 * Reads an IPv4 address of four decimal numbers or an IPv6 address. Octal, hexadecimal and short spellings
 * of IPv4 are not taken: programs disagree about what they mean.
 */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** Reads an address, or a network in CIDR notation such as `10.0.0.0/8`. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf("/");
  const addressText = slash === -1 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined || addressText.includes("%")) return undefined;
  const addressBits = address.kind() === "ipv4" ? 32 : 128;
  if (slash === -1) return [address, addressBits];

  const prefixText = text.slice(slash + 1);
  if (!PREFIX_LENGTH.test(prefixText)) return undefined;
  const isMapped = address.kind() === "ipv4" && addressText.includes(":");
  const prefixLength = Number(prefixText) - (isMapped ? MAPPED_BITS : 0);
  return prefixLength >= 0 && prefixLength <= addressBits ? [address, prefixLength] : undefined;
}

/** Whether the address lies in the network. Addresses of the other family never do. */
export function isInNetwork(address: Address, [base, prefixLength]: Network): boolean {
  return address.kind() === base.kind() && address.match(base, prefixLength);
}
