import type { ChannelDepth, ChannelQueues } from "../channels/channel_queues.ts";
import type { Metrics, Reading } from "../observability/metrics.ts";

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
