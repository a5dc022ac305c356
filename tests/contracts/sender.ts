/**
 * Senders whose requests pass a kind of authentication: what fuzzing, floods, benchmarks and property tests need of
 * each kind. They walk the registry, so that a kind is covered as soon as its world has senders.
 *
 * @module
 */

import type { VerifierKind } from "../../src/auth/verifier.ts";
import type { VerifierExample, VerifierWorld } from "./verifier.ts";

/** A request as its sender writes it. */
export interface SentRequest {
  readonly method: string;
  /** With its origin and its query. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A part of a request beside the credentials that are in it. */
export type CoveredPart = "body" | "method" | "url";

/** One way to configure a kind, and a sender that passes it. */
export interface SenderWorld {
  /** Follows the kind's name in those of tests. Empty where there is one. */
  readonly variant: string;
  /** Starts what the kind asks while it verifies, if anything, and resolves to the sender. */
  open(): Promise<Sender>;
}

/** Sends requests to a webhook that is configured for it. */
export interface Sender extends AsyncDisposable {
  /** The webhook's keys: the kind's own and, where there are any, those beside it. */
  readonly webhook: Readonly<Record<string, unknown>>;
  /** Settings of the gateway that the kind needs. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * The request with credentials, so that it passes.
   *
   * @param challenge the `WWW-Authenticate` with which the same request was refused without credentials;
   * `undefined` where the kind sends none
   */
  sign(request: SentRequest, challenge: string | undefined): SentRequest | Promise<SentRequest>;
  /** What the credentials are over: a request of which one bit of it is changed is refused. @default nothing */
  readonly covers?: readonly CoveredPart[];
  /** Whether a request that passed is refused when it comes again. @default false */
  readonly passesOnce?: boolean;
  /**
   * What a value that {@linkcode sign} added to a header or to the query says to the kind: two that say the same pass
   * both, such as a scheme in another case. @default the value itself
   */
  meaning?(name: string, value: string): string;
}

/** The senders of a kind's world. */
export function sendersOf(kind: VerifierKind, { examples, senders }: VerifierWorld): readonly SenderWorld[] {
  return senders === "examples" ? examples.map((example) => exampleSender(kind, example)) : senders;
}

const SECRET = "Correct-Horse-Battery-Staple-1";

function exampleSender(kind: VerifierKind, example: VerifierExample): SenderWorld {
  const { variant, place, header, ignoresCase, meaning } = example;
  const config = example.configWith(SECRET);
  const { reads } = kind.compile(kind.configSchema.parse(config));
  const sender: Sender = {
    webhook: { [kind.key]: config },
    covers: reads === "body" ? ["body"] : [],
    meaning: (_, value) => meaning?.(value) ?? (ignoresCase ? value.toLowerCase() : value),
    sign: (request, challenge = "") => {
      const value = example.credentialsFor(SECRET, request.body, challenge);
      if (place !== "query") return { ...request, headers: [...request.headers, [header, value]] };
      const separator = request.url.includes("?") ? "&" : "?";
      return { ...request, url: `${request.url}${separator}${new URLSearchParams([[header, value]])}` };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { variant, open: () => Promise.resolve(sender) };
}
