/**
 * Deliveries that senders wait for: one attempt after the other as long as there is time, alone or in batches with
 * others.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { DeliveryResult, OutputModule } from "../../modules/module.ts";
import type { Deadlines } from "../../time/deadlines.ts";
import {
  retryDelayMs,
  type RetryPolicy,
  WAITING_SENDER_POLICY,
  withBoundedRetryAfter,
} from "../retry_policy.ts";
import { isTooLate, type Pacer } from "../pacer.ts";
import { firstResult } from "./attempt.ts";
import { type Conclude, DirectAttempt, GatheredAttempt, type WaitingDelivery } from "./direct_attempt.ts";
import type { Gatherer } from "./gatherer.ts";
import type { OutputCalls } from "./output_calls.ts";

/** A body that is so much of a batch goes alone: what there is to do for it would hold up the others. */
const LARGE_SHARE = 1 / 4;

/** What happens to deliveries of senders. */
export interface SenderDeliveriesListener {
  /** One is tried again. */
  onRetry(): void;
  /** One was given up. */
  onFailure(error: DeliveryError, event: VerifiedEvent): void;
}

/** What deliveries of senders need. */
export interface SenderDeliveriesOptions {
  /** The connection's name, or the module's where it needs none. */
  readonly name: string;
  readonly module: OutputModule;
  readonly calls: OutputCalls;
  /** Has them go together; `undefined` where the module does not want that. */
  readonly gatherer: Gatherer | undefined;
  readonly maxBatch: number;
  readonly maxBatchBytes: number;
  readonly deadlines: Deadlines;
  /** Longest time from the first attempt to the last retry, in milliseconds. */
  readonly budgetMs: number;
  readonly freeRequests: () => number;
  /** How fast deliveries may begin. */
  readonly pacer: Pacer;
  readonly listener: SenderDeliveriesListener;
}

/** Delivers to one output for senders that wait. */
export class SenderDeliveries {
  readonly #options: SenderDeliveriesOptions;
  /** One function for all attempts, instead of one each. */
  readonly #concludeAttempt: Conclude = (delivery, number, result) =>
    this.#conclude(delivery, number, result);
  #closed = false;

  constructor(options: SenderDeliveriesOptions) {
    this.#options = options;
  }

  /**
   * Delivers one event, with retries as long as the budget lasts. Answers without a promise when the output did.
   * Never throws.
   *
   * @param retry @default WAITING_SENDER_POLICY
   * @param mostMs it is given up after this, retries included, in milliseconds. @default Infinity
   */
  deliver(
    event: VerifiedEvent,
    config: unknown,
    retry: RetryPolicy = WAITING_SENDER_POLICY,
    mostMs = Infinity,
  ): DeliveryResult | Promise<DeliveryResult> {
    const { deadlines, pacer } = this.#options;
    const startedAt = deadlines.coarseNow;
    const delivery = { event, config, retry, startedAt, mostMs };
    return pacer.isBounded ? this.#deliverInTurn(delivery) : this.#attempt(delivery, 1, mostMs);
  }

  /** Waits for half of the time that there is, so that there is as much for the delivery. */
  async #deliverInTurn(delivery: WaitingDelivery): Promise<DeliveryResult> {
    const { pacer, budgetMs, freeRequests } = this.#options;
    const { mostMs, startedAt } = delivery;
    const isHeld = pacer.heldMs > 0;
    const turn = pacer.enter(Math.min(budgetMs, mostMs) / 2, freeRequests());
    if (isTooLate(turn)) return this.#notInTime(isHeld, turn.inSeconds);
    if (turn !== "now") await turn;
    return await this.#attempt(delivery, 1, Math.max(1, mostMs - (performance.now() - startedAt)));
  }

  /** Nothing is tried again any more. */
  close(): void {
    this.#closed = true;
  }

  /** @param mostMs its deadline is not later than this, in milliseconds */
  #attempt(
    delivery: WaitingDelivery,
    number: number,
    mostMs: number,
  ): DeliveryResult | Promise<DeliveryResult> {
    const { gatherer, calls, maxBatchBytes } = this.#options;
    const timeoutMs = Math.min(calls.timeoutMs(delivery.config), mostMs);
    if (gatherer !== undefined && delivery.event.body.length < maxBatchBytes * LARGE_SHARE) {
      return this.#gather(gatherer, delivery, number, timeoutMs);
    }
    const handed = calls.handOne(new DirectAttempt(number, delivery, this.#concludeAttempt), timeoutMs);
    if (handed === "full") return this.#overloaded();
    return handed instanceof Promise ? handed : this.#conclude(delivery, number, firstResult(handed));
  }

  #gather(
    gatherer: Gatherer,
    delivery: WaitingDelivery,
    number: number,
    timeoutMs: number,
  ): DeliveryResult | Promise<DeliveryResult> {
    const { module, calls, maxBatch, deadlines, freeRequests } = this.#options;
    if (gatherer.waiting >= Math.min(calls.queue * maxBatch, freeRequests())) return this.#overloaded();
    const key = module.batchKey?.(delivery.config) ?? "";
    const attempt: GatheredAttempt = new GatheredAttempt(number, delivery, this.#concludeAttempt, () => {
      deadlines.clear(attempt);
      gatherer.remove(attempt, key);
    });
    const result = attempt.start();
    deadlines.set(timeoutMs, attempt);
    gatherer.add(attempt, key);
    return result;
  }

  /** The result of an attempt, or of the retries after the first one. */
  #conclude(
    delivery: WaitingDelivery,
    number: number,
    result: DeliveryResult,
  ): DeliveryResult | Promise<DeliveryResult> {
    return result === "delivered" || number > 1 ? result : this.#retry(delivery, result);
  }

  async #retry(delivery: WaitingDelivery, failure: DeliveryError): Promise<DeliveryResult> {
    const { budgetMs, deadlines, listener, module, calls, pacer } = this.#options;
    const giveUpAt = delivery.startedAt + Math.min(budgetMs, delivery.mostMs);
    let last = failure;
    let begunAt = delivery.startedAt;
    for (let number = 1; last.disposition === "retry" && !this.#closed; number++) {
      const delay = retryDelayMs(delivery.retry, number, last, Math.random());
      if (delay === undefined) break;
      // One that takes as long would be cut off, and the sender learn later and less than is known now.
      const now = performance.now();
      const tookMs = now - begunAt;
      if (now + delay + tookMs > giveUpAt) break;
      const isLate = last.code === "output_timeout" || tookMs >= calls.timeoutMs(delivery.config);
      if (isLate && module.triesUntilTimeout) break;
      await deadlines.wait(delay);
      const turn = pacer.enter(giveUpAt - performance.now() - tookMs);
      if (isTooLate(turn)) break;
      if (turn !== "now") await turn;
      listener.onRetry();
      begunAt = performance.now();
      const leftMs = Math.max(1, giveUpAt - begunAt);
      const result = await this.#attempt(delivery, number + 1, leftMs);
      if (result === "delivered") return result;
      last = result;
    }
    listener.onFailure(last, delivery.event);
    return withBoundedRetryAfter(delivery.retry, last);
  }

  #notInTime(isHeld: boolean, retryAfterSeconds: number): DeliveryError {
    const { name } = this.#options;
    return isHeld
      ? new DeliveryError("output_throttled", `${name} has asked for a pause`, { retryAfterSeconds })
      : new DeliveryError("overloaded", `More deliveries to ${name} wait than its rate lets begin in time`, {
        retryAfterSeconds,
      });
  }

  #overloaded(): DeliveryError {
    const message = `Too many deliveries wait for ${this.#options.name}`;
    return new DeliveryError("overloaded", message, { retryAfterSeconds: 1 });
  }
}
