/**
 * Keys of tokens that stand in the configuration: shared secrets, or public keys in PEM.
 *
 * @module
 */

import { z } from "zod";
import { hasNoOuterWhiteSpace, secretField } from "../../schema/fields.ts";
import { type Secrets, secretsField, type SeveralSecrets } from "../several_secrets.ts";
import { type AlgorithmName, isHmac } from "./algorithms.ts";
import {
  isPem,
  publicKeyCheck,
  publicKeyOf,
  refusePem,
  refuseSecret,
  secretCheck,
  type SignatureCheck,
} from "./keys.ts";
import type { CountedSignature, KeySource, SignatureVerdict } from "./token_verifier.ts";

/** Variables often hold PEM with `\n` in the place of its line ends, and files end in one. */
function asPem(text: string): string {
  return isPem(text) ? text.replaceAll("\\n", "\n").trim() : text;
}

/** A shared secret or a public key in PEM, of which there may be several. */
export function keysField(description: string): z.ZodType<Secrets, string | string[]> {
  return secretsField(description, z.string().transform(asPem).pipe(secretField()));
}

/** The keys, one by one. */
function listOf(keys: Secrets): readonly string[] {
  return typeof keys === "string" ? [keys] : keys.map((key) => key);
}

function refuse(name: AlgorithmName, key: string): string | undefined {
  return isHmac(name) ? refuseSecret(name, key) : refusePem(name, key);
}

/**
 * Why keys cannot be used with any of the algorithms, in words that do not show them; `undefined` when each can be with
 * one at least.
 */
export function refuseKeys(algorithms: readonly AlgorithmName[], keys: Secrets): string | undefined {
  // White space around a key is reported by its field.
  for (const key of listOf(keys).filter(hasNoOuterWhiteSpace)) {
    const refusals = algorithms.map((name) => refuse(name, key));
    // Of several the one that fits the form of the key says most.
    const said = refusals.find((_, index) => isHmac(algorithms[index]!) !== isPem(key)) ?? refusals[0];
    if (refusals.every((refusal) => refusal !== undefined)) return said;
  }
  return undefined;
}

/**
 * The source of keys that do not change. No key is used with two types of algorithm: what is a public key is never a
 * shared secret.
 */
export class FixedKeys implements KeySource {
  readonly #check: KeyCheck<SignatureVerdict>;
  readonly #algorithms: readonly string[];
  readonly isQuick: boolean;

  /** @param keys must have passed {@linkcode refuseKeys} */
  constructor(algorithms: readonly AlgorithmName[], keys: Secrets) {
    this.#check = typeof keys === "string" ? checkWith(algorithms, keys) : checkWithSeveral(algorithms, keys);
    this.#algorithms = algorithms;
    this.isQuick = !listOf(keys).some(isPem);
  }

  verify(algorithm: string, _kid: string | undefined, signed: string, signature: string): SignatureVerdict {
    if (!this.#algorithms.includes(algorithm)) return "The token has another algorithm than is configured";
    return this.#check(algorithm, signed, signature);
  }
}

type KeyCheck<Verdict> = (algorithm: string, signed: string, signature: string) => Verdict;

/** All keys are tried, whichever is good, so that the time does not say which; the first one that is good is counted. */
function checkWithSeveral(
  algorithms: readonly AlgorithmName[],
  keys: SeveralSecrets,
): KeyCheck<SignatureVerdict> {
  const checks = keys.map((key) => checkWith(algorithms, key));
  const verdicts = checks.map((_, position): CountedSignature => ({
    count: () => void keys.matched(position),
  }));
  return (algorithm, signed, signature) => {
    let position = -1;
    for (let index = checks.length - 1; index >= 0; index--) {
      if (checks[index]!(algorithm, signed, signature)) position = index;
    }
    return keys.matched(position) && verdicts[position]!;
  };
}

function signatureCheck(name: AlgorithmName, key: string): SignatureCheck {
  return isHmac(name)
    ? secretCheck(name, new TextEncoder().encode(key))
    : publicKeyCheck(name, publicKeyOf(key)!);
}

function checkWith(algorithms: readonly AlgorithmName[], key: string): KeyCheck<boolean> {
  const checks: [AlgorithmName, SignatureCheck][] = algorithms
    .filter((name) => refuse(name, key) === undefined)
    .map((name) => [name, signatureCheck(name, key)]);
  const [only] = checks;
  if (checks.length === 1 && only !== undefined) {
    const [name, check] = only;
    return (algorithm, signed, signature) => algorithm === name && check(signed, signature);
  }
  const byName = new Map<string, SignatureCheck>(checks);
  return (algorithm, signed, signature) => byName.get(algorithm)?.(signed, signature) ?? false;
}
