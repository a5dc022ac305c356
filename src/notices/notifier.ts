/**
 * Says what has changed in the health of the gateway to one of its webhooks: a few things together, each not too
 * often, and not many notices whatever happens.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { GatewayError } from "../errors.ts";
import type { Health } from "../health/health.ts";
import type { Trouble } from "../health/trouble.ts";
import type { Counter, Metrics } from "../observability/metrics.ts";
import { pause } from "../time/abortable.ts";
import { Backoff, type BackoffGrowth } from "../time/backoff.ts";
import { RateCounter } from "../time/rate.ts";
import { Wakeup } from "../time/wakeup.ts";
import { Changes, type Group } from "./changes.ts";
import { bodyOf } from "./forms.ts";
import { NOTICE_KINDS, titleOf } from "./kinds.ts";
import type { Notice } from "./notice.ts";
import type { NoticeSettings } from "./settings.ts";

/** Notices that are given at most, whatever happens. */
const MOST = { requests: 10, windowMs: 60_000 };

const PAUSES = { initialMs: 1_000, maxMs: 60_000 };

/** How long a notice is offered to a webhook that does not take it, in milliseconds. */
const OFFER_MS = 60 * 60_000;

/** The webhook that gets notices, as it is now. */
export interface NoticeTarget {
  readonly settings: NoticeSettings;
  /** The outputs that its events go to, as troubles name them: it can say nothing of them while they are down. */
  readonly outputs: ReadonlySet<string>;
  /**
   * Has a notice accepted as the webhook's events are.
   *
   * @param type of the event
   * @param body a JSON document
   * @throws {GatewayError} when it is not
   */
  accept(type: string, body: string): Promise<void>;
}

/** What a notifier works with. */
export interface NotifierOptions {
  readonly health: Pick<Health, "subscribe">;
  /** `namespace/id` of the webhook. */
  readonly webhook: string;
  /** The webhook; `undefined` while it takes no events. */
  readonly target: () => NoticeTarget | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** What tells the gateway from others; `undefined` where that is not known. */
  readonly gateway?: string | undefined;
  /** The pauses after a webhook has not taken a notice. @default from 1 s to a minute, half of each random */
  readonly pauses?: BackoffGrowth;
}

/** Gives notices until it is disposed of. */
export class Notifier implements AsyncDisposable {
  readonly #options: NotifierOptions;
  readonly #changes = new Changes(Date.now());
  readonly #rate = new RateCounter();
  readonly #changed = new Wakeup();
  readonly #closing = new AbortController();
  readonly #subscription: Disposable;
  readonly #counters: Readonly<Record<"accepted" | "failed", Counter>>;
  readonly #running: Promise<void>;

  constructor(options: NotifierOptions) {
    this.#options = options;
    const notices = options.metrics.counter(
      "cwm_notices_total",
      "Notices to the webhook of NOTIFY_WEBHOOK, by whether it took them.",
      ["outcome"],
    );
    this.#counters = { accepted: notices.with("accepted"), failed: notices.with("failed") };
    this.#subscription = options.health.subscribe((change, trouble) => {
      if (this.#changes.note(change, trouble)) this.#changed.wake();
    });
    this.#running = this.#run();
  }

  /** The webhook may take events now, or others than before. */
  lookAgain(): void {
    this.#changed.wake();
  }

  /** What was not said is not said any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]();
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let nextInMs: number | undefined;
    while (!signal.aborted) {
      await this.#changed.wait(signal, nextInMs);
      await pause(this.#options.target()?.settings.gatherMs ?? 0, signal);
      nextInMs = await this.#sayWhatIsDue(signal);
    }
  }

  /** Returns in how many milliseconds there is more to say; `undefined` where nothing waits. */
  async #sayWhatIsDue(signal: AbortSignal): Promise<number | undefined> {
    while (!signal.aborted) {
      const target = this.#options.target();
      if (target === undefined) return undefined;
      const waitMs = this.#rate.waitMs(MOST, performance.now());
      if (waitMs > 0) return waitMs;
      const isOwn = (trouble: Trouble) => this.#isOwn(trouble, target);
      const { group, nextInMs } = this.#changes.take(target.settings, isOwn, performance.now());
      if (group === undefined) return nextInMs;
      this.#rate.count(MOST, performance.now());
      await this.#offer(this.#noticeOf(group), signal);
    }
    return undefined;
  }

  /** What a notice cannot arrive through, and what notices themselves do, is nothing to give notice of. */
  #isOwn({ part, name }: Trouble, target: NoticeTarget): boolean {
    return part === "webhook"
      ? name === this.#options.webhook
      : part === "output" && target.outputs.has(name);
  }

  #noticeOf({ kind, isOver, items, more }: Group): Notice {
    const { gateway } = this.#options;
    return {
      type: NOTICE_KINDS[kind][isOver ? "over" : "began"],
      time: new Date().toISOString(),
      ...(gateway === undefined ? {} : { gateway }),
      title: titleOf(kind, isOver, items.length + more),
      items,
      more,
    };
  }

  /** Offers a notice again and again as long as it may be taken later; what changes meanwhile is said afterwards. */
  async #offer(notice: Notice, signal: AbortSignal): Promise<void> {
    const pauses = new Backoff(this.#options.pauses ?? PAUSES);
    const giveUpAt = performance.now() + OFFER_MS;
    while (!signal.aborted) {
      const failure = await this.#tryOffer(notice);
      if (failure === undefined) return this.#counters.accepted.increment();
      if (failure.disposition === "dead_letter" || performance.now() >= giveUpAt) {
        return this.#giveUp(notice, failure);
      }
      await pause(pauses.next(), signal);
    }
  }

  async #tryOffer(notice: Notice): Promise<GatewayError | undefined> {
    const target = this.#options.target();
    if (target === undefined) return new GatewayError("webhook_not_found");
    try {
      await target.accept(notice.type, bodyOf(notice, target.settings.format));
      return undefined;
    } catch (error) {
      if (error instanceof GatewayError) return error;
      return new GatewayError("internal_error", undefined, { cause: error });
    }
  }

  #giveUp({ type }: Notice, { code, message, cause }: GatewayError): void {
    this.#counters.failed.increment();
    const { logger, webhook } = this.#options;
    logger.warning("A notice was not taken by {webhook}, and is given up: {code}", {
      webhook,
      type,
      code,
      reason: message,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
