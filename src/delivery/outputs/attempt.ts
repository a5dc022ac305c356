/**
 * An attempt to deliver, its deadline and its results.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { Deadline } from "../../time/deadlines.ts";
import { DeliveryError } from "../../errors.ts";
import type { Attempt, DeliveryResult } from "../../modules/module.ts";

/** One result per delivery of a batch, in order. */
export type Results = readonly DeliveryResult[];

/** An attempt with a deadline; its signal is made only when the output asks for it. */
export abstract class TimedAttempt extends Deadline implements Attempt {
  readonly number: number;
  #controller: AbortController | undefined;
  #ended = false;

  constructor(number: number) {
    super();
    this.number = number;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended) this.#controller.abort(new DeliveryError("output_timeout"));
    return this.#controller.signal;
  }

  /** Ends the attempt, unless it has ended. */
  end(results: Results): void {
    if (this.#ended) return;
    this.#ended = true;
    this.onEnd(results);
  }

  /**
   * The deadline has passed: the signal aborts. The output may say at once what it waited for; then nobody waits
   * for it any more.
   */
  override expire(): void {
    const error = new DeliveryError("output_timeout");
    if (this.#controller === undefined) return this.end([error]);
    this.#controller.abort(error);
    if (!this.#ended) setImmediate(() => this.end([error]));
  }

  /** Called once; a result that is missing is the same as the first one, or a failure if that is missing too. */
  protected abstract onEnd(results: Results): void;
}

/** The result of a batch's first delivery. */
export function firstResult(results: Results): DeliveryResult {
  return results[0] ?? new DeliveryError("output_failed", "The output gave no result");
}
