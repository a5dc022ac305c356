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
import type { RepeatKey } from "../event/repeat_key.ts";
import type { VerifiedEvent } from "../event/verified_event.ts";
import { UnavailableError } from "./unavailable.ts";
import {
  type BodyCheck,
  type BodyVerdict,
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

  constructor(reason: string, options?: ErrorOptions & { readonly client?: string | undefined }) {
    super(reason, options);
    this.client = options?.client;
  }
}

/** Proof that the head of one request passed. */
class Admission {
  readonly authenticator: Authenticator;
  readonly #request: RequestToVerify | undefined;
  readonly bodyChecks: readonly BodyCheck[];

  constructor(
    authenticator: Authenticator,
    request?: RequestToVerify,
    bodyChecks: readonly BodyCheck[] = [],
  ) {
    this.authenticator = authenticator;
    this.#request = request;
    this.bodyChecks = bodyChecks;
  }

  isFor(authenticator: Authenticator, request: RequestToVerify): boolean {
    return this.authenticator === authenticator && this.#request === request;
  }
}

/** Proof that one request passed every verifier. */
class Verification {
  readonly authenticator: Authenticator;
  readonly #request: RequestToVerify | undefined;
  /** By what a repeat of the request is recognised; `undefined` where its sender has signed nothing that says it. */
  readonly repeatKey: RepeatKey | undefined;

  constructor(authenticator: Authenticator, request?: RequestToVerify, repeatKey?: RepeatKey) {
    this.authenticator = authenticator;
    this.#request = request;
    this.repeatKey = repeatKey;
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

  admit(request: RequestToVerify): Admission | Promise<Admission> {
    const bodyChecks: BodyCheck[] = [];
    for (let index = 0; index < this.#verifiers.length; index++) {
      const verifier = this.#verifiers[index]!;
      const outcome = askVerifier(verifier, request);
      if (outcome instanceof Promise) return this.#admitLater(outcome, index, request, bodyChecks);
      applyOutcome(verifier, outcome, bodyChecks);
    }
    return new Admission(this, request, bodyChecks);
  }

  /** Goes on with the verifier that waits for something, one after the other. */
  async #admitLater(
    waiting: Promise<HeadOutcome>,
    index: number,
    request: RequestToVerify,
    bodyChecks: BodyCheck[],
  ): Promise<Admission> {
    applyOutcome(this.#verifiers[index]!, await awaitVerifier(waiting), bodyChecks);
    for (const verifier of this.#verifiers.slice(index + 1)) {
      applyOutcome(verifier, await awaitVerifier(askVerifier(verifier, request)), bodyChecks);
    }
    return new Admission(this, request, bodyChecks);
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
    let repeatKey: RepeatKey | undefined;
    for (let index = 0; index < bodyChecks.length; index++) {
      const verdict = checkBody(bodyChecks[index]!, bodyAsSent);
      if (verdict instanceof Promise) {
        return this.#verifyLater(verdict, repeatKey, bodyChecks.slice(index + 1), request, bodyAsSent);
      }
      repeatKey = repeatKeyIn(verdict) ?? repeatKey;
    }
    return new Verification(this, request, repeatKey);
  }

  async #verifyLater(
    waiting: Promise<BodyVerdict>,
    earlierKey: RepeatKey | undefined,
    laterChecks: readonly BodyCheck[],
    request: RequestToVerify,
    bodyAsSent: EventBody,
  ): Promise<Verification> {
    let repeatKey = repeatKeyIn(await awaitVerifier(waiting)) ?? earlierKey;
    for (const check of laterChecks) {
      repeatKey = repeatKeyIn(await awaitVerifier(checkBody(check, bodyAsSent))) ?? repeatKey;
    }
    return new Verification(this, request, repeatKey);
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

/** The key that a verdict brings. @throws {GatewayError} when it is a refusal */
function repeatKeyIn(verdict: BodyVerdict): RepeatKey | undefined {
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

/** Refuses the request, or notes the check of its body that follows. */
function applyOutcome(verifier: Verifier, outcome: HeadOutcome, bodyChecks: BodyCheck[]): void {
  if (typeof outcome === "function") bodyChecks.push(outcome);
  else if (outcome !== undefined) throw toRefusalError(outcome);
  else if (verifier.reads === "body") {
    throw toVerifierError(new TypeError("The verifier returned no body check"));
  }
}

/**
 * The errors of refusals. Most refusals are made once and returned again and again, and making an error takes longer
 * than everything else about a refusal.
 */
const refusalErrors = new WeakMap<Refusal, GatewayError>();

function toRefusalError(refusal: Refusal): GatewayError {
  let error = refusalErrors.get(refusal);
  if (error === undefined) refusalErrors.set(refusal, error = makeRefusalError(refusal));
  return error;
}

function makeRefusalError({ code, reason, challenge, client }: Refusal): GatewayError {
  const cause = new RefusalError(reason, { client });
  return new GatewayError(code, undefined, {
    cause,
    ...(challenge === undefined ? {} : { headers: challengeHeaders(challenge) }),
  });
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
