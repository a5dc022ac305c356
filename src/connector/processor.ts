/**
 * What the connector does with messages: delivers them with bounded concurrency, those of one webhook one
 * after the other, and reports the outcome of each.
 *
 * A webhook whose event goes back to the channel is *closed*: its later events go back as well, unattempted,
 * until the gateway has said where its pause began. What comes after the pause comes in order again.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { restoreVerifiedEvent } from "../event/verified_event.ts";
import { assertCount, DeliveryError } from "../errors.ts";
import type { DeliveryResult } from "../modules/module.ts";
import { ReportLimiter } from "../observability/report_limiter.ts";
import { decodeEvent } from "../relay/protocol/codec.ts";
import type { Report, WebhookMessage } from "../relay/protocol/messages.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { Deliverer } from "./deliverers/deliverer.ts";
import { backoffBoundMs } from "../time/backoff.ts";
import { within } from "../time/within.ts";

/** How long deliveries that are broken off may take to end, in milliseconds. */
const BREAK_OFF_MS = 1_000;

/** How a {@linkcode Processor} delivers and reports. Times are in milliseconds. */
export interface ProcessorOptions {
  readonly deliverer: Deliverer;
  /** Events that are delivered at once. */
  readonly maxConcurrent: number;
  /** Whether events of one webhook are delivered one after the other. */
  readonly ordered: boolean;
  /** How many reports are remembered for a connection that was lost: as many as may be unacknowledged. */
  readonly rememberedReports: number;
  readonly redelivery: { readonly initialMs: number; readonly maxMs: number };
  readonly report: (report: Report) => void;
  readonly metrics: ConnectorMetrics;
  readonly logger: Logger;
}

/** The events of one webhook. */
interface Queue {
  readonly waiting: WebhookMessage[];
  active: boolean;
  closed: Closure | undefined;
}

interface Closure {
  /** The message that went back. */
  readonly messageId: string;
  /** The last message of before the pause; `undefined` until the gateway says it. */
  until: number | undefined;
}

/** Delivers the messages of a channel, a bounded number at once, and reports each outcome to the gateway. */
export class Processor implements AsyncDisposable {
  readonly #options: ProcessorOptions;
  readonly #queues = new Map<string, Queue>();
  /** The queues that have something to do and nothing under way, the longest idle first. */
  readonly #ready = new Set<Queue>();
  /** Messages that wait or are delivered, by id. */
  readonly #held = new Set<string>();
  /** The last reports that settled something, by message: repeated when nobody knows whether they arrived. */
  readonly #settled = new Map<string, Report>();
  readonly #stopping = new AbortController();
  readonly #failures = new ReportLimiter();
  #active = 0;
  #draining = false;
  #onIdle: (() => void) | undefined;

  constructor(options: ProcessorOptions) {
    this.#options = options;
  }

  /** Messages that wait or are delivered. */
  get held(): number {
    return this.#held.size;
  }

  /** A new connection: what was reported on the former one may not have arrived. */
  reconnected(resumed: boolean): void {
    for (const report of this.#settled.values()) this.#options.report(report);
    for (const [key, queue] of this.#queues) {
      if (queue.closed === undefined) continue;
      if (queue.closed.until === undefined) {
        this.#options.report(this.#pauseReport(queue.closed.messageId, 1));
      } else if (!resumed) {
        // Sequences begin again, and everything was given back in order.
        queue.closed = undefined;
        this.#forgetIdle(key, queue);
      }
    }
  }

  /** Takes a message from the gateway. */
  accept(message: WebhookMessage): void {
    const { message_id: id } = message;
    if (message.delivery > 1) this.#options.metrics.redelivered();
    if (this.#held.has(id)) return this.#options.metrics.duplicate();
    const settled = this.#settled.get(id);
    if (settled !== undefined && message.delivery > 1) {
      this.#options.metrics.duplicate();
      return this.#options.report(settled);
    }
    // A first delivery of what was settled is a dead letter that somebody replays.
    this.#settled.delete(id);
    const key = this.#options.ordered ? `${message.namespace}/${message.webhook_id}` : id;
    const queue = this.#queueOf(key);
    if (this.#draining || this.#isClosedFor(queue, message)) return this.#giveBack(message);
    this.#held.add(id);
    queue.waiting.push(message);
    if (!queue.active) this.#ready.add(queue);
    this.#pump();
  }

  /** The gateway has paused for these messages. */
  paused(messageIds: readonly string[], sequence: number): void {
    for (const { closed } of this.#queues.values()) {
      if (closed !== undefined && messageIds.includes(closed.messageId)) closed.until = sequence;
    }
  }

  /**
   * Gives back what waits, and waits for what is under way.
   *
   * @param timeoutMs after this time what is under way is broken off; the gateway gives it back when the
   * connection has ended
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.#ready.clear();
    for (const queue of this.#queues.values()) {
      for (const message of queue.waiting.splice(0)) this.#giveBack(message);
    }
    if (!await this.#idleWithin(timeoutMs)) await this[Symbol.asyncDispose]();
  }

  /** Breaks off what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining = true;
    this.#ready.clear();
    this.#stopping.abort();
    await this.#idleWithin(BREAK_OFF_MS);
  }

  async #idleWithin(milliseconds: number): Promise<boolean> {
    if (this.#active === 0) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    return await within(milliseconds, promise);
  }

  #queueOf(key: string): Queue {
    let queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, queue = { waiting: [], active: false, closed: undefined });
    return queue;
  }

  #isClosedFor(queue: Queue, { sequence }: WebhookMessage): boolean {
    if (queue.closed === undefined) return false;
    if (queue.closed.until === undefined || sequence <= queue.closed.until) return true;
    queue.closed = undefined;
    return false;
  }

  #pump(): void {
    for (const queue of this.#ready) {
      if (this.#active >= this.#options.maxConcurrent) return;
      this.#ready.delete(queue);
      const message = queue.waiting.shift();
      if (message === undefined) continue;
      queue.active = true;
      this.#active++;
      this.#deliver(message).then((result) => this.#conclude(queue, message, result));
    }
  }

  async #deliver(message: WebhookMessage): Promise<DeliveryResult> {
    const startedAt = performance.now();
    try {
      const event = restoreVerifiedEvent(decodeEvent(message));
      const relayed = { messageId: message.message_id, delivery: message.delivery };
      return await this.#options.deliverer.deliver(event, relayed, this.#stopping.signal);
    } catch (cause) {
      return new DeliveryError("output_failed", "The connector failed to deliver the event", { cause });
    } finally {
      this.#options.metrics.took((performance.now() - startedAt) / 1000);
    }
  }

  #conclude(queue: Queue, message: WebhookMessage, result: DeliveryResult): void {
    queue.active = false;
    this.#active = assertCount(this.#active - 1, "deliveries under way");
    this.#held.delete(message.message_id);
    if (result === "delivered") {
      this.#options.metrics.delivered();
      this.#settle({ type: "ack", message_id: message.message_id });
    } else this.#fail(queue, message, result);
    if (queue.waiting.length > 0) this.#ready.add(queue);
    else this.#forgetIdle(this.#keyOf(message), queue);
    this.#pump();
    if (this.#active === 0) this.#onIdle?.();
  }

  #fail(queue: Queue, message: WebhookMessage, error: DeliveryError): void {
    this.#options.metrics.failed(error.code);
    this.#log(message, error);
    const { message_id: id } = message;
    if (error.disposition === "dead_letter") {
      this.#settle({
        type: "nack",
        message_id: id,
        retry: false,
        code: "output_rejected",
        error: error.message,
      });
      return;
    }
    if (this.#draining) return this.#giveBack(message);
    if (this.#options.ordered) queue.closed = { messageId: id, until: undefined };
    this.#options.metrics.returned();
    this.#options.report(this.#pauseReport(id, message.delivery, error.retryAfterSeconds));
    for (const later of queue.waiting.splice(0)) this.#giveBack(later);
  }

  /** Gives a message back without a pause, since it was not attempted. */
  #giveBack({ message_id: id }: WebhookMessage): void {
    this.#held.delete(id);
    this.#options.metrics.returned();
    this.#options.report({ type: "nack", message_id: id, retry: true });
  }

  #pauseReport(messageId: string, delivery: number, retryAfterSeconds = 0): Report {
    const { redelivery } = this.#options;
    const asked = Math.min(redelivery.maxMs, retryAfterSeconds * 1000);
    const delay_ms = Math.max(1, backoffBoundMs(redelivery, delivery), asked);
    return { type: "nack", message_id: messageId, retry: true, delay_ms };
  }

  #settle(report: Report): void {
    this.#settled.delete(report.message_id);
    this.#settled.set(report.message_id, report);
    if (this.#settled.size > this.#options.rememberedReports) {
      const [oldest] = this.#settled.keys();
      this.#settled.delete(oldest!);
    }
    this.#options.report(report);
  }

  #keyOf(message: WebhookMessage): string {
    return this.#options.ordered ? `${message.namespace}/${message.webhook_id}` : message.message_id;
  }

  /** Senders choose no webhook's name, but a queue a message would not end. */
  #forgetIdle(key: string, queue: Queue): void {
    if (!queue.active && queue.waiting.length === 0 && queue.closed === undefined) this.#queues.delete(key);
  }

  #log(message: WebhookMessage, error: DeliveryError): void {
    const webhook = `${message.namespace}/${message.webhook_id}`;
    const outcome = error.disposition === "dead_letter" ? "rejected" : "given back";
    this.#failures.run(`${webhook} ${error.code}`, (suppressed) => {
      this.#options.logger.warning("Event of {namespace}/{webhook} was {outcome}: {reason}", {
        namespace: message.namespace,
        webhook: message.webhook_id,
        outcome,
        reason: error.message,
        code: error.code,
        eventId: message.event_id,
        ...(error.cause === undefined ? {} : { cause: error.cause }),
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    });
  }
}
