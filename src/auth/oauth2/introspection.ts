/**
 * Asks the server that issued a token about it (RFC 7662), and remembers the answer for a short time. Tokens are held
 * as hashes.
 *
 * @module
 */

import type { Destination } from "../../io/http_client.ts";
import type { WholeAnswer } from "../../io/http_exchange.ts";
import { secretFingerprint } from "../crypto/constant_time.ts";
import type { Claims } from "../jose/token.ts";
import { NewestEntries } from "../newest_entries.ts";
import { type AuthServers, nameOf, type Question } from "../servers/auth_servers.ts";
import { ServerUnavailableError } from "../servers/unavailable.ts";
import { basicCredentials } from "./client_credentials.ts";

/** How long it is remembered that a token is not good, in seconds at most. */
const MAX_INACTIVE_SECONDS = 10;

/** An answer is asked for again in the background when this part of its time is over. */
const RENEWED_AFTER = 2 / 3;

/** Most tokens of each kind that are remembered, and most characters of the answers together. */
const MAX_TOKENS = 10_000;
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** What is asked, and how. */
export interface IntrospectionOptions {
  readonly endpoint: Destination;
  /** Who asks (RFC 7662, section 2.1). @default nobody says who it is */
  readonly client: { readonly id: string; readonly secret: string } | undefined;
  /** How long an answer is good, in seconds. 0: for one request. */
  readonly ttl: number;
}

/** What the server knows of a token; `undefined` when that is not good. */
export type IntrospectedClaims = Claims | undefined;

/** An answer, and when it is asked for again and ends, in milliseconds of `Date.now()`. */
interface Remembered {
  readonly claims: IntrospectedClaims;
  readonly renewAt: number;
  readonly until: number;
}

/** Why it is asked. */
type Occasion = Pick<Question, "about" | "from">;

/** The tokens of one server. */
export class Introspection implements Disposable {
  readonly #options: IntrospectionOptions;
  readonly #servers: AuthServers;
  readonly #now: () => number;
  readonly #authorization: string | undefined;
  readonly #ending = new AbortController();
  /** Apart, so that strangers cannot have tokens forgotten that are good. */
  readonly #active = new NewestEntries<Remembered>(MAX_TOKENS, MAX_CHARACTERS);
  readonly #inactive = new NewestEntries<Remembered>(MAX_TOKENS, MAX_CHARACTERS);
  /** By token: what is being asked. */
  readonly #asking = new Map<string, Promise<IntrospectedClaims>>();

  /** @param now in milliseconds since 1970. @default `Date.now()` */
  constructor(options: IntrospectionOptions, servers: AuthServers, now: () => number = () => Date.now()) {
    this.#options = options;
    this.#servers = servers;
    this.#now = now;
    const { client } = options;
    this.#authorization = client === undefined ? undefined : basicCredentials(client.id, client.secret);
  }

  /**
   * What the server knows of a token. Waits only when it has to be asked.
   *
   * @param from whose request it is, asked for only then
   * @throws {ServerUnavailableError} when it cannot be
   */
  claimsOf(token: string, from: () => string): IntrospectedClaims | Promise<IntrospectedClaims> {
    const key = secretFingerprint(token);
    const now = this.#now();
    const known = this.#active.get(key) ?? this.#inactive.get(key);
    if (known === undefined || now >= known.until) {
      return this.#asking.get(key) ?? this.#asked(key, token, { about: "unknown", from: from() });
    }
    if (known.claims !== undefined && now >= known.renewAt) this.#renew(key, token);
    return known.claims;
  }

  /** Ends what is under way. */
  [Symbol.dispose](): void {
    this.#ending.abort();
  }

  /** Goes past those that are not known yet. A failure changes nothing: the answer that is there serves to its end. */
  #renew(key: string, token: string): void {
    if (!this.#asking.has(key)) this.#asked(key, token, { about: "known" }).catch(() => {});
  }

  #asked(key: string, token: string, occasion: Occasion): Promise<IntrospectedClaims> {
    const asking = this.#introspect(key, token, occasion).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #introspect(key: string, token: string, occasion: Occasion): Promise<IntrospectedClaims> {
    const answer = await this.#servers.ask({
      destination: this.#options.endpoint,
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
        ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
      },
      body: new TextEncoder().encode(`${new URLSearchParams({ token, token_type_hint: "access_token" })}`),
      ...occasion,
    }, this.#ending.signal);
    const claims = this.#read(answer);
    this.#remember(key, claims);
    return claims;
  }

  #read({ status, body }: WholeAnswer): IntrospectedClaims {
    if (status === 401 || status === 403) {
      throw new ServerUnavailableError(
        `The server ${this.#name} answered ${status}: see 'client_id' and 'client_secret'`,
      );
    }
    if (status !== 200) throw new ServerUnavailableError(`The server ${this.#name} answered ${status}`);
    const answer = readAnswer(body);
    if (answer !== undefined) return answer["active"] === true ? neededClaims(answer) : undefined;
    throw new ServerUnavailableError(`The server ${this.#name} does not say whether the token is active`);
  }

  /** Never for longer than the token is good (RFC 7662, section 4). */
  #remember(key: string, claims: IntrospectedClaims): void {
    const now = this.#now();
    const { ttl } = this.#options;
    const seconds = claims === undefined ? Math.min(ttl, MAX_INACTIVE_SECONDS) : ttl;
    const exp = claims?.["exp"];
    const end = typeof exp === "number" ? exp * 1000 : Infinity;
    const until = Math.min(now + seconds * 1000, end);
    this.#active.delete(key);
    this.#inactive.delete(key);
    if (until <= now) return;
    const memory = claims === undefined ? this.#inactive : this.#active;
    const weight = key.length + (claims === undefined ? 0 : JSON.stringify(claims).length);
    memory.set(key, { claims, renewAt: now + (until - now) * RENEWED_AFTER, until }, weight);
  }

  get #name(): string {
    return nameOf(this.#options.endpoint);
  }
}

/** The answer, which must say whether the token is active; `undefined` when it does not. */
function readAnswer(body: Uint8Array): Claims | undefined {
  try {
    const answer = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as Claims | null;
    return typeof answer?.["active"] === "boolean" ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** Answers may be long, and are kept: only what is looked at is. */
function neededClaims({ exp, nbf, iss, aud, scope, scp }: Claims): Claims {
  return { exp, nbf, iss, aud, scope, scp };
}
