/**
 * The contract of the questions that one provider asks: what its preset says of them, and what is made of that for one
 * webhook.
 *
 * @module
 */

import type { Refusal } from "../refusal.ts";
import type { Finding, RequestToVerify } from "../verifier.ts";
import type { ProviderAnswer } from "./challenge.ts";

/** Settings of the webhook that answers may need. */
export interface QuestionSettings {
  /** The secrets of the webhook, the newest first; empty where the provider publishes its keys. */
  readonly secrets: readonly string[];
  /** What the operator gave the provider, for it to show that it is the one who asks. */
  readonly verifyToken: string | undefined;
  /** Names the account's key, of Braintree. */
  readonly publicKey: string | undefined;
  /** The URL that the provider was given. @default what the request says */
  readonly publicUrl: string | undefined;
}

/** A question that its head alone tells. Nothing has been signed, so anybody can ask it. */
export interface HeadQuestion {
  /** Whether a request is one, right or wrong. Cheap: every request of the webhook is looked at. */
  isAsked(request: RequestToVerify): boolean;
  /** Answers it, or refuses what is none of the provider's. */
  answer(request: RequestToVerify): ProviderAnswer | Refusal;
}

/** The questions of one webhook. */
export interface Questions {
  readonly head?: HeadQuestion;
  /**
   * Looks whether a request that was verified is a question, and whether it could be a former answer that is held out
   * as an event. Cheap for events.
   */
  inBody?(request: RequestToVerify, body: Uint8Array<ArrayBuffer>): Finding;
}

/** What a preset says of its provider's questions. */
export interface ProviderQuestions {
  /** In one or two sentences, for the page. */
  readonly description: string;
  /** Whether the webhook may have a `verify_token`. @default false */
  readonly takesToken?: boolean;
  /** What is wrong with `verify_token` of a webhook, as a sentence. @default any text will do */
  doubtsAboutToken?(token: string): string | undefined;
  /** Prepares the answers for one webhook. */
  prepare(settings: QuestionSettings): Questions;
}
