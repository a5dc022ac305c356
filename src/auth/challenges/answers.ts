/**
 * Answers to providers, and the bounds on what is repeated in them.
 *
 * @module
 */

import type { Refusal } from "../refusal.ts";
import type { ProviderAnswer } from "./challenge.ts";

/** Longest text that is repeated or signed, in characters. */
const MAX_CHARACTERS = 1024;

/** Control characters, which no provider sends, and lone surrogates, which are no text. */
export const NOT_REPEATED = /[\p{Cc}\p{Cs}]/u;

/** 200 without a body. */
export const EMPTY_ANSWER: ProviderAnswer = { status: 200, body: null };

/** 204. */
export const NO_CONTENT: ProviderAnswer = { status: 204, body: null };

/** 200 with a text. */
export function textAnswer(body: string): ProviderAnswer {
  return { status: 200, body, contentType: "text/plain; charset=utf-8" };
}

/** 200 with a value as JSON. */
export function jsonAnswer(value: unknown): ProviderAnswer {
  return { status: 200, body: JSON.stringify(value), contentType: "application/json" };
}

/** 200 with the text that the provider sent, if it may be repeated. */
export function repeated(text: string | undefined): ProviderAnswer | Refusal {
  if (text === undefined || text === "") return noChallenge("It holds no text that could be repeated");
  if (text.length > MAX_CHARACTERS) {
    return noChallenge(`Its text is longer than ${MAX_CHARACTERS} characters`);
  }
  if (NOT_REPEATED.test(text)) return noChallenge("Its text has control characters");
  return textAnswer(text);
}

/** The refusal of what is no question of the provider. */
export function noChallenge(reason: string): Refusal {
  return { code: "invalid_challenge", reason };
}
