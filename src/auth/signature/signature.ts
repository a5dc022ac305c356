/**
 * The verifier `signature`: requests that a known provider has signed, or anybody by a scheme that is given as data.
 *
 * @module
 */

import { DialogueVerifier } from "../challenges/dialogue_verifier.ts";
import { HandshakeVerifier } from "../challenges/handshake.ts";
import { lazyVerifier } from "../lazy_verifier.ts";
import { CodedVerifier } from "../providers/coded/coded_verifier.ts";
import type { BodyCheck, BodyVerifier, Refusal, RequestToVerify, VerifierKind } from "../verifier.ts";
import { askedServers } from "../servers/server_fields.ts";
import { eventPatternsSchema } from "../../event/event_type.ts";
import { EVENTS_KEY, eventTypesOf } from "./event_types.ts";
import { fitsKey } from "./key.ts";
import { SchemeVerifier } from "./scheme_verifier.ts";
import { replayTtlMs, secretsIn, type SignatureConfig, signatureSchema } from "./settings.ts";

/** `signature`: a provider by its name, or a scheme, with the secrets that it is verified with. */
export const signature: VerifierKind<SignatureConfig> = {
  key: "signature",
  configSchema: signatureSchema.meta({
    description: "A request that its provider has signed: Stripe, GitHub and others.",
  }),
  example: { provider: "stripe", secret: "{$STRIPE_SECRET}" },
  notes: [
    "[Providers](providers/README.md) has the names, what each was compared with, and how to write a scheme.",
    "[Challenges](challenges/README.md) has what providers ask, the secrets that they bring, and what they are answered.",
  ],
  keysBeside: {
    [EVENTS_KEY]: eventPatternsSchema.optional().meta({
      description:
        "With `signature`: the types of events that are handed on, such as `push` or `invoice.*`, as the " +
        "provider calls them; `*` stands for any characters. Others are answered with 200, counted as `filtered`, " +
        "and go nowhere. Default: all.",
    }),
  },
  eventTypes: (config, beside) => eventTypesOf(config, beside?.[EVENTS_KEY] as readonly string[] | undefined),
  servers: ({ ebayApi }) => askedServers([["api_url", ebayApi?.server]]),
  forms: ({ provider }) => provider?.forms,
  accepted: ({ dialogue }) => dialogue?.accepted,
  handshake: ({ dialogue, secret }) => {
    if (dialogue?.handshake === undefined) return undefined;
    return secret === undefined ? "awaited" : "settled";
  },
  compile: (config) => lazyVerifier("body", verifierOf, config),
};

function verifierOf(config: SignatureConfig): BodyVerifier {
  const verifier = signatureVerifier(config, Date.now);
  const { dialogue, secret, settings } = config;
  if (dialogue?.questions === undefined && dialogue?.refused === undefined) return verifier;
  const questions = dialogue.questions?.prepare({
    secrets: secretsIn(secret),
    verifyToken: settings.verify_token,
    publicKey: typeof settings.public_key === "string" ? settings.public_key : undefined,
    publicUrl: settings.public_url,
  });
  return new DialogueVerifier(verifier, questions ?? {}, dialogue.refused);
}

/** Makes the verifier. @param now in milliseconds since 1970; the clock, or the one of a captured request */
export function signatureVerifier(config: SignatureConfig, now: () => number): BodyVerifier {
  const { provider, secret, names, settings } = config;
  const publicUrl = settings.public_url;
  if (provider !== undefined && "keyed" in provider) {
    return new provider.keyed({
      certificates: settings.certificates,
      publicKeys: settings.public_keys,
      ebayApi: config.ebayApi,
      topics: settings.topics,
      webhookId: settings.webhook_id,
      replayTtlMs: replayTtlMs(config),
    });
  }
  const handshake = config.dialogue?.handshake;
  if (secret === undefined && handshake !== undefined) {
    return new HandshakeVerifier(handshake, (text) => signatureVerifier({ ...config, secret: text }, now));
  }
  if (secret === undefined) throw new TypeError("There is no secret: it should not have been configured");
  if (provider !== undefined && "coded" in provider) {
    const publicKey = typeof settings.public_key === "string" ? settings.public_key : undefined;
    return new CodedVerifier({
      scheme: provider.coded,
      secrets: secret,
      publicUrl,
      publicKey,
      baseUrl: settings.base_url,
      key: settings.key,
      tolerance: settings.tolerance,
      replayTtlMs: replayTtlMs(config),
      now,
    });
  }
  const texts = typeof secret === "string" ? [secret] : secret.map((text) => text);
  const verifiers = config.schemes
    .filter((scheme) => texts.every((text) => fitsKey(text, scheme)))
    .map((scheme) => {
      const ttlMs = replayTtlMs(config, scheme.timestamp?.window);
      return new SchemeVerifier({ scheme, secrets: secret, names, publicUrl, replayTtlMs: ttlMs, now });
    });
  return verifiers.length === 1 ? verifiers[0]! : new FirstPresent(verifiers);
}

/** Several schemes of one provider: the first one whose signature a request has. */
class FirstPresent implements BodyVerifier {
  readonly reads = "body";
  readonly #verifiers: readonly SchemeVerifier[];

  constructor(verifiers: readonly SchemeVerifier[]) {
    this.#verifiers = verifiers;
  }

  verify(request: RequestToVerify): Refusal | BodyCheck {
    const present = this.#verifiers.find((verifier) => verifier.isPresentIn(request.headers));
    return (present ?? this.#verifiers[0]!).verify(request);
  }
}
