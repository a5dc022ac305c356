/**
 * What the log says at the end of a gateway.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";

/** How a gateway was drained. */
export interface Stop {
  /** When it began, by `performance.now()`. */
  readonly drainedAt: number;
  /** Why the listener was closed when it was. */
  readonly reason: string;
  readonly cutRequests: number;
  readonly cutDeliveries: number;
  /** Whether the others deliver what is left, since all have one journal. */
  readonly isShared: boolean;
}

/** The last line of the log: how the gateway ended, and what is left. */
export function reportStop(
  logger: Logger,
  { drainedAt, isShared, ...stop }: Stop,
  pending: number | undefined,
): void {
  logger.info(
    "Stopped: {reason}. Cut off: {cutRequests} requests, {cutDeliveries} deliveries. " +
      "Left {heir}: {pending} events",
    {
      ...stop,
      heir: isShared ? "to the other instances" : "for the next start",
      pending: pending ?? "an unknown number of",
      elapsedMs: Math.round(performance.now() - drainedAt),
    },
  );
}
