/**
 * A verifier that also answers what its provider asks, and refuses in the provider's words.
 *
 * @module
 */

import type { RefusalAnswer } from "../../errors.ts";
import {
  type BodyCheck,
  type BodyVerdict,
  type BodyVerifier,
  isRefusal,
  type Refusal,
  type RequestToVerify,
} from "../verifier.ts";
import { Challenge } from "./challenge.ts";
import type { Questions } from "./questions.ts";

/** Recognises questions before the verifier sees their head, and after it has verified their body. */
export class DialogueVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #verifier: BodyVerifier;
  readonly #questions: Questions;
  readonly #refused: RefusalAnswer | undefined;
  /** In the provider's words, by those of the verifier: most are made once and returned again and again. */
  readonly #refusals = new WeakMap<Refusal, Refusal>();

  /** @param refused how the provider wants to hear a no. @default as everybody does */
  constructor(verifier: BodyVerifier, questions: Questions, refused?: RefusalAnswer) {
    this.#verifier = verifier;
    this.#questions = questions;
    this.#refused = refused;
  }

  isChallenge(request: RequestToVerify): boolean {
    return this.#questions.head?.isAsked(request) === true;
  }

  verify(request: RequestToVerify): ReturnType<BodyVerifier["verify"]> {
    const { head } = this.#questions;
    if (head?.isAsked(request) === true) return new Challenge(() => head.answer(request));
    const outcome = this.#verifier.verify(request);
    return outcome instanceof Promise
      ? outcome.then((later) => this.#judgeHead(later, request))
      : this.#judgeHead(outcome, request);
  }

  release(): void {
    this.#verifier.release?.();
  }

  #judgeHead(
    outcome: Refusal | Challenge | BodyCheck,
    request: RequestToVerify,
  ): Refusal | Challenge | BodyCheck {
    if (outcome instanceof Challenge) return outcome;
    if (typeof outcome !== "function") return this.#worded(outcome);
    return (body) => {
      const verdict = outcome(body);
      return verdict instanceof Promise
        ? verdict.then((later) => this.#judgeBody(later, request, body))
        : this.#judgeBody(verdict, request, body);
    };
  }

  /** What may be a question is what was verified, whether or not its repeats are recognised. */
  #judgeBody(
    verdict: BodyVerdict,
    request: RequestToVerify,
    body: Uint8Array<ArrayBuffer>,
  ): BodyVerdict {
    if (isRefusal(verdict)) return this.#worded(verdict);
    if (verdict instanceof Challenge) return verdict;
    const finding = this.#questions.inBody?.(request, body);
    return finding === undefined ? verdict : isRefusal(finding) ? this.#worded(finding) : finding;
  }

  #worded(refusal: Refusal): Refusal {
    if (this.#refused === undefined) return refusal;
    let worded = this.#refusals.get(refusal);
    if (worded === undefined) {
      this.#refusals.set(refusal, worded = { ...refusal, answer: this.#refused });
    }
    return worded;
  }
}
