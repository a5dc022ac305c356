/**
 * The no of a verifier.
 *
 * @module
 */

import type { RefusalAnswer } from "../errors.ts";

/**
 * Why a request was not let in. `reason` is for the log and metrics; the client sees only the status. One that does not
 * depend on the request is one object: what is made of it is then made once, and strangers are refused at little cost.
 */
export interface Refusal {
  readonly code: "unauthorized" | "forbidden" | "invalid_challenge";
  /** One sentence that holds nothing the client sent and no secret. */
  readonly reason: string;
  /**
   * Value of the `WWW-Authenticate` header of the answer, where the scheme has one, or what makes it for each answer, as
   * where it holds a nonce.
   */
  readonly challenge?: string | (() => string);
  /** The client's address as the verifier found it, for the log. @default as `TRUSTED_PROXIES` has it */
  readonly client?: string;
  /**
   * Whether credentials were presented, in the right form, that match no secret: the sender has another one than the
   * webhook, or none. @default false
   */
  readonly isMismatch?: true;
  /** What the provider wants to hear in the place of the code's status and of a text. @default as the code has it */
  readonly answer?: RefusalAnswer;
}

/** The refusal as one of credentials that match no secret. */
export function mismatch(refusal: Refusal): Refusal {
  return { ...refusal, isMismatch: true };
}
