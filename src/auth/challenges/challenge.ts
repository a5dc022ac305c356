/**
 * What a provider asks a webhook before it sends events, or from time to time: the contract between verifiers, which
 * recognise such questions, and the code that answers requests.
 *
 * @module
 */

import type { Refusal } from "../refusal.ts";

/** An answer in the words of one provider. Immutable. */
export interface ProviderAnswer {
  readonly status: number;
  /** `null` where there is none. */
  readonly body: string | null;
  /** Of the body. What repeats a text is `text/plain`, which no browser shows as a page. */
  readonly contentType?: "text/plain; charset=utf-8" | "application/json" | "text/xml; charset=utf-8";
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that is a question and no event. */
export class Challenge {
  readonly #answer: () => ProviderAnswer | Refusal | Promise<ProviderAnswer | Refusal>;

  /** @param answer called once, when the question is within the limits of the webhook. It may refuse, and may throw as verifiers do */
  constructor(answer: () => ProviderAnswer | Refusal | Promise<ProviderAnswer | Refusal>) {
    this.#answer = answer;
  }

  /** Finds the answer, which may take a call to the provider, or refuses. */
  answer(): ProviderAnswer | Refusal | Promise<ProviderAnswer | Refusal> {
    return this.#answer();
  }
}
