/**
 * What a token has to claim (RFC 7519, section 4.1), and the keys of a configuration that say so.
 *
 * @module
 */

import { z } from "zod";
import { booleanField, numberField } from "../../schema/fields.ts";
import type { Notice } from "../verifier.ts";
import type { Claims } from "./token.ts";

/** Longest time that clocks may differ, in seconds: section 4.1.4 has "no more than a few minutes". */
const MAX_LEEWAY = 300;

/** The compiled keys. */
export interface ClaimsConfig {
  readonly issuer?: readonly string[] | undefined;
  readonly audience?: readonly string[] | undefined;
  /** @default true */
  readonly verify_exp: boolean;
  /** In seconds. @default 0 */
  readonly leeway: number;
}

/** An empty text is a problem, and not the absence of the key: it would let everybody's tokens in. */
function namesField(description: string): z.ZodType<readonly string[] | undefined> {
  const name = z.string().min(1, { error: "Must not be empty: remove the key to take any" });
  return z.union([name, z.array(name).min(1).max(100)], { error: "Must be a text, or a list of texts" })
    .transform((given): readonly string[] => typeof given === "string" ? [given] : given)
    .optional()
    .meta({ description, emptyIsValue: true });
}

/** The keys `issuer`, `audience`, `verify_exp` and `leeway`. */
export function claimsFields(): {
  readonly issuer: z.ZodType<readonly string[] | undefined>;
  readonly audience: z.ZodType<readonly string[] | undefined>;
  readonly verify_exp: z.ZodDefault<z.ZodType<boolean>>;
  readonly leeway: z.ZodDefault<z.ZodType<number>>;
} {
  return {
    issuer: namesField("Who must have issued the token, as its `iss` says: one of a list. Default: anybody."),
    audience: namesField(
      "Whom the token must be meant for: its `aud` has one of these. Default: it must have no `aud`.",
    ),
    verify_exp: booleanField().default(true).meta({
      description: "`false`: tokens without `exp`, and those that have expired, are taken too.",
    }),
    leeway: numberField(0, MAX_LEEWAY).default(0).meta({
      description: "Seconds that the clocks of issuer and gateway may differ.",
    }),
  };
}

/** What to know of keys that leave something open. */
export function claimsNotices({ verify_exp, audience }: ClaimsConfig): readonly Notice[] {
  const notices: Notice[] = [];
  if (!verify_exp) notices.push({ path: "verify_exp", message: "Tokens are good for ever, stolen ones too" });
  if (audience === undefined) {
    const message =
      "It is not set: tokens with 'aud' are refused (RFC 7519, section 4.1.3), which the Python " +
      "service took";
    notices.push({ path: "audience", message });
  }
  return notices;
}

/** A time in a token (RFC 7519, section 2): seconds since 1970, perhaps with a fraction. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Who says what is judged: the token itself, or a server that was asked about it and has judged already. */
export type Claimant = "token" | "server";

/** Judges what tokens claim. */
export class ClaimsRule {
  readonly #claimant: Claimant;
  readonly #issuers: readonly string[] | undefined;
  readonly #audiences: readonly string[] | undefined;
  readonly #verifiesExpiry: boolean;
  readonly #leeway: number;

  constructor({ issuer, audience, verify_exp, leeway }: ClaimsConfig, claimant: Claimant = "token") {
    this.#claimant = claimant;
    this.#issuers = issuer;
    this.#audiences = audience;
    this.#verifiesExpiry = verify_exp;
    this.#leeway = leeway;
  }

  /**
   * Why a token with these claims is refused, in words that hold nothing of it; `undefined` when it is not.
   *
   * @param now in seconds since 1970
   */
  refuse(claims: Claims, now: number): string | undefined {
    return this.#refuseTimes(claims, now) ?? this.#refuseIssuer(claims["iss"]) ??
      this.#refuseAudience(claims["aud"]);
  }

  /** From when on such a token is refused, in seconds since 1970: what passes now does so until then. */
  passesUntil({ exp }: Claims): number {
    return this.#verifiesExpiry && isTime(exp) ? exp + this.#leeway : Infinity;
  }

  #refuseTimes({ exp, nbf, iat }: Claims, now: number): string | undefined {
    const mayBeLeftOut = this.#claimant === "server" && exp === undefined;
    if (this.#verifiesExpiry && !mayBeLeftOut) {
      if (exp === undefined) return "The token has no 'exp', so that it would be good for ever";
      if (!isTime(exp)) return "The token's 'exp' is not a time";
      if (now >= exp + this.#leeway) return "The token has expired";
    }
    if (nbf !== undefined) {
      if (!isTime(nbf)) return "The token's 'nbf' is not a time";
      if (now < nbf - this.#leeway) return "The token is not valid yet: see 'leeway' for clocks that differ";
    }
    if (iat !== undefined) {
      if (!isTime(iat)) return "The token's 'iat' is not a time";
      if (now < iat - this.#leeway) {
        return "The token was issued in the future: see 'leeway' for clocks that differ";
      }
    }
    return undefined;
  }

  #refuseIssuer(iss: unknown): string | undefined {
    if (this.#issuers === undefined) return undefined;
    if (iss === undefined) return "The token has no 'iss'";
    return this.#issuers.includes(iss as string) ? undefined : "The token is of another issuer";
  }

  /** Whoever is not named by an audience must not take the token (section 4.1.3). */
  #refuseAudience(aud: unknown): string | undefined {
    if (this.#audiences === undefined) {
      return aud === undefined || this.#claimant === "server"
        ? undefined
        : "The token is meant for an audience, and no 'audience' is configured";
    }
    if (aud === undefined) return "The token has no 'aud'";
    const named = Array.isArray(aud) ? aud as readonly unknown[] : [aud];
    return this.#audiences.some((audience) => named.includes(audience))
      ? undefined
      : "The token is meant for another audience";
  }
}
