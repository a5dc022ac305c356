import type { Counter, Family, Metrics, Reading } from "../observability/metrics.ts";

/** A connected connector as metrics see it. */
export interface MeasuredSession {
  readonly channelName: string;
  readonly transport: string;
  readonly inFlight: number;
  readonly isConnected: boolean;
}

/** What became of a message that was handed out. */
export type MessageOutcome = "acknowledged" | "released" | "rejected";

/** Counters of the relay, by channel: channels are configuration, so there are few. */
export class RelayMetrics {
  readonly #handedOut: Family<Counter, readonly ["channel"]>;
  readonly #again: Family<Counter, readonly ["channel"]>;
  readonly #settled: Family<Counter, readonly ["channel", "outcome"]>;

  /** @param sessions those that live, asked at each scrape */
  constructor(metrics: Metrics, sessions: () => Iterable<MeasuredSession>) {
    this.#handedOut = metrics.counter(
      "cwm_relay_messages_total",
      "Messages handed out to connectors, repeated ones included.",
      ["channel"],
    );
    this.#again = metrics.counter(
      "cwm_relay_redelivered_total",
      "Messages handed out that had been handed out before.",
      ["channel"],
    );
    this.#settled = metrics.counter(
      "cwm_relay_settled_total",
      "Messages that connectors acknowledged, gave back or rejected.",
      ["channel", "outcome"],
    );
    metrics.gaugeFrom(
      "cwm_relay_connections",
      "Connectors that are connected.",
      () => sums(sessions(), ({ isConnected }) => isConnected ? 1 : 0, true),
    );
    metrics.gaugeFrom(
      "cwm_relay_inflight",
      "Messages that connectors hold unacknowledged.",
      () => sums(sessions(), ({ inFlight }) => inFlight, false),
    );
  }

  /** @param delivery which delivery of the event it is, from 1 */
  handedOut(channel: string, delivery: number): void {
    this.#handedOut.with(channel).increment();
    if (delivery > 1) this.#again.with(channel).increment();
  }

  settled(channel: string, outcome: MessageOutcome, count: number): void {
    if (count > 0) this.#settled.with(channel, outcome).add(count);
  }
}

function sums(
  sessions: Iterable<MeasuredSession>,
  pick: (session: MeasuredSession) => number,
  byTransport: boolean,
): Iterable<Reading> {
  const readings = new Map<string, Reading>();
  for (const session of sessions) {
    const labels = { channel: session.channelName, ...(byTransport ? { transport: session.transport } : {}) };
    const key = JSON.stringify(labels);
    readings.set(key, [labels, pick(session) + (readings.get(key)?.[1] ?? 0)]);
  }
  return readings.values();
}
