/**
 * Reports channels that nobody takes events from, so that what comes waits: those that their last connector has left,
 * and those to which none has come.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { HealthReports } from "../health/health.ts";

/** How long things may take, in milliseconds. */
interface AttendanceTimes {
  /** A connector that was lost, to come back before that is reported. @default 2000 */
  readonly lostMs: number;
  /** The first connector of a channel. @default 10000 */
  readonly firstMs: number;
  /** Between two looks at channels that may have nobody. @default 1000 */
  readonly lookMs: number;
}

const TIMES: AttendanceTimes = { lostMs: 2_000, firstMs: 10_000, lookMs: 1_000 };

/** Who takes events from a channel now: a connection that says when it ends, requests that say nothing, or nobody. */
export type Attended = "connected" | "polled" | "nobody";

/** What is needed to follow who takes events. */
export interface AttendanceOptions {
  /** Left out where channels are shared: connectors may be at another instance then. */
  readonly health: HealthReports | undefined;
  readonly logger: Logger;
  readonly attendedBy: (channel: string) => Attended;
  /** @default those of a gateway */
  readonly times?: AttendanceTimes;
}

/** What is known of a channel that may have nobody. */
interface Watched {
  /** When it has to have somebody, by `performance.now()`. */
  until: number;
  /** Whether it ever had somebody. */
  wasAttended: boolean;
}

/** Follows who takes events from the channels of one gateway. */
export class Attendance implements Disposable {
  readonly #options: AttendanceOptions;
  readonly #times: AttendanceTimes;
  /** The channels that are reported. */
  readonly #left = new Set<string>();
  /** The channels that may have nobody. */
  readonly #watched = new Map<string, Watched>();
  #clock: ReturnType<typeof setInterval> | undefined;

  constructor(options: AttendanceOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
  }

  /** There is such a channel. */
  exists(channel: string): void {
    if (
      this.#options.attendedBy(channel) !== "nobody" || this.#watched.has(channel) || this.#left.has(channel)
    ) {
      return;
    }
    this.#watch(channel, { until: performance.now() + this.#times.firstMs, wasAttended: false });
  }

  /** Somebody takes events from the channel. Costs next to nothing unless it had nobody. */
  attended(channel: string): void {
    if (this.#left.size > 0) this.#end(channel, "ended");
    const watched = this.#watched.get(channel);
    if (watched !== undefined) watched.wasAttended = true;
    else if (this.#options.attendedBy(channel) === "polled") this.lost(channel);
  }

  /** A connector of the channel is gone, which may have been the last one, and may come back. */
  lost(channel: string): void {
    if (this.#left.has(channel)) return;
    this.#watch(channel, { until: performance.now() + this.#times.lostMs, wasAttended: true });
  }

  /** There is no such channel any more. */
  removed(channel: string): void {
    this.#watched.delete(channel);
    this.#end(channel, "removed");
  }

  [Symbol.dispose](): void {
    clearInterval(this.#clock);
    this.#clock = undefined;
    this.#watched.clear();
  }

  #watch(channel: string, watched: Watched): void {
    if (this.#options.health === undefined) return;
    this.#watched.set(channel, watched);
    this.#clock ??= setInterval(() => this.#look(), this.#times.lookMs);
  }

  #look(): void {
    const now = performance.now();
    for (const [channel, watched] of this.#watched) {
      const attended = this.#options.attendedBy(channel);
      if (attended === "connected") this.#watched.delete(channel);
      // Nobody says when the requests end: that has to be looked for.
      else if (attended === "polled") watched.until = now;
      else if (watched.until <= now) this.#report(channel, watched);
    }
    if (this.#watched.size > 0) return;
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  #report(channel: string, { wasAttended }: Watched): void {
    this.#watched.delete(channel);
    this.#left.add(channel);
    const what = wasAttended ? "Its last connector has left" : "No connector has come yet";
    this.#options.health?.begin({
      part: "channel",
      name: channel,
      kind: "no_connector",
      cause: `${what}, and its events wait: look at the connector and its log`,
    }, this);
    this.#options.logger.warning(
      "Channel {channel} has no connector: {reason}, and its events wait. Look at the connector and its log",
      { channel, reason: wasAttended ? "the last one has left" : "none has come yet" },
    );
  }

  #end(channel: string, change: "ended" | "removed"): void {
    if (!this.#left.delete(channel)) return;
    this.#options.health?.end({ part: "channel", name: channel }, "no_connector", this, change);
    if (change === "ended") this.#options.logger.info("Channel {channel} has a connector again", { channel });
  }
}
