/**
 * Sets of public keys (JWK Set, RFC 7517, section 5), as issuers publish them.
 *
 * @module
 */

import type { KeyObject } from "node:crypto";
import { ALGORITHM_NAMES, type AlgorithmName, isHmac } from "./algorithms.ts";
import { publicJwkOf, publicKeyCheck, refuseKey, type SignatureCheck } from "./keys.ts";

/** Most keys of a set that are looked at. */
const MAX_KEYS = 100;

/** Most keys that are tried for one token, which may name none. */
const MAX_TRIED = 4;

/** The algorithms of a key that names none, where none is configured: of several that RSA has, the usual one. */
const USUAL_ALGORITHMS: readonly AlgorithmName[] = ["RS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

interface PublicKey {
  readonly kid: string | undefined;
  readonly checks: ReadonlyMap<string, SignatureCheck>;
}

/** What a set says of a token. */
export type SetVerdict = "good" | "forged" | "unknown key" | "other algorithm";

/** The usable keys of a set. */
export class KeySet {
  readonly #keys: readonly PublicKey[];

  private constructor(keys: readonly PublicKey[]) {
    this.#keys = keys;
  }

  /**
   * Reads a set. Keys that are secret, too weak, not for signatures or of no known type are passed over.
   *
   * @param algorithms only these. @default what each key names, and otherwise the usual ones of its type
   * @returns `undefined` when it is not a set, or none of its keys can be used
   */
  static read(json: string, algorithms?: readonly AlgorithmName[]): KeySet | undefined {
    const keys = jwksOf(json).slice(0, MAX_KEYS).flatMap((jwk) => readJwk(jwk, algorithms) ?? []);
    return keys.length === 0 ? undefined : new KeySet(keys);
  }

  /** @param kid the name of the key, where the token has one: all keys are possible otherwise */
  verify(algorithm: string, kid: string | undefined, signed: string, signature: string): SetVerdict {
    const named = kid === undefined ? this.#keys : this.#keys.filter((key) => key.kid === kid);
    if (named.length === 0) return "unknown key";
    const checks = named.flatMap(({ checks }) => checks.get(algorithm) ?? []);
    if (checks.length === 0) return "other algorithm";
    return checks.slice(0, MAX_TRIED).some((check) => check(signed, signature)) ? "good" : "forged";
  }
}

type Jwk = Readonly<Record<string, unknown>>;

function jwksOf(json: string): readonly unknown[] {
  try {
    const set = JSON.parse(json) as { readonly keys?: unknown } | null;
    return Array.isArray(set?.keys) ? set.keys : [];
  } catch {
    return [];
  }
}

function readJwk(value: unknown, algorithms?: readonly AlgorithmName[]): PublicKey | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const jwk = value as Jwk;
  const { kid, use, key_ops: operations } = jwk;
  if (use !== undefined && use !== "sig") return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) {
    return undefined;
  }
  const key = publicJwkOf(jwk as JsonWebKey);
  if (key === undefined) return undefined;
  const checks = algorithmsOf(jwk, key, algorithms).map((name) => [name, publicKeyCheck(name, key)] as const);
  if (checks.length === 0) return undefined;
  return { kid: typeof kid === "string" ? kid : undefined, checks: new Map(checks) };
}

/** One key is for one algorithm, if it says so (RFC 8725, section 3.1); and never for one of another type of key. */
function algorithmsOf(
  { alg }: Jwk,
  key: KeyObject,
  configured?: readonly AlgorithmName[],
): readonly AlgorithmName[] {
  const own = alg === undefined ? undefined : ALGORITHM_NAMES.filter((name) => name === alg);
  const named = own ?? configured ?? USUAL_ALGORITHMS;
  return named.filter((name) =>
    (configured ?? named).includes(name) && !isHmac(name) && refuseKey(name, key) === undefined
  );
}
