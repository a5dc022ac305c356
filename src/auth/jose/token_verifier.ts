/**
 * Verifies tokens: their form, their claims, and their signature, which takes longest.
 *
 * @module
 */

import { mismatch } from "../refusal.ts";
import { noteRefused, recallRefused } from "../refused_credentials.ts";
import type { AuthServers } from "../servers/auth_servers.ts";
import type { HeadVerifier, Refusal, RequestToVerify } from "../verifier.ts";
import type { BearerScheme } from "./bearer.ts";
import type { ClaimsRule } from "./claims.ts";
import { type Claims, readToken, type Token } from "./token.ts";
import { TokenMemory } from "./token_memory.ts";

/** A good signature, whose key is one of several. */
export interface CountedSignature {
  /** Counts that a token with it has passed once more: it is counted once already. */
  readonly count: () => void;
}

/** Whether a signature is good, or the reason in words for the operator where it is not even checked. */
export type SignatureVerdict = boolean | CountedSignature | string;

/** Where keys come from. */
export interface KeySource {
  /** Whether a check takes little time: fewer tokens are remembered then. */
  readonly isQuick: boolean;
  /**
   * Whether the signature is that of the signed text with a key of this algorithm and name.
   *
   * @throws {UnavailableError} when that cannot be found out at the moment
   */
  verify(
    algorithm: string,
    kid: string | undefined,
    signed: string,
    signature: string,
    servers: AuthServers,
  ): SignatureVerdict | Promise<SignatureVerdict>;
  /** The keys that serve now, `undefined` for none; another value when they have changed. @default never changes */
  current?(): unknown;
  /** Lets go of what is shared with others. */
  release?(): void;
}

/** What tokens are checked against. */
export interface TokenVerifierOptions {
  readonly bearer: BearerScheme;
  readonly keys: KeySource;
  readonly rule: ClaimsRule;
  /** What else the claims must have. @default nothing */
  readonly refuseClaims?: (claims: Claims) => Refusal | undefined;
}

const FORGED = "The token's signature does not match";

/** A token's signature covers nothing else of the request. */
const NOTHING_ELSE = "";

/** Verifies the tokens that requests to one webhook present. */
export class TokenVerifier implements HeadVerifier {
  readonly reads = "head";
  readonly #options: TokenVerifierOptions;
  readonly #memory: TokenMemory;
  readonly #forged: Refusal;
  /** The keys that the memory is of. */
  #keys: unknown;

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    this.#memory = new TokenMemory(options.keys.isQuick ? "quick" : "slow");
    this.#forged = mismatch(options.bearer.refuse(FORGED));
  }

  /** Waits only while keys are asked for. */
  verify({ headers, servers }: RequestToVerify): Refusal | undefined | Promise<Refusal | undefined> {
    const token = this.#options.bearer.tokenOf(headers);
    return typeof token === "string" ? this.#check(token, servers) : token;
  }

  /** Lets go of what the keys share with others. */
  release(): void {
    this.#options.keys.release?.();
  }

  #check(text: string, servers: AuthServers): Refusal | undefined | Promise<Refusal | undefined> {
    const now = Date.now() / 1000;
    const memory = this.#memoryOfKeys();
    const known = memory.recall(text, now);
    if (known === "forged") return this.#forged;
    if (known !== undefined) {
      known.count?.();
      return undefined;
    }
    const refusedBefore = recallRefused(this, text, NOTHING_ELSE);
    if (refusedBefore !== undefined) return refusedBefore;
    const token = readToken(text);
    if (typeof token === "string") return this.#options.bearer.refuse(token);
    const refused = this.#refuseClaims(token, now);
    if (refused !== undefined) return refused;
    const verified = this.#verify(token, servers);
    return verified instanceof Promise
      ? verified.then((outcome) => this.#conclude(text, token, outcome))
      : this.#conclude(text, token, verified);
  }

  /** Forgets all tokens when the keys are others. */
  #memoryOfKeys(): TokenMemory {
    const keys = this.#options.keys.current?.();
    if (keys !== this.#keys) {
      this.#keys = keys;
      this.#memory.clear();
    }
    return this.#memory;
  }

  /** Before the signature: a token that has expired need not be good in any other way. */
  #refuseClaims({ claims }: Token, now: number): Refusal | undefined {
    const { bearer, rule } = this.#options;
    const reason = rule.refuse(claims, now);
    return reason === undefined ? undefined : bearer.refuse(reason);
  }

  #verify({ header, signed, signature }: Token, servers: AuthServers): ReturnType<KeySource["verify"]> {
    return this.#options.keys.verify(header.alg, header.kid, signed, signature, servers);
  }

  #conclude(text: string, { claims }: Token, outcome: SignatureVerdict): Refusal | undefined {
    const { bearer, rule, refuseClaims } = this.#options;
    const memory = this.#memoryOfKeys();
    if (typeof outcome === "string") return bearer.refuse(outcome);
    if (outcome === false) {
      // Keys that are checked quickly do not change.
      if (this.#options.keys.isQuick) return noteRefused(this, text, NOTHING_ELSE, this.#forged);
      memory.noteForged(text);
      return this.#forged;
    }
    // What a good token lacks is said only to those who have one.
    const refused = refuseClaims?.(claims);
    if (refused !== undefined) return refused;
    const count = outcome === true ? undefined : outcome.count;
    memory.notePassed(text, { until: rule.passesUntil(claims), count });
    return undefined;
  }
}
