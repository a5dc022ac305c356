/**
 * Secrets that a provider brings by itself, in the first request that it sends. Whoever sends first could bring one, so
 * it is taken only when an operator waits for it.
 *
 * @module
 */

import type { Refusal } from "../refusal.ts";
import type { BodyCheck, BodyVerifier, Finding, RequestToVerify } from "../verifier.ts";
import { EMPTY_ANSWER } from "./answers.ts";
import { Challenge, type ProviderAnswer } from "./challenge.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How a provider brings its secret. */
export interface Handshake {
  /** In one sentence, for the page. */
  readonly description: string;
  /** The secret in a head; `undefined` where it is not there. */
  inHead?(headers: Headers): string | undefined;
  /** The secret in a body; `undefined` where it is not there. */
  inBody?(body: Bytes): string | undefined;
  /** The answer once it was taken. */
  answer(secret: string): ProviderAnswer;
}

/** What may be a secret: it is repeated in a header, and an operator copies it. */
const SECRET = /^[\x21-\x7e]{16,512}$/;

/** Largest body that may bring a secret, in bytes. */
const MAX_BYTES = 4096;

/** The header is repeated in the answer. */
export const asanaHandshake: Handshake = {
  description: "`X-Hook-Secret` of its first request, which gets the header back.",
  inHead: (headers) => headers.get("x-hook-secret") ?? undefined,
  answer: (secret) => ({ ...EMPTY_ANSWER, headers: { "x-hook-secret": secret } }),
};

/** The operator pastes the token into the form of the subscription. */
export const notionHandshake: Handshake = {
  description:
    "`verification_token` of its first request, which has to be copied into Notion's form as well.",
  inBody: (body) => {
    try {
      if (body.length > MAX_BYTES) return undefined;
      const value: unknown = JSON.parse(new TextDecoder().decode(body));
      const token = (value as Readonly<Record<string, unknown>> | null)?.["verification_token"];
      return typeof token === "string" ? token : undefined;
    } catch {
      // Not JSON.
      return undefined;
    }
  },
  answer: () => EMPTY_ANSWER,
};

/** Verifies with the secret that was brought; until then, nothing passes. */
export class HandshakeVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #handshake: Handshake;
  readonly #prepare: (secret: string) => BodyVerifier;
  #known: { readonly secret: string; readonly verifier: BodyVerifier } | undefined;

  /** @param prepare makes the verifier that has a secret */
  constructor(handshake: Handshake, prepare: (secret: string) => BodyVerifier) {
    this.#handshake = handshake;
    this.#prepare = prepare;
  }

  verify(request: RequestToVerify): ReturnType<BodyVerifier["verify"]> {
    const brought = this.#handshake.inHead?.(request.headers);
    if (brought !== undefined) return new Challenge(() => this.#take(request, brought));
    const secret = request.handshakes.secretOf(request.webhook);
    return secret instanceof Promise
      ? secret.then((known) => this.#verifyWith(known, request))
      : this.#verifyWith(secret, request);
  }

  #verifyWith(secret: string | undefined, request: RequestToVerify): ReturnType<BodyVerifier["verify"]> {
    if (secret !== undefined) {
      if (this.#known?.secret !== secret) this.#known = { secret, verifier: this.#prepare(secret) };
      return this.#known.verifier.verify(request);
    }
    const { inBody } = this.#handshake;
    if (inBody === undefined || !request.handshakes.isOpen(request.webhook)) return NO_SECRET;
    const check: BodyCheck = (body): Finding => {
      const brought = inBody(body);
      return brought === undefined ? NO_SECRET : new Challenge(() => this.#take(request, brought));
    };
    return check;
  }

  async #take({ handshakes, webhook }: RequestToVerify, secret: string): Promise<ProviderAnswer | Refusal> {
    if (!SECRET.test(secret)) return NO_FORM;
    return await handshakes.take(webhook, secret) ? this.#handshake.answer(secret) : NOT_OPEN;
  }
}

const NO_SECRET: Refusal = {
  code: "unauthorized",
  reason: "The webhook has no secret yet: open its handshake with cwm handshake, and have the provider begin",
};

const NOT_OPEN: Refusal = {
  code: "unauthorized",
  reason: "A handshake, which nobody waits for: open it with cwm handshake",
};

const NO_FORM: Refusal = {
  code: "unauthorized",
  reason: "A handshake whose secret is not 16 to 512 visible characters",
};
