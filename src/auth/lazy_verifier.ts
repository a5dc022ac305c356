/**
 * Verifiers that are prepared when the first request comes: most webhooks of a large installation get
 * none.
 *
 * @module
 */

import type { BodyVerifier, HeadVerifier, RequestToVerify, Verifier } from "./verifier.ts";

/**
 * Puts the expensive part of making a verifier off until its first request. Padding keys and hashing secrets
 * takes a few microseconds and a kilobyte a webhook; of hundreds of thousands of webhooks most are idle,
 * and all of them are compiled whenever a gateway starts.
 *
 * @param prepare must not fail: the configuration has been validated. It is one function for all verifiers
 * of a kind: a closure over the configuration would take as much memory again as the configuration
 * @param config what `prepare` is given
 */
export function lazyVerifier<Config>(
  reads: "head",
  prepare: (config: Config) => HeadVerifier,
  config: Config,
): HeadVerifier;
export function lazyVerifier<Config>(
  reads: "body",
  prepare: (config: Config) => BodyVerifier,
  config: Config,
): BodyVerifier;
export function lazyVerifier<Config>(
  reads: "head" | "body",
  prepare: (config: Config) => Verifier,
  config: Config,
): Verifier {
  return reads === "head"
    ? new LateHeadVerifier(prepare as (config: Config) => HeadVerifier, config)
    : new LateBodyVerifier(prepare as (config: Config) => BodyVerifier, config);
}

class LateVerifier<Config, Prepared extends Verifier> {
  readonly #prepare: (config: Config) => Prepared;
  readonly #config: Config;
  #prepared: Prepared | undefined;

  constructor(prepare: (config: Config) => Prepared, config: Config) {
    this.#prepare = prepare;
    this.#config = config;
  }

  verify(request: RequestToVerify): ReturnType<Prepared["verify"]> {
    this.#prepared ??= this.#prepare(this.#config);
    return this.#prepared.verify(request) as ReturnType<Prepared["verify"]>;
  }

  isChallenge(request: RequestToVerify): boolean {
    this.#prepared ??= this.#prepare(this.#config);
    return this.#prepared.isChallenge?.(request) === true;
  }

  /** What was prepared stays: it may remember what must not pass twice. */
  release(): void {
    this.#prepared?.release?.();
  }
}

class LateHeadVerifier<Config> extends LateVerifier<Config, HeadVerifier> implements HeadVerifier {
  // A getter takes no room in the object.
  get reads(): "head" {
    return "head";
  }
}

class LateBodyVerifier<Config> extends LateVerifier<Config, BodyVerifier> implements BodyVerifier {
  get reads(): "body" {
    return "body";
  }
}
