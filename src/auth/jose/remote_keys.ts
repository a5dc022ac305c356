/**
 * Keys that an issuer publishes at an address, and changes when it likes. They are asked for as seldom as that allows:
 * however many tokens strangers send, and whatever keys these name.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { assertCount } from "../../errors.ts";
import type { Destination } from "../../io/http_client.ts";
import { logger } from "../../observability/logging.ts";
import { type AuthServers, nameOf } from "../servers/auth_servers.ts";
import type { Shared } from "../servers/shared_values.ts";
import { ServerUnavailableError } from "../servers/unavailable.ts";
import type { AlgorithmName } from "./algorithms.ts";
import { KeySet, type SetVerdict } from "./key_set.ts";
import type { KeySource } from "./token_verifier.ts";

/** Older keys are asked for again, and serve meanwhile, in milliseconds. */
const FRESH_MS = 5 * 60_000;

/** How long keys serve while the server cannot be asked, in milliseconds: as long as most tokens are good. */
const MAX_AGE_MS = 60 * 60_000;

/** How often the server is asked at most, in milliseconds; while there are no keys at all, and otherwise. */
const RETRY_MS = 1_000;
const COOL_DOWN_MS = 10_000;

/** Most requests that wait for an answer; more get 503 at once, so that a slow server holds up no others. */
const MAX_WAITING = 256;

/** What is asked for. */
export interface RemoteKeysOptions {
  readonly server: Destination;
  /** @default what the keys name, and otherwise the usual ones of their types */
  readonly algorithms: readonly AlgorithmName[] | undefined;
}

/** The keys behind one address. */
export class RemoteKeys implements Disposable {
  readonly #options: RemoteKeysOptions;
  readonly #servers: AuthServers;
  readonly #now: () => number;
  readonly #logger: Logger = logger("auth");
  readonly #ending = new AbortController();
  #keys: KeySet | undefined;
  /** The text of the set, so that keys that have not changed are not others. */
  #json = "";
  #fetchedAt = -Infinity;
  #attemptedAt = -Infinity;
  /** Why the last attempt failed. */
  #failure: ServerUnavailableError | undefined;
  #fetching: Promise<void> | undefined;
  #waiting = 0;

  /** @param now in milliseconds. @default `performance.now()` */
  constructor(options: RemoteKeysOptions, servers: AuthServers, now: () => number = () => performance.now()) {
    this.#options = options;
    this.#servers = servers;
    this.#now = now;
  }

  /** The keys that serve now, if there are any. They are asked for again in the background where that is due. */
  current(): KeySet | undefined {
    const age = this.#now() - this.#fetchedAt;
    if (age > FRESH_MS) void this.#fetchAtMostEvery(COOL_DOWN_MS);
    return age > MAX_AGE_MS ? undefined : this.#keys;
  }

  /**
   * Verifies a signature. Waits for the keys when there are none, or none of this name.
   *
   * @throws {ServerUnavailableError} when it cannot be known whether the issuer has such a key
   */
  verify(
    algorithm: string,
    kid: string | undefined,
    signed: string,
    signature: string,
  ): SetVerdict | Promise<SetVerdict> {
    const keys = this.current();
    if (keys === undefined) {
      return this.#fetched(RETRY_MS).then(() => this.#usableKeys().verify(algorithm, kid, signed, signature));
    }
    const verdict = keys.verify(algorithm, kid, signed, signature);
    if (!this.#mayBeRotated(verdict, kid)) return verdict;
    return this.#fetched(COOL_DOWN_MS).then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.#keys === keys ? verdict : this.#usableKeys().verify(algorithm, kid, signed, signature);
    });
  }

  /** Ends what is under way. */
  [Symbol.dispose](): void {
    this.#ending.abort();
  }

  /** Whether newer keys could change the verdict, and there may be some. */
  #mayBeRotated(verdict: SetVerdict, kid: string | undefined): boolean {
    const isOpen = verdict === "unknown key" || (verdict === "forged" && kid === undefined);
    if (!isOpen) return false;
    const isAsked = this.#fetching !== undefined || this.#failure !== undefined;
    return isAsked || this.#now() - this.#attemptedAt >= COOL_DOWN_MS;
  }

  #usableKeys(): KeySet {
    if (this.#keys !== undefined && this.#now() - this.#fetchedAt <= MAX_AGE_MS) return this.#keys;
    throw this.#failure ?? new ServerUnavailableError(`${this.#name} was not asked for its keys yet`);
  }

  /** Waits for a fetch, with a bound on how many do. */
  async #fetched(milliseconds: number): Promise<void> {
    if (this.#waiting >= MAX_WAITING) {
      throw new ServerUnavailableError(
        `Too many requests wait for the keys of ${nameOf(this.#options.server)}`,
      );
    }
    this.#waiting++;
    try {
      await this.#fetchAtMostEvery(milliseconds);
    } finally {
      this.#waiting = assertCount(this.#waiting - 1, "requests that wait for keys");
    }
  }

  /** Resolves when the server has been asked, now or so short a time ago that it is not asked again. Never rejects. */
  #fetchAtMostEvery(milliseconds: number): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching;
    if (this.#now() - this.#attemptedAt < milliseconds) return Promise.resolve();
    this.#attemptedAt = this.#now();
    return this.#fetching = this.#fetch().finally(() => this.#fetching = undefined);
  }

  async #fetch(): Promise<void> {
    try {
      const json = await this.#ask();
      if (json !== this.#json) {
        this.#keys = this.#read(json);
        this.#json = json;
      }
      this.#fetchedAt = this.#now();
      if (this.#failure !== undefined) {
        this.#logger.info("{server} can be asked for its keys again", this.#named);
      }
      this.#failure = undefined;
    } catch (error) {
      const failure = error instanceof ServerUnavailableError
        ? error
        : new ServerUnavailableError(`${this.#name} answered with what cannot be read`, { cause: error });
      this.#report(failure);
      this.#failure = failure;
    }
  }

  async #ask(): Promise<string> {
    const headers = { accept: "application/jwk-set+json, application/json" };
    const { server: destination } = this.#options;
    const { status, body } = await this.#servers.ask(
      { destination, method: "GET", headers },
      this.#ending.signal,
    );
    if (status !== 200) {
      throw new ServerUnavailableError(`${this.#name} answered ${status} instead of its keys`);
    }
    return new TextDecoder().decode(body);
  }

  #read(json: string): KeySet {
    const keys = KeySet.read(json, this.#options.algorithms);
    if (keys !== undefined) return keys;
    throw new ServerUnavailableError(`${this.#name} answered with no key that can be used`);
  }

  /** Once for each time that it begins to fail. */
  #report(error: ServerUnavailableError): void {
    if (this.#failure !== undefined || this.#ending.signal.aborted) return;
    this.#logger.warning(
      "Keys cannot be renewed: {reason}. Those that are there serve for an hour after they were read",
      { reason: error.message, ...this.#named },
    );
  }

  get #name(): string {
    return `The server ${nameOf(this.#options.server)}`;
  }

  get #named(): { readonly server: string } {
    return { server: nameOf(this.#options.server) };
  }
}

const UNKNOWN_KEY = "The token names a key that its issuer does not publish";
const OTHER_ALGORITHM = "The token has another algorithm than its key is for";
const NO_KEY = "The token names no key, and its signature matches with none of its issuer's";

/** Keys behind an address, as a source that a verifier can let go of. All verifiers with the address share them. */
export class RemoteKeySource implements KeySource {
  readonly isQuick = false;
  readonly #options: RemoteKeysOptions;
  #shared: Shared<RemoteKeys> | undefined;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  current(): unknown {
    return this.#shared?.value.current();
  }

  verify(
    algorithm: string,
    kid: string | undefined,
    signed: string,
    signature: string,
    servers: AuthServers,
  ): boolean | string | Promise<boolean | string> {
    this.#shared ??= servers.share(keyOf(this.#options), () => new RemoteKeys(this.#options, servers));
    const verdict = this.#shared.value.verify(algorithm, kid, signed, signature);
    return verdict instanceof Promise
      ? verdict.then((later) => toOutcome(later, kid))
      : toOutcome(verdict, kid);
  }

  release(): void {
    this.#shared?.release();
    this.#shared = undefined;
  }
}

function keyOf({ server, algorithms }: RemoteKeysOptions): string {
  const { protocol, path, policy } = server;
  return JSON.stringify(["keys", protocol, nameOf(server), path, policy.key, algorithms]);
}

/** A signature that matches with no key is known to be forged only where its key is. */
function toOutcome(verdict: SetVerdict, kid: string | undefined): boolean | string {
  switch (verdict) {
    case "good":
      return true;
    case "forged":
      return kid === undefined ? NO_KEY : false;
    case "unknown key":
      return UNKNOWN_KEY;
    case "other algorithm":
      return OTHER_ALGORITHM;
  }
}
