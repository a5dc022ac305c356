/**
 * Several targets of a webhook: each event goes to the first that is not down.
 *
 * A target is down after a connection that failed, a time-out or a 5xx, and gets one event when its pause is over: that
 * shows whether it is back. Where all are down, the one that is due first gets the event.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { assertCount, DeliveryError, type DeliveryErrorCode } from "../../../errors.ts";
import type { Event } from "../../../event/event.ts";
import type { HealthReports } from "../../../health/health.ts";
import type { Subject } from "../../../health/trouble.ts";
import type { Destination } from "../../../io/http_client.ts";
import type { BackoffGrowth } from "../../../time/backoff.ts";
import { ReportLimiter } from "../../../observability/report_limiter.ts";
import type { DeliveryResult, TargetReading } from "../../module.ts";
import { originOf } from "../answers.ts";
import { type TargetAttempt, TargetState } from "./target_state.ts";

/** Sends the event to a target. Does not reject. @param onDown is to be called when the target shows that it is down */
export type SendToTarget = (target: Destination, onDown: () => void) => Promise<DeliveryResult>;

/** Whose event it is, and where it may go. */
export interface FailoverConfig {
  /** Several, in the order in which they are used. */
  readonly targets: readonly Destination[];
  readonly ordered: boolean;
}

/** How long a target is left alone after a failure: from half a second, each time for longer, half of it random. */
const PAUSES: BackoffGrowth = { initialMs: 500, maxMs: 30_000 };

/** Longest pause that a target can ask for, in milliseconds. */
const MAX_ASKED_MS = 5 * 60_000;

/** Which target is used. An ordered webhook has one for all its events that are under way. */
interface Use {
  index: number;
  underWay: number;
}

/** Failures in a row after which a target is a trouble: what is over sooner is none. */
const LEAST_FAILURES = 3;

/** What targets report to. */
export interface FailoverOptions {
  readonly logger: Logger;
  /** Where it is reported that a target is down. @default nowhere */
  readonly health?: HealthReports | undefined;
  /** How long a target is left alone. @default from half a second to 30 seconds */
  readonly pauses?: BackoffGrowth;
}

/** Sends the events of webhooks with the same targets. Disposal says that there are no such targets any more. */
export class Failover implements Disposable {
  readonly #logger: Logger;
  readonly #health: HealthReports | undefined;
  readonly #pauses: BackoffGrowth;
  readonly #reports = new ReportLimiter();
  /** By the places of the targets. */
  #states: readonly TargetState[] = [];
  /** By the names of ordered webhooks that have something under way. */
  readonly #uses = new Map<string, Use>();

  constructor({ logger, health, pauses = PAUSES }: FailoverOptions) {
    this.#logger = logger;
    this.#health = health;
    this.#pauses = pauses;
  }

  /** How the targets are doing; none before the first event. */
  readings(): readonly TargetReading[] {
    return this.#states.map(({ origin, isUp, events }) => ({ destination: origin, isUp, events }));
  }

  /**
   * Sends an event to one target, and to the next one if the first shows that it is down. Never rejects.
   *
   * @param config of webhooks whose targets have the same origins in the same order
   * @param signal ends the search for a target that is not down
   */
  async deliver(
    event: Event,
    config: FailoverConfig,
    signal: AbortSignal,
    send: SendToTarget,
  ): Promise<DeliveryResult> {
    if (this.#states.length === 0) {
      this.#states = config.targets.map((target) => new TargetState(originOf(target), this.#pauses));
    }
    const name = config.ordered ? `${event.namespace}/${event.webhook}` : undefined;
    const known = name === undefined ? undefined : this.#uses.get(name);
    const resting = known === undefined ? this.#resting() : undefined;
    if (resting !== undefined) return resting;
    const use = this.#enter(known, name);
    try {
      return await this.#deliver(use, config.targets, signal, send);
    } finally {
      this.#leave(use, name);
    }
  }

  [Symbol.dispose](): void {
    for (const state of this.#states) this.#health?.end(subjectOf(state), "unreachable", state, "removed");
  }

  async #deliver(
    use: Use,
    targets: readonly Destination[],
    signal: AbortSignal,
    send: SendToTarget,
  ): Promise<DeliveryResult> {
    const tried = new Set<number>();
    let failure: DeliveryError | undefined;
    while (true) {
      const { index } = use;
      const { result, isDown } = await this.#attempt(this.#states[index]!, targets[index]!, send);
      if (result === "delivered" || !isDown) return result;
      tried.add(index);
      // Where one may be taken later, the event is none that nobody takes.
      if (failure === undefined || result.disposition === "retry") failure = result;
      // What is under way beside it would overtake it, or be overtaken, on another target.
      const next = signal.aborted || use.underWay > 1 ? undefined : this.#firstUsable(tried);
      if (next === undefined) return this.#judge(failure, tried.size);
      use.index = next;
    }
  }

  async #attempt(state: TargetState, target: Destination, send: SendToTarget) {
    const begun = state.begin();
    let isDown = false;
    const result = await send(target, () => isDown = true);
    if (result === "delivered") state.events++;
    if (isDown && result !== "delivered") this.#noteDown(state, begun, result);
    else if (state.answered(begun)) this.#noteBack(state);
    return { result, isDown };
  }

  #enter(known: Use | undefined, name: string | undefined): Use {
    const use = known ?? { index: this.#firstUsable(NONE) ?? this.#firstDue(), underWay: 0 };
    use.underWay++;
    if (name !== undefined) this.#uses.set(name, use);
    return use;
  }

  #leave(use: Use, name: string | undefined): void {
    use.underWay = assertCount(use.underWay - 1, "deliveries to targets");
    if (name !== undefined && use.underWay === 0) this.#uses.delete(name);
  }

  /** The target that is asked first where all are down. */
  #firstDue(): number {
    const due = this.#states.map(({ dueAt }) => dueAt);
    return due.indexOf(Math.min(...due));
  }

  /** The failure of an event that no target may get now, since even the one that is due first wants to be left alone. */
  #resting(cause?: DeliveryError): DeliveryError | undefined {
    if (this.#firstUsable(NONE) !== undefined) return undefined;
    const leftMs = this.#states[this.#firstDue()]!.restsUntil - performance.now();
    if (leftMs <= 0) return undefined;
    const retryAfterSeconds = Math.ceil(leftMs / 1000);
    return new DeliveryError("output_throttled", "All targets are down, or have asked for a pause", {
      cause,
      retryAfterSeconds,
    });
  }

  #firstUsable(tried: ReadonlySet<number>): number | undefined {
    const now = performance.now();
    const index = this.#states.findIndex((state, place) => !tried.has(place) && state.isUsable(now));
    return index === -1 ? undefined : index;
  }

  #noteDown(state: TargetState, begun: TargetAttempt, failure: DeliveryError): void {
    const { code, message: reason, retryAfterSeconds = 0 } = failure;
    const wasUp = state.isUp;
    const askedMs = Math.min(retryAfterSeconds * 1000, MAX_ASKED_MS);
    const pauseMs = state.failed(begun, performance.now(), askedMs);
    if (pauseMs === undefined) return;
    if (state.failures >= LEAST_FAILURES) {
      const cause = `${reason}. Look at the target: its events go to the others as long as one is up`;
      this.#health?.begin({ ...subjectOf(state), kind: "unreachable", cause }, state);
    }
    if (!wasUp) return;
    this.#reports.run(state.origin, (suppressed) => {
      const next = this.#states.find(({ isUp }) => isUp)?.origin;
      const what = next === undefined ? "and so are all others" : "events go to {next}";
      const milliseconds = Math.ceil(pauseMs);
      this.#logger.warning(`Target {target} is down, ${what}: it is asked again in {milliseconds} ms`, {
        target: state.origin,
        ...(next === undefined ? {} : { next }),
        milliseconds,
        code,
        reason,
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    });
  }

  #noteBack(state: TargetState): void {
    this.#logger.info("Target {target} is back", { target: state.origin });
    this.#health?.end(subjectOf(state), "unreachable", state);
  }

  /** What it means for the event, and for what waits behind it, that no target has taken it. */
  #judge(failure: DeliveryError, tried: number): DeliveryError {
    const resting = this.#resting(failure);
    if (resting !== undefined) return resting;
    const { code, message, cause, disposition } = failure;
    // What one target wants is nothing that the others have to wait for, nor is it the end of the event.
    const isOfOne = code === "output_throttled" ||
      (disposition === "dead_letter" && tried < this.#states.length);
    const isPartial = this.#states.some(({ isUp }) => isUp);
    return new DeliveryError(isOfOne ? "output_failed" : code as DeliveryErrorCode, message, {
      cause,
      isPartial,
    });
  }
}

const NONE: ReadonlySet<number> = new Set();

function subjectOf({ origin }: TargetState): Subject {
  return { part: "output", name: `http_webhook ${origin}` };
}
