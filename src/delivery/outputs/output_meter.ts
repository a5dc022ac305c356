/**
 * Counts and times the attempts of one output, by where it sends.
 *
 * @module
 */

import { DELIVERY_ERROR_CODES } from "../../errors.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import {
  type Counter,
  DURATION_BUCKETS,
  type Family,
  type Histogram,
  type Metrics,
} from "../../observability/metrics.ts";

/** How many destinations have series of their own at once. */
const MAX_DESTINATIONS = 500;

/** The label of all others. */
const OTHERS = "_others";

/** Where an output sends. */
interface Place {
  readonly module: string;
  readonly connection: string;
  readonly destination: string | undefined;
}

/** The counters of one output: looked up when it is made, so that counting is one addition. */
export interface OutputMeter extends Disposable {
  /**
   * An attempt has ended.
   *
   * @param results one for each event of its batch
   * @param milliseconds how long it took; 0 where the output answered at once
   */
  ended(results: readonly DeliveryResult[], milliseconds: number): void;
}

type PlaceLabels = readonly ["module", "connection", "destination"];

/** The meters of all outputs. */
export class OutputMeters {
  readonly #attempts: Family<Counter, readonly [...PlaceLabels, "outcome"]>;
  readonly #durations: Family<Histogram, PlaceLabels>;
  /** How many outputs have each destination. */
  readonly #users = new Map<string, number>();

  constructor(metrics: Metrics) {
    const labels = ["module", "connection", "destination"] as const;
    this.#attempts = metrics.counter(
      "cwm_output_attempts_total",
      "Events that an output was given, by what it did: delivered or an error code. Each attempt counts.",
      [...labels, "outcome"],
    );
    this.#durations = metrics.histogram(
      "cwm_output_attempt_duration_seconds",
      "Time that an output took with an event or a batch of them.",
      labels,
      DURATION_BUCKETS,
    );
  }

  /** The meter of an output. Its series are there at 0, and go with the last output of the same place. */
  of({ module, connection, destination }: Place): OutputMeter {
    const key = JSON.stringify([module, connection, destination]);
    const isKnown = this.#users.has(key);
    const isOther = destination !== undefined && !isKnown && this.#users.size >= MAX_DESTINATIONS;
    if (!isOther) this.#users.set(key, (this.#users.get(key) ?? 0) + 1);
    const names = [module, connection, isOther ? OTHERS : destination ?? ""] as const;
    const delivered = this.#attempts.with(...names, "delivered");
    const failed = new Map<string, Counter>(
      DELIVERY_ERROR_CODES.map((code) => [code, this.#attempts.with(...names, code)]),
    );
    const duration = this.#durations.with(...names);
    return {
      ended: (results, milliseconds) => {
        for (const result of results) {
          if (result === "delivered") delivered.increment();
          else failed.get(result.code)?.increment();
        }
        duration.observe(milliseconds / 1000);
      },
      [Symbol.dispose]: () => {
        if (!isOther) this.#leave(key, names);
      },
    };
  }

  #leave(key: string, names: readonly [string, string, string]): void {
    const users = (this.#users.get(key) ?? 1) - 1;
    if (users > 0) return void this.#users.set(key, users);
    this.#users.delete(key);
    for (const outcome of ["delivered", ...DELIVERY_ERROR_CODES]) this.#attempts.remove(...names, outcome);
    this.#durations.remove(...names);
  }
}
