/**
 * Webhooks whose deliveries are stopped: paused by an operator, or switched off since their target failed for long.
 * Their events wait in the journal; senders that would wait get 503. One that is switched off is tried by one event
 * now and then, and is on again with the first success.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { type DeliveryError, GatewayError } from "../../errors.ts";
import { webhookPath } from "../../event/names.ts";
import type { HealthReports } from "../../health/health.ts";
import type { LaneKey, StoppedLane, StopStore } from "../../journal/journal.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { boundReadings, SeriesNames } from "../../observability/webhook_series.ts";
import { halfRandom } from "../../time/backoff.ts";
import { type Deadlines, Timer } from "../../time/deadlines.ts";
import { Failures, isOfTarget, type SwitchOffPolicy } from "./switch_off.ts";

/** How often a webhook is tried that was switched off and has no policy any more, in milliseconds. */
const TRY_EVERY_MS = 60_000;

/** Seconds after which a sender should try again whose webhook is paused. */
const PAUSED_RETRY_AFTER_SECONDS = 60;

/** What {@linkcode Stops} needs. */
export interface StopsOptions {
  readonly store: StopStore;
  readonly deadlines: Deadlines;
  readonly health: HealthReports;
  readonly logger: Logger;
  /** When a webhook is switched off; `undefined` for never. Asked when a delivery has failed. */
  readonly policyOf: (path: string) => SwitchOffPolicy | undefined;
}

/** Who delivers the events of the journal. */
export interface StopsListener {
  /** Whether events of the webhook may go has changed, or its target is back: those that wait may go now. */
  onStopChanged(path: string, isBack: boolean): void;
}

/** A stopped webhook, for operators. */
export interface StoppedWebhook extends StoppedLane {
  /** When one that is switched off is tried next, in milliseconds since 1970; in the past: with the next event. */
  readonly nextTryAt: number | undefined;
}

/** A webhook that is stopped. */
interface Stopped {
  readonly lane: StoppedLane;
  /** Whether one event may be tried. */
  mayTry: boolean;
  /** Whether a sender's event is being tried. */
  isTried: boolean;
  nextTryAt: number | undefined;
  timer: Timer | undefined;
}

/** Knows which webhooks are stopped. Paths are `namespace/id`. */
export class Stops {
  readonly #options: StopsOptions;
  readonly #stopped = new Map<string, Stopped>();
  readonly #failures = new Map<string, Failures>();
  /** Webhooks that are reported, since what they alone need of their output is missing. */
  readonly #failing = new Set<string>();
  #listener: StopsListener | undefined;
  #isLoaded = false;

  constructor(options: StopsOptions) {
    this.#options = options;
  }

  /**
   * Registers what is shown of stopped webhooks.
   *
   * @param isConfigured whether there is such a webhook now: only those have series
   * @param names which of those have. @default all
   */
  registerMetrics(
    metrics: Metrics,
    isConfigured: (lane: LaneKey) => boolean,
    names: SeriesNames = new SeriesNames(),
  ): void {
    metrics.gaugeFrom(
      "cwm_webhook_stopped",
      "1 for a webhook whose deliveries are paused or switched_off; other webhooks have no series.",
      () =>
        boundReadings(
          names,
          this.list().filter(isConfigured).map((lane) => [lane, 1, { state: lane.state }] as const),
        ),
    );
  }

  /** Says who delivers. To be called once. */
  follow(listener: StopsListener): void {
    this.#listener = listener;
  }

  /** Reads what an earlier process has stopped, once. Until then no event of the journal goes. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    for (const lane of await this.#options.store.list()) {
      if (!this.#stopped.has(webhookPath(lane.namespace, lane.webhook))) this.#stop(lane);
    }
    this.#isLoaded = true;
    this.#options.store.follow?.((stopped) => this.#takeOver(stopped));
  }

  /** There is no journal that an earlier process has written. In the place of {@linkcode load}. */
  startEmpty(): void {
    this.#isLoaded = true;
  }

  /** Whether no webhook is stopped, and none has failed since its last success: nothing is to be asked then. */
  get isQuiet(): boolean {
    return this.#stopped.size === 0 && this.#failures.size === 0;
  }

  /** Every stopped webhook, in the order in which they were stopped. */
  list(): readonly StoppedWebhook[] {
    return Array.from(this.#stopped.values(), ({ lane, nextTryAt }) => ({ ...lane, nextTryAt }));
  }

  /** How a webhook is stopped; `undefined` where it is not. */
  find(path: string): StoppedWebhook | undefined {
    const stopped = this.#stopped.get(path);
    return stopped && { ...stopped.lane, nextTryAt: stopped.nextTryAt };
  }

  /** Whether events of the journal may go: all, none, or one to try the target. */
  allows(path: string): "all" | "one" | "none" {
    if (!this.#isLoaded) return "none";
    const stopped = this.#stopped.size === 0 ? undefined : this.#stopped.get(path);
    if (stopped === undefined) return "all";
    return stopped.mayTry ? "one" : "none";
  }

  /** Whether the webhook is switched off, so that a failure changes nothing for its event. */
  isSwitchedOff(path: string): boolean {
    return this.#stopped.get(path)?.lane.state === "switched_off";
  }

  /**
   * Asks for the event of a sender that waits. Where it returns, {@linkcode senderEnded} is to be called.
   *
   * @throws {GatewayError} `webhook_paused` or `webhook_switched_off`
   */
  admitSender(path: string): void {
    const stopped = this.#stopped.get(path);
    if (stopped === undefined) return;
    const { lane, mayTry, isTried, nextTryAt = Date.now() } = stopped;
    if (lane.state === "paused") {
      throw new GatewayError("webhook_paused", undefined, { retryAfterSeconds: PAUSED_RETRY_AFTER_SECONDS });
    }
    if (!mayTry || isTried) {
      const retryAfterSeconds = Math.max(1, Math.ceil((nextTryAt - Date.now()) / 1000));
      throw new GatewayError("webhook_switched_off", undefined, { retryAfterSeconds });
    }
    stopped.isTried = true;
  }

  /** The delivery of a sender's event has ended. Failures are reported with {@linkcode failed}. */
  senderEnded(path: string, isDelivered: boolean): void {
    if (isDelivered) this.delivered(path);
    const stopped = this.#stopped.get(path);
    if (stopped !== undefined) stopped.isTried = false;
  }

  /**
   * Stops the deliveries of a webhook until {@linkcode resume}. What is under way ends.
   *
   * @throws {GatewayError} `journal_unavailable`
   */
  async pause(lane: LaneKey): Promise<StoppedWebhook> {
    const path = webhookPath(lane.namespace, lane.webhook);
    const found = this.find(path);
    if (found?.state === "paused") return found;
    const stopped = pausedLane(lane);
    await this.#options.store.put(stopped);
    if (found !== undefined) this.#forget(path);
    this.#stop(stopped);
    this.#options.logger.info("The deliveries of {namespace}/{webhook} are paused", { ...lane });
    this.#listener?.onStopChanged(path, false);
    return { ...stopped, nextTryAt: undefined };
  }

  /**
   * Has a webhook deliver again, whatever has stopped it.
   *
   * @returns whether it was stopped
   * @throws {GatewayError} `journal_unavailable`
   */
  async resume(lane: LaneKey): Promise<boolean> {
    const path = webhookPath(lane.namespace, lane.webhook);
    const wasStopped = await this.#options.store.remove(lane) || this.#stopped.has(path);
    if (!this.#forget(path)) return wasStopped;
    this.#options.logger.info("The deliveries of {namespace}/{webhook} go on", { ...lane });
    this.#listener?.onStopChanged(path, true);
    return wasStopped;
  }

  /** A delivery has succeeded. Need not be called while it {@linkcode isQuiet}. */
  delivered(path: string): void {
    const wasStreak = this.#failures.get(path)?.isStreak(performance.now()) === true;
    this.#failures.delete(path);
    this.#endFailing(path);
    const stopped = this.#stopped.get(path);
    if (stopped?.lane.state === "switched_off") this.#switchOn(path, stopped.lane, "its target takes events");
    else if (wasStreak && stopped === undefined) this.#listener?.onStopChanged(path, true);
  }

  /** An attempt has failed: a webhook may be switched off, or a try of one that is has failed. */
  failed(path: string, error: DeliveryError): void {
    const stopped = this.#stopped.get(path);
    if (stopped !== undefined) {
      if (stopped.lane.state === "switched_off" && stopped.mayTry) this.#tryFailed(path, stopped);
      return;
    }
    if (!isOfTarget(error)) return;
    const policy = this.#options.policyOf(path);
    const now = performance.now();
    let failures = this.#failures.get(path);
    if (failures === undefined) this.#failures.set(path, failures = new Failures());
    failures.add(now, error.code !== "output_throttled");
    if (error.isPartial && failures.isStreak(now)) this.#reportFailing(path, error);
    if (policy === undefined) return;
    if (error.isGone && policy.whenGone) this.#switchOff(path, error.message);
    else if (failures.reach(policy, now)) {
      this.#switchOff(path, `${failures.describe(now)}, the last one with ${error.code}: ${error.message}`);
    }
  }

  /** Something else has shown that the target of the webhook takes events: one is tried now. */
  tryNow(path: string): void {
    const stopped = this.#stopped.get(path);
    if (stopped?.lane.state === "switched_off" && !stopped.mayTry) this.#try(path, stopped);
  }

  /**
   * The configuration of a webhook has changed: it may have another target now.
   *
   * @param isThere whether there is such a webhook
   */
  configured(path: string, isThere: boolean): void {
    if (!isThere) {
      this.#failures.delete(path);
      this.#endFailing(path);
    }
    const stopped = this.#stopped.get(path);
    if (stopped === undefined || stopped.lane.state === "paused") return;
    if (!isThere) this.#switchOn(path, stopped.lane, "it was removed");
    else if (this.#options.policyOf(path) === undefined) {
      this.#switchOn(path, stopped.lane, "its configuration says that it is never off");
    } else this.tryNow(path);
  }

  /** The output is well otherwise, and says nothing of it. */
  #reportFailing(path: string, { message }: DeliveryError): void {
    this.#failing.add(path);
    const cause = `${message}. Its events wait: look at its destination, and at what the webhook names`;
    this.#options.health.begin({ part: "webhook", name: path, kind: "failing", cause }, this);
  }

  #endFailing(path: string): void {
    if (this.#failing.delete(path)) {
      this.#options.health.end({ part: "webhook", name: path }, "failing", this);
    }
  }

  /** What other gateways have stopped, or have had go on, is so here. */
  #takeOver(lanes: readonly StoppedLane[]): void {
    const stopped = new Map(lanes.map((lane) => [webhookPath(lane.namespace, lane.webhook), lane]));
    for (const [path, { lane: { namespace, webhook } }] of this.#stopped) {
      if (stopped.has(path)) continue;
      this.#forget(path);
      this.#options.logger.info("{namespace}/{webhook} goes on, as another instance says", {
        namespace,
        webhook,
      });
      this.#listener?.onStopChanged(path, true);
    }
    for (const [path, lane] of stopped) {
      if (this.#stopped.get(path)?.lane.state === lane.state) continue;
      this.#forget(path);
      this.#stop(lane);
      const { namespace, webhook, state } = lane;
      const word = state === "paused" ? "paused" : "switched off";
      this.#options.logger.info("{namespace}/{webhook} is {state}, as another instance says", {
        namespace,
        webhook,
        state: word,
      });
      this.#listener?.onStopChanged(path, false);
    }
  }

  #switchOff(path: string, cause: string): void {
    const [namespace = "", webhook = ""] = path.split("/");
    const lane: StoppedLane = {
      namespace,
      webhook,
      state: "switched_off",
      since: Date.now(),
      cause: `${cause}. It is tried now and then, and its events wait; cwm resume has all of them go now`,
    };
    this.#failures.delete(path);
    this.#endFailing(path);
    this.#stop(lane);
    this.#options.logger.warning(
      "{namespace}/{webhook} is switched off, since its target takes nothing: {reason}",
      {
        namespace,
        webhook,
        reason: cause,
      },
    );
    this.#remember(() => this.#options.store.put(lane));
    this.#listener?.onStopChanged(path, false);
  }

  #switchOn(path: string, { namespace, webhook }: StoppedLane, why: string): void {
    this.#forget(path);
    this.#options.logger.info("{namespace}/{webhook} is on again: {why}", { namespace, webhook, why });
    this.#remember(() => this.#options.store.remove({ namespace, webhook }));
    this.#listener?.onStopChanged(path, true);
  }

  #stop(lane: StoppedLane): void {
    const path = webhookPath(lane.namespace, lane.webhook);
    const stopped: Stopped = { lane, mayTry: false, isTried: false, nextTryAt: undefined, timer: undefined };
    this.#stopped.set(path, stopped);
    if (lane.state === "switched_off") this.#tryLater(path, stopped);
    this.#report(lane);
  }

  /** Returns whether it was stopped. */
  #forget(path: string): boolean {
    this.#failures.delete(path);
    const stopped = this.#stopped.get(path);
    if (stopped === undefined) return false;
    if (stopped.timer !== undefined) this.#options.deadlines.clear(stopped.timer);
    this.#stopped.delete(path);
    this.#options.health.end({ part: "webhook", name: path }, stopped.lane.state);
    return true;
  }

  #report({ namespace, webhook, state, cause }: StoppedLane): void {
    const name = webhookPath(namespace, webhook);
    this.#options.health.begin({ part: "webhook", name, kind: state, cause });
  }

  #try(path: string, stopped: Stopped): void {
    if (stopped.timer !== undefined) this.#options.deadlines.clear(stopped.timer);
    stopped.timer = undefined;
    stopped.mayTry = true;
    this.#listener?.onStopChanged(path, false);
  }

  #tryFailed(path: string, stopped: Stopped): void {
    stopped.mayTry = false;
    this.#tryLater(path, stopped);
    this.#listener?.onStopChanged(path, false);
  }

  /** Where no event waits then, the next one that comes is tried: no further timer runs. */
  #tryLater(path: string, stopped: Stopped): void {
    const milliseconds = halfRandom(this.#options.policyOf(path)?.tryEveryMs ?? TRY_EVERY_MS);
    stopped.nextTryAt = Date.now() + milliseconds;
    stopped.timer = new Timer(() => this.#try(path, stopped));
    this.#options.deadlines.set(milliseconds, stopped.timer);
  }

  /** What the journal does not remember now is found out again after the next start. */
  async #remember(change: () => Promise<unknown>): Promise<void> {
    try {
      await change();
    } catch (error) {
      this.#options.logger.warning("The journal did not take whether a webhook is switched off", { error });
    }
  }
}

/** A webhook as it is remembered that an operator pauses now. */
export function pausedLane({ namespace, webhook }: LaneKey): StoppedLane {
  const cause = "An operator has paused it: cwm resume has it deliver again";
  return { namespace, webhook, state: "paused", since: Date.now(), cause };
}
