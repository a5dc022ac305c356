/**
 * Which hosts a rule permits, by their names and by networks.
 *
 * @module
 */

import {
  isInNetwork,
  type Network,
  networkOf,
  parseAddress,
  parseNetwork,
  reachedAddress,
  urlHost,
} from "../io/address.ts";
import { type AllowedHost, comparableHost } from "../io/destination_policy.ts";
import type { Destination } from "./destination.ts";
import { matches } from "./patterns.ts";

/** A pattern of hosts. */
interface HostPattern {
  /** In lower case; a star stands for any characters. */
  readonly name: string;
  /** Left out: any port. */
  readonly port?: number;
}

const HOST_PATTERN = /^(\[[0-9a-f:.*]+\]|[^\s:/?#@\\[\]]+)(?::(\d{1,5}))?$/;

/** Reads a pattern: `*.team.example`, `db.example:5432`, `[2001:db8::1]:443`; `undefined` where it is none. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const lower = text.trim().toLowerCase().replaceAll("{namespace}", "_namespace_");
  const bare = parseAddress(lower) === undefined ? lower : urlHost(lower);
  const [, host, port] = HOST_PATTERN.exec(bare) ?? [];
  if (host === undefined) return undefined;
  const name = comparableHost(host).replaceAll("_namespace_", "{namespace}");
  return { name, ...(port === undefined ? {} : { port: Number(port) }) };
}

/** The hosts and networks of a rule. */
export class HostRules {
  readonly #patterns: readonly HostPattern[];
  readonly #networks: readonly Network[];
  readonly #permitsAll: boolean;

  constructor(hosts: readonly string[], networks: readonly string[], namespace: string) {
    this.#patterns = hosts.flatMap((text) => {
      const pattern = parseHostPattern(text);
      if (pattern === undefined) return [];
      return [{ ...pattern, name: pattern.name.replaceAll("{namespace}", namespace.toLowerCase()) }];
    });
    this.#networks = networks.flatMap((text) => {
      const network = parseNetwork(text);
      return network === undefined ? [] : [network];
    });
    this.#permitsAll = this.#patterns.some(({ name, port }) => name === "*" && port === undefined);
  }

  /** Why a host is not permitted, as the end of a sentence; `undefined` where it is. */
  refuse({ name, port, allowed }: Destination): "host" | "allowed_hosts" | undefined {
    if (this.#permitsAll) return undefined;
    const entries = allowed ?? [];
    const isNamed = this.#names(name, port) || this.#holds(name);
    // What `allowed_hosts` names may be private, and whoever owns a name says which address it has.
    if (isNamed) return entries.every((entry) => this.#permitsEntry(entry)) ? undefined : "allowed_hosts";
    const areNetworks = entries.length > 0 &&
      entries.every(({ range }) => range !== undefined && this.#holdsRange(range));
    return areNetworks && parseAddress(name) === undefined ? undefined : "host";
  }

  #names(name: string, port: number | undefined): boolean {
    return this.#patterns.some((pattern) =>
      (pattern.port === undefined || pattern.port === port) && matches(pattern.name, name)
    );
  }

  /** A name is permitted there that the rule names itself, and not by a star. */
  #permitsEntry({ name, range, port }: AllowedHost): boolean {
    const isExact = (text: string) =>
      this.#patterns.some((pattern) =>
        pattern.name === text && (pattern.port === undefined || pattern.port === port)
      );
    if (name !== undefined) return isExact(name);
    if (range === undefined) return false;
    return this.#holdsRange(range) || (isSingle(range) && isExact(range[0].toString()));
  }

  #holds(text: string): boolean {
    const address = parseAddress(text);
    return address !== undefined &&
      this.#networks.some((network) => isInNetwork(reachedAddress(address), network));
  }

  #holdsRange([address, bits]: Network): boolean {
    return this.#networks.some((network) => bits >= network[1] && isInNetwork(address, network));
  }
}

function isSingle([address, bits]: Network): boolean {
  return bits === networkOf(address)[1];
}
