/**
 * What is counted of outputs.
 *
 * @module
 */

import { DELIVERY_ERROR_CODES, type DeliveryError } from "../../errors.ts";
import type { TargetReading } from "../../modules/module.ts";
import type { Counter, Family, Metrics, Reading } from "../../observability/metrics.ts";

import { OutputMeters } from "./output_meter.ts";

/** How many destinations have a series of their own. */
const MAX_DESTINATIONS = 500;

/** The label of all others. */
const OTHERS = "_others";

/** An output as metrics see it. */
export interface MeasuredOutput {
  readonly module: string;
  /** The connection's name, or the module's where it needs none. */
  readonly connection: string;
  /** Where its deliveries go, where one connection has many destinations: an origin, never a secret. */
  readonly destination: string | undefined;
  /** Deliveries under way. */
  readonly active: number;
  /** Whether it took what it was given last, as far as is known. */
  readonly isUp: boolean;
  /** The targets that it chooses between. @default none */
  readonly targets?: readonly TargetReading[];
}

/** Counters of what outputs do. */
export class OutputMetrics {
  readonly #errors: Family<Counter, readonly ["module", "connection", "code"]>;
  readonly #retries: Family<Counter, readonly ["module", "connection"]>;
  readonly #throttled: Family<Counter, readonly ["module", "connection"]>;
  /** Count and time attempts. */
  readonly meters: OutputMeters;

  /** @param outputs those that are open, asked at each scrape */
  constructor(metrics: Metrics, outputs: () => Iterable<MeasuredOutput>) {
    this.#errors = metrics.counter(
      "cwm_output_errors_total",
      "Deliveries that an output did not take, after retries.",
      ["module", "connection", "code"],
      () => codesOf(outputs()),
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
    this.meters = new OutputMeters(metrics);
    metrics.gaugeFrom("cwm_output_inflight", "Deliveries under way.", () => sumByLabels(outputs()));
    metrics.gaugeFrom(
      "cwm_output_up",
      "1 while an output took what it was given last, 0 while it fails or is out of reach.",
      () => lowestByDestination(outputs()),
    );
    metrics.gaugeFrom(
      "cwm_output_target_up",
      "Of outputs with several targets: 1 for each that gets events when its turn comes, 0 while it is down.",
      () => lowestByDestination(targetsOf(outputs())),
    );
    metrics.counterFrom(
      "cwm_output_target_events_total",
      "Of outputs with several targets: events that each has taken since the output was opened.",
      () => eventsByDestination(targetsOf(outputs())),
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

/** Every code that an output's deliveries can fail with; outputs of one connection yield the same labels once. */
function* codesOf(outputs: Iterable<MeasuredOutput>): Iterable<[string, string, string]> {
  const seen = new Set<string>();
  for (const { module, connection } of outputs) {
    const key = JSON.stringify([module, connection]);
    if (seen.has(key)) continue;
    seen.add(key);
    for (const code of DELIVERY_ERROR_CODES) yield [module, connection, code];
  }
}

/** What has a series by its destination. */
type Placed = Pick<MeasuredOutput, "module" | "connection" | "destination">;

/** Each target of outputs that choose between several. */
function* targetsOf(outputs: Iterable<MeasuredOutput>): Iterable<Placed & TargetReading> {
  for (const { module, connection, targets = [] } of outputs) {
    for (const target of targets) yield { module, connection, ...target };
  }
}

/** Outputs with equal labels are up when all of them are. */
function lowestByDestination(outputs: Iterable<Placed & { readonly isUp: boolean }>): Iterable<Reading> {
  return byDestination(outputs, ({ isUp }) => isUp ? 1 : 0, Math.min);
}

function eventsByDestination(targets: Iterable<Placed & TargetReading>): Iterable<Reading> {
  return byDestination(targets, ({ events }) => events, (one, other) => one + other);
}

/** One reading for all with equal labels. Destinations past the bound are shown as one. */
function byDestination<Kind extends Placed>(
  all: Iterable<Kind>,
  valueOf: (one: Kind) => number,
  together: (one: number, other: number) => number,
): Iterable<Reading> {
  const readings = new Map<string, Reading>();
  let destinations = 0;
  for (const one of all) {
    const { module, connection, destination } = one;
    let named = destination;
    let key = JSON.stringify([module, connection, named]);
    if (named !== undefined && !readings.has(key)) {
      if (destinations >= MAX_DESTINATIONS) key = JSON.stringify([module, connection, named = OTHERS]);
      else destinations++;
    }
    const labels = named === undefined ? { module, connection } : { module, connection, destination: named };
    const before = readings.get(key)?.[1];
    readings.set(key, [labels, before === undefined ? valueOf(one) : together(before, valueOf(one))]);
  }
  return readings.values();
}
