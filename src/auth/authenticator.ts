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

import { GatewayError } from "../errors.ts";
import type { Event, EventBody } from "../event.ts";
import type { VerifiedEvent } from "./verified_event.ts";
import type { BodyCheck, Refusal, RequestToVerify, Verifier } from "./verifier.ts";

/** Why a request was refused: the cause of the `GatewayError`, for the log. Holds no secret. */
export class RefusalError extends Error {
  override readonly name = "RefusalError";
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

  constructor(authenticator: Authenticator, request?: RequestToVerify) {
    this.authenticator = authenticator;
    this.#request = request;
  }

  isFor(authenticator: Authenticator, event: Event): boolean {
    return this.authenticator === authenticator && this.#request?.headers === event.headers;
  }
}

export type { Admission, Verification };

/** Lets the requests of one webhook in, or not. Immutable; shared by all requests. */
export interface Authenticator {
  /** Whether a verifier needs the body's exact bytes. */
  readonly readsBody: boolean;
  /**
   * Verifies the head of a request. Waits only if a verifier does.
   *
   * @throws {GatewayError} `unauthorized` or `forbidden`, with a `RefusalError` as its cause
   */
  admit(request: RequestToVerify): Admission | Promise<Admission>;
  /**
   * Verifies the body of the request that was admitted. Waits only if a verifier does.
   *
   * @param bodyAsSent before any Content-Encoding was undone, read as bytes if `readsBody`
   * @throws {GatewayError} `unauthorized` or `forbidden`, with a `RefusalError` as its cause
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
}

const OPEN = new OpenAuthenticator();

class GuardedAuthenticator implements Authenticator {
  readonly readsBody: boolean;
  readonly #verifiers: readonly Verifier[];

  constructor(verifiers: readonly Verifier[]) {
    this.#verifiers = verifiers;
    this.readsBody = verifiers.some((verifier) => verifier.reads === "body");
  }

  admit(request: RequestToVerify): Admission | Promise<Admission> {
    const bodyChecks: BodyCheck[] = [];
    const admitting = inOrder(
      this.#verifiers,
      (verifier) =>
        guarded(() => verifier.verify(request), (outcome) => {
          if (typeof outcome === "function") bodyChecks.push(outcome);
          else if (outcome !== undefined) throw refused(outcome);
          else if (verifier.reads === "body") {
            throw broken(new TypeError("The verifier returned no body check"));
          }
        }),
    );
    if (admitting === undefined) return new Admission(this, request, bodyChecks);
    return admitting.then(() => new Admission(this, request, bodyChecks));
  }

  verify(
    admission: Admission,
    request: RequestToVerify,
    bodyAsSent: EventBody,
  ): Verification | Promise<Verification> {
    if (!admission.isFor(this, request)) {
      throw new TypeError("Cannot verify a request that was not admitted here");
    }
    const verifying = inOrder(
      admission.bodyChecks,
      (check) =>
        guarded(() => check(bodyAsSent.bytes), (refusal) => {
          if (refusal !== undefined) throw refused(refusal);
        }),
    );
    if (verifying === undefined) return new Verification(this, request);
    return verifying.then(() => new Verification(this, request));
  }

  seal(verification: Verification, event: Event): VerifiedEvent {
    if (!verification.isFor(this, event)) {
      throw new TypeError("Cannot seal an event that was not verified here");
    }
    return event as VerifiedEvent;
  }
}

/** Runs one step after the other. Returns a promise only if a step does. */
function inOrder<Step>(
  steps: readonly Step[],
  run: (step: Step) => Promise<void> | undefined,
): Promise<void> | undefined {
  for (let index = 0; index < steps.length; index++) {
    const running = run(steps[index]!);
    if (running !== undefined) return running.then(() => inOrder(steps.slice(index + 1), run));
  }
  return undefined;
}

/** Calls a verifier and judges what it found; if it throws, nobody knows who is asking. */
function guarded<Outcome>(
  call: () => Outcome | Promise<Outcome>,
  judge: (outcome: Outcome) => void,
): Promise<void> | undefined {
  let outcome: Outcome | Promise<Outcome>;
  try {
    outcome = call();
  } catch (error) {
    throw broken(error);
  }
  if (outcome instanceof Promise) {
    return outcome.then(judge, (error) => {
      throw broken(error);
    });
  }
  judge(outcome);
  return undefined;
}

function refused({ code, reason, challenge }: Refusal): GatewayError {
  const cause = new RefusalError(reason);
  return new GatewayError(code, undefined, {
    cause,
    ...(challenge === undefined ? {} : { headers: { "WWW-Authenticate": challenge } }),
  });
}

function broken(error: unknown): GatewayError {
  const cause = new RefusalError("A verifier failed, so the request was refused", { cause: error });
  return new GatewayError("unauthorized", undefined, { cause });
}
