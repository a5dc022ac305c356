/**
 * Secrets of which several may be valid at once: while a secret is changed, senders have the old or the new one. Every
 * verifier that compares with a secret takes one or a list, by `secretsField`, and compares by `secretsMatcher` or
 * `secretsCheck`.
 *
 * @module
 */

import { z } from "zod";
import { secretField } from "../schema/fields.ts";
import { secretFinder, secretMatcher } from "./crypto/constant_time.ts";

/** Most secrets of one list. A request that has none of them costs as much as all of them. */
const MAX_SECRETS = 10;

/** One secret, as most webhooks have, or a list. */
export type Secrets = string | SeveralSecrets;

/** Counts of how often each secret of a list has matched. */
export interface MatchCounter {
  increment(): void;
}

/** A list of secrets that are all valid. Nothing that is printed of it shows them. */
export class SeveralSecrets {
  readonly #texts: readonly string[];
  #counters: readonly MatchCounter[] = [];

  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  get size(): number {
    return this.#texts.length;
  }

  /** What is prepared of each secret, in their order. */
  map<Prepared>(prepare: (secret: string) => Prepared): Prepared[] {
    return this.#texts.map(prepare);
  }

  /** From now on matches are counted here. @param counters one a secret, in their order */
  countWith(counters: readonly MatchCounter[]): void {
    this.#counters = counters;
  }

  /**
   * Counts a match, so that operators see when nobody uses an old secret any more. `secretsMatcher` and `secretsCheck`
   * do it; it is for verifiers that find the secret in another way.
   *
   * @param position in the list; -1 when no secret has matched
   * @returns whether one has
   */
  matched(position: number): boolean {
    if (position === -1) return false;
    this.#counters[position]?.increment();
    return true;
  }
}

/**
 * The field of a secret of which there may be several: a text, or a list of texts. What it is parsed to is not to be
 * logged or shown, as with every secret.
 *
 * @param description what the secret is, as a sentence; that there may be several is added
 * @param one the schema of each. @default a text that is not empty, without white space at its ends
 */
export function secretsField(
  description: string,
  one: z.ZodType<string, string> = secretField(),
): z.ZodType<Secrets, string | string[]> {
  const several = z.array(one).min(1, { error: "Must hold one secret at least" }).max(MAX_SECRETS, {
    error: `Must not hold more than ${MAX_SECRETS} secrets`,
  });
  return z.union([one, several], { error: "Must be a text, or a list of texts" })
    .transform((given) => typeof given === "string" ? given : new SeveralSecrets(given))
    .meta({ description: `${description} A list: up to ${MAX_SECRETS}, all valid at once.` });
}

/**
 * Prepares the comparison of texts with all secrets, in a time that does not depend on where they differ, nor on which
 * of them is equal. The one that matches is counted.
 *
 * @param written how a secret stands in what is presented. @default as it is
 */
export function secretsMatcher(
  secrets: Secrets,
  written: (secret: string) => string = asItIs,
): (presented: string) => boolean {
  if (typeof secrets === "string") return secretMatcher(written(secrets));
  const find = secretFinder(secrets.map(written));
  return (presented) => secrets.matched(find(presented));
}

/**
 * Prepares a check, such as that of a signature, with each secret. All are tried, whichever passes, so that the time
 * does not say which one it was; the first one that passes is counted. With one secret the check is used as it is.
 *
 * @param prepare makes the check with one secret. It must compare in constant time, and neither throw nor wait
 */
export function secretsCheck<Input extends readonly unknown[]>(
  secrets: Secrets,
  prepare: (secret: string) => (...input: Input) => boolean,
): (...input: Input) => boolean {
  if (typeof secrets === "string") return prepare(secrets);
  const checks = secrets.map(prepare);
  return (...input) => {
    let position = -1;
    for (let index = checks.length - 1; index >= 0; index--) {
      if (checks[index]!(...input)) position = index;
    }
    return secrets.matched(position);
  };
}

/** A list of secrets with the place that it was configured at, such as `hmac.secret`. */
export interface PlacedSecrets {
  readonly path: string;
  readonly secrets: SeveralSecrets;
}

/** The lists of secrets in the compiled configuration of a verifier: the value itself, or what its keys hold. */
export function placedSecretsIn(key: string, config: unknown): readonly PlacedSecrets[] {
  if (typeof config !== "object" || config === null) return NONE;
  if (config instanceof SeveralSecrets) return [{ path: key, secrets: config }];
  let found: PlacedSecrets[] | undefined;
  for (const name in config) {
    const secrets = (config as Record<string, unknown>)[name];
    if (secrets instanceof SeveralSecrets) (found ??= []).push({ path: `${key}.${name}`, secrets });
  }
  return found ?? NONE;
}

/** One list for all verifiers without any. */
const NONE: readonly PlacedSecrets[] = [];

function asItIs(secret: string): string {
  return secret;
}
