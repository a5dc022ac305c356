/**
 * Keys and certificates that a provider publishes at a URL of its own: fetched when they are needed, and kept.
 *
 * @module
 */

import { DestinationPolicy } from "../../../io/destination_policy.ts";
import { parseHttpAddress } from "../../../schema/addresses.ts";
import type { AuthServers } from "../../servers/auth_servers.ts";
import { ServerUnavailableError } from "../../servers/unavailable.ts";

/** Most keys of one webhook; past it all are forgotten. A provider has a handful. */
const MAX_KEYS = 50;

/** How long a key is kept, in milliseconds. */
const KEPT_MS = 24 * 3600 * 1000;

/** Least time between two fetches of one URL that did not give a key, in milliseconds. */
const AGAIN_MS = 30_000;

/** No webhook says where else a provider's keys may stand. */
const PUBLIC_ONLY = new DestinationPolicy([]);

interface Kept {
  readonly pem: Promise<string | undefined>;
  readonly until: number;
}

/** The keys of one webhook. */
export class PublishedKeys {
  readonly #given: Readonly<Record<string, string>>;
  readonly #kept = new Map<string, Kept>();

  /** @param given keys in PEM by URL, which are never fetched */
  constructor(given: Readonly<Record<string, string>>) {
    this.#given = given;
  }

  /**
   * The text at a URL. Requests at the same time share one fetch.
   *
   * @param url must be one where the provider keeps its keys
   * @returns `undefined` when there is none
   * @throws {ServerUnavailableError} when that cannot be found out now
   */
  async at(url: string, servers: AuthServers): Promise<string | undefined> {
    const given = this.#given[url];
    if (given !== undefined) return given;
    let kept = this.#kept.get(url);
    if (kept === undefined || kept.until < performance.now()) {
      if (this.#kept.size >= MAX_KEYS) this.#kept.clear();
      kept = { pem: this.#fetch(url, servers), until: performance.now() + KEPT_MS };
      this.#kept.set(url, kept);
    }
    return await kept.pem;
  }

  async #fetch(url: string, servers: AuthServers): Promise<string | undefined> {
    const address = parseHttpAddress(url);
    if (typeof address === "string") return undefined;
    try {
      const { status, body } = await servers.ask({
        destination: { ...address, policy: PUBLIC_ONLY },
        method: "GET",
      });
      if (status === 200) return new TextDecoder().decode(body);
      this.#forgetSoon(url);
      if (status < 500) return undefined;
      throw new ServerUnavailableError(`The server ${address.hostname} answered ${status}`);
    } catch (error) {
      this.#kept.delete(url);
      throw error;
    }
  }

  #forgetSoon(url: string): void {
    const kept = this.#kept.get(url);
    if (kept !== undefined) this.#kept.set(url, { ...kept, until: performance.now() + AGAIN_MS });
  }
}
