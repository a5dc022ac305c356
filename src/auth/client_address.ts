/**
 * The address of the sender of a request, also behind proxies that are trusted.
 *
 * @module
 */

import { type Address, isInNetwork, type Network, parseAddress, parseNetwork } from "../io/address.ts";

const MAPPED_PREFIX = "::ffff:";

/** Entries of a header that are looked at: a chain of proxies is short, and a header may have thousands. */
const MOST_HOPS = 100;

/** Headers whose client is remembered. When there are more, all of them are forgotten. */
const MOST_KNOWN = 1_000;

/** Longest header that is remembered, in characters: two entries, or some more of IPv4. */
const MOST_CHARACTERS = 96;

/**
 * Finds out who sent a request that may have come through proxies. Anybody can write an X-Forwarded-For
 * header, so each entry counts only if the hop that added it, the one to its right, is trusted.
 */
export class ClientAddressResolver {
  readonly #trusted: readonly Network[];
  /** By the text of the header of a trusted peer: the same clients come again and again. */
  readonly #clients = new Map<string, Address>();

  /**
   * @param trustedProxies addresses and CIDR networks of our own proxies
   * @throws {TypeError} when one of them is neither
   */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = trustedProxies.map((text) => {
      const network = parseNetwork(text);
      if (network === undefined) throw new TypeError(`Cannot trust '${text}' as it is no address or network`);
      return network;
    });
  }

  /**
   * The address of the last hop that is not a trusted proxy; of the farthest trusted one if all are, or if
   * the entry before it is not an address.
   *
   * @param peer the address of the other end of the connection; returned as it is if it is not an IP address
   */
  resolve(peer: string, headers: Headers): string {
    // A socket that listens on `::` shows IPv4 peers as IPv6: only then is there something to rewrite.
    if (this.#trusted.length === 0 && !peer.startsWith(MAPPED_PREFIX)) return peer;
    const address = parseAddress(peer);
    if (address === undefined) return peer;
    return this.#farthestKnown(address, headers).toString();
  }

  /**
   * Who counts as one sender where senders share something: an address, and of IPv6, of which one sender has very many,
   * the network of 64 bits.
   *
   * @param peer as of {@linkcode resolve}
   */
  senderOf(peer: string, headers: Headers): string {
    const client = this.resolve(peer, headers);
    const address = parseAddress(client);
    return address?.kind() === "ipv6" ? address.toByteArray().slice(0, 8).toString() : client;
  }

  /**
   * The address of the client, for those who decide by it: `undefined` where it is not known. That is where a
   * trusted proxy does not say whom it stands for, or the next hop to the left is no address. The address of the
   * proxy would be everybody's then.
   *
   * @param peer the address of the other end of the connection; empty for Unix sockets, whose client is not known
   */
  known(peer: string, headers: Headers): Address | undefined {
    const address = parseAddress(peer);
    if (address === undefined || !this.#isTrusted(address)) return address;
    const forwardedFor = headers.get("x-forwarded-for");
    if (forwardedFor === null) return undefined;
    return this.#clients.get(forwardedFor) ?? this.#clientIn(forwardedFor);
  }

  /** Whom the header of a trusted peer names. */
  #clientIn(forwardedFor: string): Address | undefined {
    let client: Address | undefined;
    for (const entry of entriesFromTheRight(forwardedFor)) {
      client = parseHop(entry);
      if (client === undefined) return undefined;
      if (!this.#isTrusted(client)) break;
    }
    if (client === undefined || forwardedFor.length > MOST_CHARACTERS) return client;
    if (this.#clients.size >= MOST_KNOWN) this.#clients.clear();
    this.#clients.set(forwardedFor, client);
    return client;
  }

  /** Whether what this end of a connection says of a request is believed. */
  isTrustedProxy(peer: string): boolean {
    const address = parseAddress(peer);
    return address !== undefined && this.#isTrusted(address);
  }

  #farthestKnown(peer: Address, headers: Headers): Address {
    if (!this.#isTrusted(peer)) return peer;
    const forwardedFor = headers.get("x-forwarded-for");
    if (forwardedFor === null) return peer;
    let client = peer;
    for (const entry of entriesFromTheRight(forwardedFor)) {
      const hop = parseHop(entry);
      if (hop === undefined) return client;
      client = hop;
      if (!this.#isTrusted(hop)) return client;
    }
    return client;
  }

  #isTrusted(address: Address): boolean {
    for (const network of this.#trusted) if (isInNetwork(address, network)) return true;
    return false;
  }
}

/** The last 100 entries; where there are more, an empty one, which is no address, is what they begin with. */
function* entriesFromTheRight(list: string): Generator<string> {
  let end = list.length;
  for (let hops = 0; end >= 0; hops++) {
    if (hops === MOST_HOPS) {
      yield "";
      return;
    }
    const comma = end === 0 ? -1 : list.lastIndexOf(",", end - 1);
    yield list.slice(comma + 1, end).trim();
    end = comma;
  }
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function parseHop(entry: string): Address | undefined {
  if (!entry.includes(":")) return parseAddress(entry);
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(entry)?.[1];
  if (bracketed !== undefined) return bracketed.includes(":") ? parseAddress(bracketed) : undefined;
  return parseAddress(/^([\d.]+):\d{1,5}$/.exec(entry)?.[1] ?? entry);
}
