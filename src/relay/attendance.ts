/**
 * Reports channels that their last connector has left, so that what comes waits for nobody.
 *
 * @module
 */

import type { HealthReports } from "../health/health.ts";

/** Follows who takes events from the channels of one gateway. */
export class Attendance {
  readonly #health: HealthReports | undefined;
  /** The channels that are reported. */
  readonly #left = new Set<string>();

  /** @param health left out where channels are shared: connectors may be at another instance then */
  constructor(health: HealthReports | undefined) {
    this.#health = health;
  }

  /** Somebody takes events from the channel. Costs next to nothing unless it was left. */
  attended(channel: string): void {
    if (this.#left.size > 0) this.#end(channel, "ended");
  }

  /** The last connector of a channel has left it. */
  left(channel: string): void {
    if (this.#health === undefined) return;
    this.#left.add(channel);
    this.#health.begin({
      part: "channel",
      name: channel,
      kind: "no_connector",
      cause: "Its last connector has left, and its events wait: look at the connector and its log",
    }, this);
  }

  /** There is no such channel any more. */
  removed(channel: string): void {
    this.#end(channel, "removed");
  }

  #end(channel: string, change: "ended" | "removed"): void {
    if (!this.#left.delete(channel)) return;
    this.#health?.end({ part: "channel", name: channel }, "no_connector", this, change);
  }
}
