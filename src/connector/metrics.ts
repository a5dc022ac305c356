/**
 * What the connector counts.
 *
 * @module
 */

import { DURATION_BUCKETS, type Metrics } from "../observability/metrics.ts";

/** Counters of a connector. */
export class ConnectorMetrics {
  readonly #delivered;
  readonly #failed;
  readonly #returned;
  readonly #redelivered;
  readonly #duplicates;
  readonly #connections;
  readonly #duration;

  constructor(metrics: Metrics) {
    this.#delivered = metrics.counter("cwm_connector_delivered_total", "Events that were delivered.").with();
    this.#failed = metrics.counter(
      "cwm_connector_failed_total",
      "Deliveries that failed after their retries, by the code of the failure.",
      ["code"],
    );
    this.#returned = metrics.counter(
      "cwm_connector_returned_total",
      "Messages given back to the channel, to be handed out again.",
    ).with();
    this.#redelivered = metrics.counter(
      "cwm_connector_redelivered_total",
      "Messages that the gateway had handed out before, to this connector or another one.",
    ).with();
    this.#duplicates = metrics.counter(
      "cwm_connector_duplicates_total",
      "Messages that were not delivered again, since this connector holds or has delivered them.",
    ).with();
    this.#connections = metrics.counter(
      "cwm_connector_connections_total",
      "Attempts to connect to the gateway.",
      ["outcome"],
    );
    this.#duration = metrics.histogram(
      "cwm_connector_delivery_duration_seconds",
      "Time that a delivery took, with its retries.",
      [],
      DURATION_BUCKETS,
    ).with();
  }

  delivered(): void {
    this.#delivered.increment();
  }

  failed(code: string): void {
    this.#failed.with(code).increment();
  }

  returned(): void {
    this.#returned.increment();
  }

  redelivered(): void {
    this.#redelivered.increment();
  }

  duplicate(): void {
    this.#duplicates.increment();
  }

  connected(): void {
    this.#connections.with("connected").increment();
  }

  refused(): void {
    this.#connections.with("refused").increment();
  }

  /** @param seconds of one delivery */
  took(seconds: number): void {
    this.#duration.observe(seconds);
  }
}
