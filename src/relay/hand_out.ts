/**
 * How often an event may be handed out: one that nobody has acknowledged after `max_deliveries` is a dead letter.
 *
 * @module
 */

import type { ChannelQueues, LeasedEvent, LeaseOptions, Rejection } from "../channels/channel_queues.ts";
import type { ChannelLimits } from "./channel_directory.ts";

/** Which events are leased, and for how long. */
export interface HandOut {
  readonly channel: string;
  readonly limits: Pick<ChannelLimits, "maxDeliveries">;
  /** Events at most. */
  readonly limit: number;
  readonly visibilityMs: number;
  readonly options: LeaseOptions;
}

/** What was leased. */
export interface HandedOut {
  readonly events: readonly LeasedEvent[];
  /** Whether more could be due: the bounds of the lease were reached. */
  readonly mayBeMore: boolean;
}

/**
 * Leases events as the queues do. What was handed out too often already becomes a dead letter instead, and others
 * come in its place.
 *
 * @throws {GatewayError} `journal_unavailable`
 */
export async function handOut(queues: ChannelQueues, wanted: HandOut): Promise<HandedOut> {
  const { channel, limits: { maxDeliveries }, limit, visibilityMs, options } = wanted;
  const { bytes: mostBytes = Infinity } = options;
  for (;;) {
    const leased = await queues.lease(channel, limit, visibilityMs, options);
    const exhausted = leased.filter(({ delivery }) => delivery > maxDeliveries);
    const bytes = leased.reduce((sum, { event }) => sum + event.body.length, 0);
    const mayBeMore = leased.length >= limit || bytes >= mostBytes;
    if (exhausted.length === 0) return { events: leased, mayBeMore };
    await queues.reject(channel, exhausted.map(({ tag }) => ({ tag })), exhaustion(maxDeliveries));
    if (exhausted.length === leased.length) continue;
    return { events: leased.filter(({ delivery }) => delivery <= maxDeliveries), mayBeMore };
  }
}

/** Why an event that was handed out so often is a dead letter. */
export function exhaustion(deliveries: number): Rejection {
  const times = deliveries === 1 ? "once" : `${deliveries} times`;
  return {
    code: "output_failed",
    message: `It was handed out ${times} and not acknowledged, which is max_deliveries of its channel`,
    attempts: deliveries,
  };
}
