/**
 * Metrics of the relay: what connectors took, and how full the channels are.
 *
 * @module
 */

import type { ChannelDepth, ChannelQueues, LeasedEvent } from "../channels/channel_queues.ts";
import { TRANSPORT_NAMES } from "./protocol/messages.ts";
import type { Counter, Family, Metrics, Reading } from "../observability/metrics.ts";

/** A connected connector as metrics see it. */
export interface MeasuredSession {
  readonly channelName: string;
  readonly transport: string;
  readonly inFlight: number;
  readonly isConnected: boolean;
}

/** The outcome of a message that was handed out. */
export type MessageOutcome = "acknowledged" | "released" | "rejected";

/** Counters of the relay, by channel: channels are configuration, so there are few. */
export class RelayMetrics {
  readonly #handedOut: Family<Counter, readonly ["channel"]>;
  readonly #again: Family<Counter, readonly ["channel"]>;
  readonly #settled: Family<Counter, readonly ["channel", "outcome"]>;

  /**
   * @param sessions those that live, asked at each scrape
   * @param channels the names of all channels, asked at each scrape
   * @param pullers how many consumers pull from a channel
   */
  constructor(
    metrics: Metrics,
    sessions: () => Iterable<MeasuredSession>,
    channels: () => Iterable<string>,
    pullers: (channel: string) => number,
  ) {
    this.#handedOut = metrics.counter(
      "cwm_relay_messages_total",
      "Messages handed out to connectors and pulling consumers, repeated ones included.",
      ["channel"],
    );
    this.#again = metrics.counter(
      "cwm_relay_redelivered_total",
      "Messages handed out that had been handed out before.",
      ["channel"],
    );
    this.#settled = metrics.counter(
      "cwm_relay_settled_total",
      "Messages that connectors and pulling consumers acknowledged, gave back or rejected.",
      ["channel", "outcome"],
    );
    metrics.gaugeFrom(
      "cwm_relay_connections",
      "Connectors that are connected, and pulling consumers whose polls wait or that were there within a minute.",
      () => connections(sessions(), channels(), pullers),
    );
    metrics.gaugeFrom(
      "cwm_relay_inflight",
      "Messages that connectors hold unacknowledged.",
      () => inFlight(sessions(), channels()),
    );
  }

  handedOut(channel: string, events: readonly Pick<LeasedEvent, "delivery">[]): void {
    if (events.length === 0) return;
    this.#handedOut.with(channel).add(events.length);
    const { length: again } = events.filter(({ delivery }) => delivery > 1);
    if (again > 0) this.#again.with(channel).add(again);
  }

  settled(channel: string, outcome: MessageOutcome, count: number): void {
    if (count > 0) this.#settled.with(channel, outcome).add(count);
  }
}

/** By channel and transport; a channel that nobody is connected to is shown at 0, since alerts wait for that. */
function connections(
  sessions: Iterable<MeasuredSession>,
  channels: Iterable<string>,
  pullers: (channel: string) => number,
): Iterable<Reading> {
  const counts = new Map<string, Reading>();
  const add = (channel: string, transport: string, count: number) => {
    const key = JSON.stringify([channel, transport]);
    counts.set(key, [{ channel, transport }, count + (counts.get(key)?.[1] ?? 0)]);
  };
  for (const channel of channels) {
    for (const transport of TRANSPORT_NAMES) add(channel, transport, 0);
    add(channel, "pull", pullers(channel));
  }
  for (const { channelName, transport, isConnected } of sessions) {
    add(channelName, transport, isConnected ? 1 : 0);
  }
  return counts.values();
}

function inFlight(sessions: Iterable<MeasuredSession>, channels: Iterable<string>): Iterable<Reading> {
  const counts = new Map<string, number>();
  for (const channel of channels) counts.set(channel, 0);
  for (const { channelName, inFlight } of sessions) {
    counts.set(channelName, inFlight + (counts.get(channelName) ?? 0));
  }
  return Array.from(counts, ([channel, count]): Reading => [{ channel }, count]);
}

/**
 * Registers how full the channels are. A scrape shows what the one before it has asked for: asking takes
 * time, and a scrape must not.
 */
export function registerDepthMetrics(
  metrics: Metrics,
  channels: () => readonly string[],
  queues: Pick<ChannelQueues, "depth">,
): void {
  let depths = new Map<string, ChannelDepth>();
  let isAsking = false;
  const ask = async () => {
    if (isAsking) return;
    isAsking = true;
    const names = channels();
    const found = await Promise.allSettled(names.map((name) => queues.depth(name)));
    // A queue that cannot be used shows nothing rather than what was true once.
    depths = new Map(
      found.flatMap((depth, index) =>
        depth.status === "fulfilled" ? [[names[index]!, depth.value] as const] : []
      ),
    );
    isAsking = false;
  };
  metrics.gaugeFrom("cwm_relay_channel_depth", "Events that stand in the channel.", () => {
    ask();
    return [...depths].flatMap(([channel, { ready, leased }]): Reading[] => [
      [{ channel, state: "ready" }, ready],
      [{ channel, state: "leased" }, leased],
    ]);
  });
  metrics.gaugeFrom(
    "cwm_relay_channel_lag_seconds",
    "How long ago the oldest event of the channel was received.",
    () =>
      [...depths].map(([channel, { oldestReceivedAt }]): Reading => [
        { channel },
        oldestReceivedAt === undefined ? 0 : Math.max(0, Date.now() - oldestReceivedAt) / 1000,
      ]),
  );
}
