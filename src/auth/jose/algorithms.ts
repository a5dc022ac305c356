/**
 * The algorithms of signatures that tokens may have (RFC 7518, section 3.1; RFC 8037, section 3.1; RFC 9864), and the
 * keys that each of them is pinned to. `none` is not among them.
 *
 * @module
 */

import { z } from "zod";

/** Keyed hashes (RFC 7518, section 3.2). */
interface HmacAlgorithm {
  readonly keyType: "secret";
  readonly hash: "sha256" | "sha384" | "sha512";
  /** A shorter key than the hash can be found by trying. */
  readonly minKeyBytes: number;
}

/** RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 7518, sections 3.3 and 3.5). */
interface RsaAlgorithm {
  readonly keyType: "rsa";
  readonly hash: "sha256" | "sha384" | "sha512";
  /** Length of the salt in bytes, which is that of the hash; `undefined` without a salt. */
  readonly saltBytes: number | undefined;
}

/** ECDSA (RFC 7518, section 3.4). */
interface EcAlgorithm {
  readonly keyType: "ec";
  readonly hash: "sha256" | "sha384" | "sha512";
  /** As OpenSSL names the curve. */
  readonly curve: string;
}

/** EdDSA over Ed25519 (RFC 8037). */
interface EdAlgorithm {
  readonly keyType: "ed25519";
}

/** What is known of one algorithm. */
export type Algorithm = HmacAlgorithm | RsaAlgorithm | EcAlgorithm | EdAlgorithm;

/** Every algorithm by its name in `alg`. */
export const ALGORITHMS = {
  HS256: { keyType: "secret", hash: "sha256", minKeyBytes: 32 },
  HS384: { keyType: "secret", hash: "sha384", minKeyBytes: 48 },
  HS512: { keyType: "secret", hash: "sha512", minKeyBytes: 64 },
  RS256: { keyType: "rsa", hash: "sha256", saltBytes: undefined },
  RS384: { keyType: "rsa", hash: "sha384", saltBytes: undefined },
  RS512: { keyType: "rsa", hash: "sha512", saltBytes: undefined },
  PS256: { keyType: "rsa", hash: "sha256", saltBytes: 32 },
  PS384: { keyType: "rsa", hash: "sha384", saltBytes: 48 },
  PS512: { keyType: "rsa", hash: "sha512", saltBytes: 64 },
  ES256: { keyType: "ec", hash: "sha256", curve: "prime256v1" },
  ES384: { keyType: "ec", hash: "sha384", curve: "secp384r1" },
  ES512: { keyType: "ec", hash: "sha512", curve: "secp521r1" },
  EdDSA: { keyType: "ed25519" },
  Ed25519: { keyType: "ed25519" },
} as const satisfies Readonly<Record<string, Algorithm>>;

/** The name of an algorithm, as it stands in `alg`: case matters. */
export type AlgorithmName = keyof typeof ALGORITHMS;

/** All names. */
export const ALGORITHM_NAMES = Object.keys(ALGORITHMS) as AlgorithmName[];

/** All names, for a description. */
export const ALGORITHM_LIST: string = ALGORITHM_NAMES.map((name) => `\`${name}\``).join(", ");

/** The name of an algorithm in any case, as the Python service takes it. */
export function algorithmField(): z.ZodType<AlgorithmName> {
  const byCase = new Map(ALGORITHM_NAMES.map((name) => [name.toLowerCase(), name]));
  return z.string().transform((text) => byCase.get(text.toLowerCase()) ?? text).pipe(z.enum(ALGORITHM_NAMES));
}

/** Whether the key of an algorithm is a secret that whoever verifies could sign with too. */
export function isHmac(name: AlgorithmName): boolean {
  return ALGORITHMS[name].keyType === "secret";
}
