/**
 * Puts the verifiers of a webhook together. A request passes in three steps, each of which needs the
 * proof of the one before:
 *
 *     admit(head) -> Admission      before the body is read: nobody makes us buffer a body unauthenticated
 *     verify(body) -> Verification  over the bytes as sent: before anything is decoded
 *     seal(event) -> VerifiedEvent  the only kind of event that an output takes
 *
 * @module
 */

import { assertCount, GatewayError } from "../errors.ts";
import type { Event, EventBody } from "../event/event.ts";
import type { RequestKey } from "../event/repeat_key.ts";
import type { VerifiedEvent } from "../event/verified_event.ts";
import { Challenge, type ProviderAnswer } from "./challenges/challenge.ts";
import { UnavailableError } from "./unavailable.ts";
import {
  type BodyCheck,
  type BodyVerdict,
  type Finding,
  isRefusal,
  type Refusal,
  type RequestToVerify,
  type Verifier,
} from "./verifier.ts";

/** Why a request was refused: the cause of the `GatewayError`, for the log. Holds no secret. */
export class RefusalError extends Error {
  override readonly name = "RefusalError";
  /** The client's address as the verifier found it; `undefined` where it did not look. */
  readonly client: string | undefined;
  /** Whether what it presented matches no secret. */
  readonly isMismatch: boolean;

  constructor(reason: string, options?: ErrorOptions & Partial<Pick<RefusalError, "client" | "isMismatch">>) {
    super(reason, options);
    this.client = options?.client;
    this.isMismatch = options?.isMismatch === true;
  }
}

/** Proof that the head of one request passed. */
class Admission {
  readonly authenticator: Authenticator;
  readonly #request: RequestToVerify | undefined;
  readonly bodyChecks: readonly BodyCheck[];
  /** The provider's question that the request is; `undefined` for everything else. */
  readonly challenge: Challenge | undefined;

  constructor(
    authenticator: Authenticator,
    request?: RequestToVerify,
    bodyChecks: readonly BodyCheck[] = [],
    challenge?: Challenge,
  ) {
    this.authenticator = authenticator;
    this.#request = request;
    this.bodyChecks = bodyChecks;
    this.challenge = challenge;
  }

  isFor(authenticator: Authenticator, request: RequestToVerify): boolean {
    return this.authenticator === authenticator && this.#request === request;
  }
}

/** What verifiers found of a body that passed: by what its repeats are recognised, or the question that it is. */
type Found = RequestKey | Challenge | undefined;

/** Proof that one request passed every verifier. */
class Verification {
  readonly authenticator: Authenticator;
  readonly #request: RequestToVerify | undefined;
  /** By what a repeat of the request is recognised; `undefined` where its sender has signed nothing that says it. */
  readonly repeatKey: RequestKey | undefined;
  /** The provider's question that the request is; `undefined` for events. */
  readonly challenge: Challenge | undefined;

  constructor(authenticator: Authenticator, request?: RequestToVerify, found?: Found) {
    this.authenticator = authenticator;
    this.#request = request;
    this.repeatKey = found instanceof Challenge ? undefined : found;
    this.challenge = found instanceof Challenge ? found : undefined;
  }

  isFor(authenticator: Authenticator, event: Event): boolean {
    return this.authenticator === authenticator && this.#request?.headers === event.headers;
  }
}

export type { Admission, Verification };

/** Lets the requests of one webhook in, or not. Shared by all requests. */
export interface Authenticator {
  /** Whether a verifier needs the body's exact bytes. */
  readonly readsBody: boolean;
  /** Whether a request whose method the webhook does not take is a question of the provider: `admit` finds it then. */
  isChallenge(request: RequestToVerify): boolean;
  /**
   * Verifies the head of a request. Waits only if a verifier does.
   *
   * @throws {GatewayError} `unauthorized`, `forbidden` or `authentication_unavailable`, with a `RefusalError` as its
   * cause
   */
  admit(request: RequestToVerify): Admission | Promise<Admission>;
  /**
   * Verifies the body of the request that was admitted. Waits only if a verifier does.
   *
   * @param bodyAsSent before any Content-Encoding was undone, read as bytes if `readsBody`
   * @throws {GatewayError} `unauthorized`, `forbidden` or `authentication_unavailable`, with a `RefusalError` as its
   * cause
   * @throws {TypeError} when the admission is another request's
   */
  verify(
    admission: Admission,
    request: RequestToVerify,
    bodyAsSent: EventBody,
  ): Verification | Promise<Verification>;
  /**
   * Marks the event that was made from the verified request.
   *
   * @throws {TypeError} when the verification is another request's
   */
  seal(verification: Verification, event: Event): VerifiedEvent;
  /** A webhook that uses it comes into service. */
  hold(): void;
  /** One that uses it goes out of service, with its last request: the last one releases what the verifiers hold. */
  letGo(): void;
}

/** Makes the authenticator of a webhook from all of its verifiers; without any, everybody passes. */
export function compileAuthenticator(verifiers: readonly Verifier[]): Authenticator {
  return verifiers.length === 0 ? OPEN : new GuardedAuthenticator(verifiers);
}

/** Lets everybody in, at no cost: all requests share the same proofs. */
class OpenAuthenticator implements Authenticator {
  readonly readsBody = false;
  readonly #admission = new Admission(this);
  readonly #verification = new Verification(this);

  isChallenge(): boolean {
    return false;
  }

  admit(): Admission {
    return this.#admission;
  }

  verify(admission: Admission): Verification {
    if (admission !== this.#admission) {
      throw new TypeError("Cannot verify a request that was not admitted here");
    }
    return this.#verification;
  }

  seal(verification: Verification, event: Event): VerifiedEvent {
    if (verification !== this.#verification) {
      throw new TypeError("Cannot seal an event that was not verified here");
    }
    return event as VerifiedEvent;
  }

  hold(): void {}

  letGo(): void {}
}

const OPEN = new OpenAuthenticator();

class GuardedAuthenticator implements Authenticator {
  readonly readsBody: boolean;
  readonly #verifiers: readonly Verifier[];
  #holders = 0;

  constructor(verifiers: readonly Verifier[]) {
    this.#verifiers = verifiers;
    this.readsBody = verifiers.some((verifier) => verifier.reads === "body");
  }

  isChallenge(request: RequestToVerify): boolean {
    return this.#verifiers.some((verifier) => verifier.isChallenge?.(request) === true);
  }

  admit(request: RequestToVerify): Admission | Promise<Admission> {
    const bodyChecks: BodyCheck[] = [];
    let challenge: Challenge | undefined;
    for (let index = 0; index < this.#verifiers.length; index++) {
      const verifier = this.#verifiers[index]!;
      const outcome = askVerifier(verifier, request);
      if (outcome instanceof Promise) {
        return this.#admitLater(outcome, index, request, bodyChecks, challenge);
      }
      challenge = applyOutcome(verifier, outcome, bodyChecks) ?? challenge;
    }
    return this.#admission(request, bodyChecks, challenge);
  }

  /** Goes on with the verifier that waits for something, one after the other. */
  async #admitLater(
    waiting: Promise<HeadOutcome>,
    index: number,
    request: RequestToVerify,
    bodyChecks: BodyCheck[],
    former: Challenge | undefined,
  ): Promise<Admission> {
    let challenge = applyOutcome(this.#verifiers[index]!, await awaitVerifier(waiting), bodyChecks) ?? former;
    for (const verifier of this.#verifiers.slice(index + 1)) {
      const outcome = await awaitVerifier(askVerifier(verifier, request));
      challenge = applyOutcome(verifier, outcome, bodyChecks) ?? challenge;
    }
    return this.#admission(request, bodyChecks, challenge);
  }

  /** A question is answered from its head: what has to see the body as well cannot let it pass. */
  #admission(
    request: RequestToVerify,
    bodyChecks: readonly BodyCheck[],
    challenge: Challenge | undefined,
  ): Admission {
    if (challenge !== undefined && bodyChecks.length > 0) throw toRefusalError(NOT_BY_HEAD);
    return new Admission(this, request, bodyChecks, challenge);
  }

  verify(
    admission: Admission,
    request: RequestToVerify,
    bodyAsSent: EventBody,
  ): Verification | Promise<Verification> {
    if (!admission.isFor(this, request)) {
      throw new TypeError("Cannot verify a request that was not admitted here");
    }
    const { bodyChecks } = admission;
    let found: Found;
    for (let index = 0; index < bodyChecks.length; index++) {
      const verdict = checkBody(bodyChecks[index]!, bodyAsSent);
      if (verdict instanceof Promise) {
        return this.#verifyLater(verdict, found, bodyChecks.slice(index + 1), request, bodyAsSent);
      }
      found = foundIn(verdict) ?? found;
    }
    return new Verification(this, request, found);
  }

  async #verifyLater(
    waiting: Promise<BodyVerdict>,
    earlier: Found,
    laterChecks: readonly BodyCheck[],
    request: RequestToVerify,
    bodyAsSent: EventBody,
  ): Promise<Verification> {
    let found = foundIn(await awaitVerifier(waiting)) ?? earlier;
    for (const check of laterChecks) {
      found = foundIn(await awaitVerifier(checkBody(check, bodyAsSent))) ?? found;
    }
    return new Verification(this, request, found);
  }

  seal(verification: Verification, event: Event): VerifiedEvent {
    if (!verification.isFor(this, event)) {
      throw new TypeError("Cannot seal an event that was not verified here");
    }
    return event as VerifiedEvent;
  }

  hold(): void {
    this.#holders++;
  }

  letGo(): void {
    this.#holders = assertCount(this.#holders - 1, "webhooks with an authenticator");
    if (this.#holders > 0) return;
    for (const verifier of this.#verifiers) verifier.release?.();
  }
}

/** What a verifier finds in the head of a request. */
type HeadOutcome = Awaited<ReturnType<Verifier["verify"]>>;

/** Asks a verifier; if it throws, nobody knows who is asking. */
function askVerifier(verifier: Verifier, request: RequestToVerify): HeadOutcome | Promise<HeadOutcome> {
  try {
    return verifier.verify(request);
  } catch (error) {
    throw toVerifierError(error);
  }
}

function checkBody(check: BodyCheck, bodyAsSent: EventBody): BodyVerdict | Promise<BodyVerdict> {
  try {
    return check(bodyAsSent.bytes);
  } catch (error) {
    throw toVerifierError(error);
  }
}

/** What a verdict brings. @throws {GatewayError} when it is a refusal */
function foundIn(verdict: BodyVerdict): Found {
  if (isRefusal(verdict)) throw toRefusalError(verdict);
  return verdict;
}

/** Waits for what a verifier finds. */
async function awaitVerifier<Outcome>(outcome: Outcome | Promise<Outcome>): Promise<Outcome> {
  try {
    return await outcome;
  } catch (error) {
    throw toVerifierError(error);
  }
}

/** Refuses the request, or notes the check of its body that follows. Returns the question that it is. */
function applyOutcome(
  verifier: Verifier,
  outcome: HeadOutcome,
  bodyChecks: BodyCheck[],
): Challenge | undefined {
  if (typeof outcome === "function") bodyChecks.push(outcome);
  else if (outcome !== undefined) return challengeIn(outcome);
  else if (verifier.reads === "body") {
    throw toVerifierError(new TypeError("The verifier returned no body check"));
  }
  return undefined;
}

/** Refuses the request, unless it passes or is a question. */
function challengeIn(finding: Finding): Challenge | undefined {
  if (finding === undefined || finding instanceof Challenge) return finding;
  throw toRefusalError(finding);
}

const NOT_BY_HEAD: Refusal = {
  code: "unauthorized",
  reason: "A question of the provider has no body that another method could verify",
};

/**
 * The answer to a question.
 *
 * @throws {GatewayError} as {@linkcode Authenticator.admit} does, and `invalid_challenge`
 */
export async function answerTo(challenge: Challenge): Promise<ProviderAnswer> {
  let answer;
  try {
    answer = await challenge.answer();
  } catch (error) {
    throw toVerifierError(error);
  }
  if ("code" in answer) throw toRefusalError(answer);
  return answer;
}

/**
 * The errors of refusals. Most refusals are made once and returned again and again, and making an error takes longer
 * than everything else about a refusal.
 */
const refusalErrors = new WeakMap<Refusal, GatewayError>();

/** Those of refusals that are made for each request, but say the same. */
const errorsByText = new Map<string, GatewayError>();

/** Texts of refusals are sentences of verifiers and name keys of configurations: there are some hundreds. */
const MOST_TEXTS = 1_000;

function toRefusalError(refusal: Refusal): GatewayError {
  const known = refusalErrors.get(refusal);
  if (known !== undefined) return known;
  const { code, reason, challenge, client, answer, isMismatch } = refusal;
  if (client !== undefined || answer !== undefined || typeof challenge === "function") {
    return rememberError(refusal);
  }
  const text = `${code} ${challenge} ${isMismatch} ${reason}`;
  let error = errorsByText.get(text);
  if (error !== undefined) return error;
  if (errorsByText.size >= MOST_TEXTS) errorsByText.clear();
  errorsByText.set(text, error = rememberError(refusal));
  return error;
}

function rememberError(refusal: Refusal): GatewayError {
  const { code, reason, challenge, client, answer, isMismatch = false } = refusal;
  const error = new GatewayError(code, undefined, {
    cause: new RefusalError(reason, { client, isMismatch }),
    answer,
    ...(challenge === undefined ? {} : { headers: challengeHeaders(challenge) }),
  });
  refusalErrors.set(refusal, error);
  return error;
}

/** A challenge that is made for each answer is made when the answer reads it. */
function challengeHeaders(challenge: NonNullable<Refusal["challenge"]>): Readonly<Record<string, string>> {
  if (typeof challenge === "string") return { "WWW-Authenticate": challenge };
  return {
    get "WWW-Authenticate"() {
      return challenge();
    },
  };
}

/** What cannot be found out now is no fault of the sender, who is to send again. */
function toVerifierError(error: unknown): GatewayError {
  if (error instanceof UnavailableError) {
    const cause = new RefusalError(error.message, { cause: error.cause });
    const { retryAfterSeconds } = error;
    return new GatewayError("authentication_unavailable", undefined, { cause, retryAfterSeconds });
  }
  const cause = new RefusalError("A verifier failed, so the request was refused", { cause: error });
  return new GatewayError("unauthorized", undefined, { cause });
}
