import type { DeliveryError } from "../errors.ts";
import type { Counter, Family, Metrics, Reading } from "../observability/metrics.ts";

/** An output as metrics see it. */
export interface MeasuredOutput {
  readonly module: string;
  /** The connection's name, or the module's where it needs none. */
  readonly connection: string;
  /** Deliveries under way. */
  readonly active: number;
  /** Whether it took what it was given last, as far as is known. */
  readonly isUp: boolean;
}

/** Counters of what goes wrong with outputs. Successes are counted with the requests. */
export class OutputMetrics {
  readonly #errors: Family<Counter, readonly ["module", "connection", "code"]>;
  readonly #retries: Family<Counter, readonly ["module", "connection"]>;
  readonly #throttled: Family<Counter, readonly ["module", "connection"]>;

  /** @param outputs those that are open, asked at each scrape */
  constructor(metrics: Metrics, outputs: () => Iterable<MeasuredOutput>) {
    this.#errors = metrics.counter(
      "cwm_output_errors_total",
      "Deliveries that an output did not take, after retries.",
      ["module", "connection", "code"],
    );
    this.#retries = metrics.counter("cwm_output_retries_total", "Deliveries tried again.", [
      "module",
      "connection",
    ]);
    this.#throttled = metrics.counter(
      "cwm_output_throttled_seconds_total",
      "Time for which outputs were to be left alone, since they were asked for too much.",
      ["module", "connection"],
    );
    metrics.gaugeFrom("cwm_output_inflight", "Deliveries under way.", () => sumByLabels(outputs()));
    metrics.gaugeFrom(
      "cwm_output_up",
      "1 while an output took what it was given last, 0 while it fails or is out of reach.",
      () => lowestByLabels(outputs()),
    );
  }

  /** Counts a delivery that was given up. */
  failed({ module, connection }: MeasuredOutput, error: DeliveryError): void {
    this.#errors.with(module, connection, error.code).increment();
  }

  /** Counts the time for which an output is to be left alone. */
  throttled({ module, connection }: MeasuredOutput, milliseconds: number): void {
    this.#throttled.with(module, connection).add(milliseconds / 1000);
  }

  /** Counts a retry. */
  retried({ module, connection }: MeasuredOutput): void {
    this.#retries.with(module, connection).increment();
  }
}

/** Partitions of one connection have the same labels: they are shown as one. */
function sumByLabels(outputs: Iterable<MeasuredOutput>): Iterable<Reading> {
  const sums = new Map<string, Reading>();
  for (const { module, connection, active } of outputs) {
    const key = JSON.stringify([module, connection]);
    sums.set(key, [{ module, connection }, active + (sums.get(key)?.[1] ?? 0)]);
  }
  return sums.values();
}

/** A connection is up when all of its partitions are. */
function lowestByLabels(outputs: Iterable<MeasuredOutput>): Iterable<Reading> {
  const lowest = new Map<string, Reading>();
  for (const { module, connection, isUp } of outputs) {
    const key = JSON.stringify([module, connection]);
    lowest.set(key, [{ module, connection }, Math.min(isUp ? 1 : 0, lowest.get(key)?.[1] ?? 1)]);
  }
  return lowest.values();
}
