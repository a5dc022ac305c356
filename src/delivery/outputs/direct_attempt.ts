/**
 * The attempt of a delivery whose sender waits for the answer.
 *
 * @module
 */

import type { Delivery, DeliveryResult } from "../../modules/module.ts";
import type { RetryPolicy } from "../retry_policy.ts";
import type { OutputMeter } from "./output_meter.ts";
import { firstResult, type Results, TimedAttempt } from "./attempt.ts";

/** A delivery that a sender waits for. */
export interface WaitingDelivery extends Delivery {
  readonly retry: RetryPolicy;
  /** Of the first attempt, by `Deadlines.coarseNow`: a tick too early means retries that end a tick earlier. */
  readonly startedAt: number;
  /** How long all attempts may take together besides the budget, in milliseconds. */
  readonly mostMs: number;
}

/** What a direct attempt does with its result: the answer to the sender, or the retries before it. */
export type Conclude = (
  delivery: WaitingDelivery,
  number: number,
  result: DeliveryResult,
) => DeliveryResult | Promise<DeliveryResult>;

/**
 * The attempt of one delivery that a sender waits for. It holds the end of its own promise, since closures
 * over it live long enough under load to be moved to the old heap, with all they refer to.
 */
export class DirectAttempt extends TimedAttempt {
  readonly delivery: WaitingDelivery;
  /** Counts and times it; `undefined` where the batch that it goes in is counted. */
  meter: OutputMeter | undefined;
  #startedAt = 0;
  readonly #conclude: Conclude;
  #resolve: ((result: DeliveryResult | Promise<DeliveryResult>) => void) | undefined;

  constructor(number: number, delivery: WaitingDelivery, conclude: Conclude) {
    super(number);
    this.delivery = delivery;
    this.#conclude = conclude;
  }

  /** The attempt waits for its output from now on: resolves with its result, or that of the retries after it. */
  start(): Promise<DeliveryResult> {
    // A finer clock costs more, and the sum is right all the same.
    if (this.meter !== undefined) this.#startedAt = Date.now();
    return new Promise((resolve) => this.#resolve = resolve);
  }

  protected override onEnd(results: Results): void {
    this.meter?.ended([firstResult(results)], Math.max(0, Date.now() - this.#startedAt));
    this.#resolve?.(this.#conclude(this.delivery, this.number, firstResult(results)));
  }
}

/** A direct attempt that goes in a batch: it ends with the batch, or at its own deadline if that is earlier. */
export class GatheredAttempt extends DirectAttempt {
  readonly #onEnded: () => void;

  /** @param onEnded called once, before the result is known */
  constructor(number: number, delivery: WaitingDelivery, conclude: Conclude, onEnded: () => void) {
    super(number, delivery, conclude);
    this.#onEnded = onEnded;
  }

  protected override onEnd(results: Results): void {
    this.#onEnded();
    super.onEnd(results);
  }
}
