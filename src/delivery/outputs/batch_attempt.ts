/**
 * The attempt of a batch: of the journal, or of senders that wait.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { Attempt, Delivery, DeliveryResult } from "../../modules/module.ts";
import { firstResult, type Results, TimedAttempt } from "./attempt.ts";

/** The attempt of a batch. */
export class BatchAttempt extends TimedAttempt {
  readonly settle?: (index: number, result: DeliveryResult) => boolean;
  #resolve: ((results: Results) => void) | undefined;

  /** @param settle takes single results early; `undefined` where nobody waits for one */
  constructor(number: number, settle?: Attempt["settle"]) {
    super(number);
    if (settle !== undefined) this.settle = settle;
  }

  /** The attempt waits for its output from now on: resolves with the results once it has ended. */
  start(): Promise<Results> {
    return new Promise((resolve) => this.#resolve = resolve);
  }

  protected override onEnd(results: Results): void {
    this.#resolve?.(results);
  }
}

/** One result for each delivery of a batch: one that failed as a whole has one for all. */
export function resultOfEach(batch: readonly Delivery[], results: Results): Results {
  if (results.length === batch.length) return results;
  const only = firstResult(results);
  const all = only === "delivered"
    ? new DeliveryError("output_failed", "The output gave too few results")
    : only;
  return batch.map((_, index) => results.length > 1 ? results[index] ?? all : all);
}
