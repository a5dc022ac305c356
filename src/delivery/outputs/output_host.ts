/**
 * Everything around an output that is the same for all of them: opening it on first use, the bound on
 * deliveries under way, deadlines, retries while a sender waits, metrics and logging of failures.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { Deadlines } from "../../time/deadlines.ts";
import { DeliveryError } from "../../errors.ts";
import type {
  Attempt,
  BatchBounds,
  Delivery,
  DeliveryResult,
  ModuleContext,
  OutputModule,
} from "../../modules/module.ts";
import type { Tracing } from "../../observability/tracing.ts";
import { firstResult, type Results, type TimedAttempt } from "./attempt.ts";
import { type Conclude, DirectAttempt, GatheredAttempt, type WaitingDelivery } from "./direct_attempt.ts";
import { BatchAttempt, resultOfEach } from "./batch_attempt.ts";
import type { MeasuredOutput, OutputMetrics } from "./output_metrics.ts";
import { Gatherer, type GatheringOutput } from "./gatherer.ts";
import { LazyOutput } from "./lazy_output.ts";
import { type BatchOutput, OutputScheduler } from "./output_scheduler.ts";
import { Semaphore } from "../../time/semaphore.ts";
import {
  retryDelayMs,
  type RetryPolicy,
  WAITING_SENDER_POLICY,
  withBoundedRetryAfter,
} from "../retry_policy.ts";

const DEFAULT_CONCURRENCY = 64;
const DEFAULT_TIMEOUT_MS = 10_000;

/** Calls of `deliver` that may wait for a free place, per place: beyond it, `overloaded` at once. */
const QUEUE_PER_PLACE = 16;

/** A body that is so much of a batch goes alone: what there is to do for it would hold up the others. */
const LARGE_SHARE = 1 / 4;

/** What hosts of all outputs share. */
export interface HostEnvironment {
  readonly deadlines: Deadlines;
  readonly metrics: OutputMetrics;
  readonly context: Omit<ModuleContext, "name" | "logger">;
  /** Longest time from the first attempt to the last retry while a sender waits, in milliseconds. */
  readonly deliveryBudgetMs: number;
  /**
   * How many more requests the gateway takes: no more may wait for an output, so that several that hang leave
   * some to the others. @default no bound
   */
  readonly freeRequests?: () => number;
  /** `undefined` while no traces are recorded. */
  readonly tracing?: Tracing | undefined;
}

/** How an output is doing. */
export interface OutputState {
  readonly module: string;
  /** The connection's name, or the module's where it needs none. */
  readonly connection: string;
  /**
   * `idle`: not used yet. `open`: the last delivery succeeded. `failing`: it failed. `out_of_reach`: events of
   * the journal wait until a probe succeeds.
   */
  readonly state: "idle" | "open" | "failing" | "out_of_reach";
  /** Deliveries under way. */
  readonly active: number;
  readonly failure?: { readonly code: string; readonly message: string };
}

/** One open output, shared by the webhooks that use the same module with the same connection settings. */
export class OutputHost implements AsyncDisposable, MeasuredOutput, BatchOutput, GatheringOutput {
  /** Hands the events of the journal to this output. */
  readonly scheduler: OutputScheduler;
  readonly #module: OutputModule;
  readonly #context: ModuleContext;
  readonly #batches: BatchBounds;
  readonly #environment: HostEnvironment;
  readonly #places: Semaphore;
  /** Has deliveries that senders wait for go together, where the module wants that. */
  readonly #gatherer: Gatherer | undefined;
  #isGathererFirst = false;
  /** One function for all attempts, instead of one each. */
  readonly #concludeAttempt: Conclude = (delivery, number, result) =>
    this.#conclude(delivery, number, result);
  readonly #output: LazyOutput;
  /** What the delivery that ended last failed with, if it did. */
  #failure: DeliveryError | undefined;
  #closed = false;

  constructor(
    module: OutputModule,
    name: string,
    connection: unknown,
    logger: Logger,
    environment: HostEnvironment,
    /** What metrics call it, beside its connection. */
    readonly destination: string | undefined = undefined,
  ) {
    this.#module = module;
    const { maxBatch = 1, maxBatchBytes = Infinity } = module;
    this.#batches = module.batches?.(connection) ?? { maxBatch, maxBatchBytes };
    const throttled = (milliseconds: number) => environment.metrics.throttled(this, milliseconds);
    this.#context = { ...environment.context, name, logger, throttled };
    this.#environment = environment;
    this.#output = new LazyOutput(module, connection, this.#context, environment.tracing);
    const concurrency = module.concurrency ?? DEFAULT_CONCURRENCY;
    this.scheduler = new OutputScheduler(this, environment.deadlines, logger);
    this.#gatherer = module.gathers !== undefined ? new Gatherer(this) : undefined;
    this.#places = new Semaphore(
      concurrency,
      concurrency * QUEUE_PER_PLACE,
      () => this.#pump(),
      environment.freeRequests,
    );
  }

  get module(): string {
    return this.#module.name;
  }

  /** The connection's name, or the module's where it needs none. */
  get connection(): string {
    return this.#context.name;
  }

  /** Whether a client has been opened. */
  get isOpen(): boolean {
    return this.#output.opened !== undefined;
  }

  /** How it is doing, for operators. */
  get state(): OutputState {
    const failure = this.#failure === undefined
      ? {}
      : { failure: { code: this.#failure.code, message: this.#failure.message } };
    const state = this.scheduler.isPaused
      ? "out_of_reach"
      : this.#failure !== undefined
      ? "failing"
      : this.isOpen
      ? "open"
      : "idle";
    return { module: this.module, connection: this.connection, state, active: this.active, ...failure };
  }

  get isUp(): boolean {
    return this.#failure === undefined && !this.scheduler.isPaused;
  }

  /** Whether its module needs a connection. */
  get hasConnection(): boolean {
    return this.#module.connectionTypes.length > 0;
  }

  /** Deliveries under way. */
  get active(): number {
    return this.#places.taken;
  }

  /**
   * Delivers one event for a sender that waits, with retries as long as the budget lasts. Answers without
   * a promise when the output did. Never throws.
   *
   * @param retry @default WAITING_SENDER_POLICY
   * @param mostMs it is given up after this, retries included, in milliseconds. @default Infinity
   */
  deliver(
    event: VerifiedEvent,
    config: unknown,
    retry: RetryPolicy = WAITING_SENDER_POLICY,
    mostMs = Infinity,
  ): DeliveryResult | Promise<DeliveryResult> {
    const startedAt = this.#environment.deadlines.coarseNow;
    return this.#attempt({ event, config, retry, startedAt, mostMs }, 1, mostMs);
  }

  get maxBatch(): number {
    return this.#batches.maxBatch;
  }

  get maxBatchBytes(): number {
    return this.#batches.maxBatchBytes ?? Infinity;
  }

  get lingerMs(): number {
    return this.#batches.lingerMs ?? 0;
  }

  get maxBatches(): number {
    return this.#module.gathers ?? 0;
  }

  tryTakePlace(): boolean {
    return this.#places.tryTake();
  }

  freePlace(): void {
    this.#places.free();
  }

  attempt(
    batch: readonly Delivery[],
    number: number,
    settle?: Attempt["settle"],
  ): Results | Promise<Results> {
    const attempt = new BatchAttempt(number, settle);
    const { opened } = this.#output;
    const pending = opened === undefined
      ? this.#output.open().then((output) => attempt.ended ? [] : this.#output.hand(output, batch, attempt))
      : this.#output.hand(opened, batch, attempt);
    if (!(pending instanceof Promise)) {
      this.#note(firstResult(pending));
      this.#places.free();
      return resultOfEach(batch, pending);
    }
    const ended = attempt.start();
    this.#withinDeadline(pending, attempt, this.#longestTimeoutMs(batch));
    return ended.then((results) => resultOfEach(batch, results));
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#output.probe(signal);
  }

  /** Closes the output. Deliveries must have ended: the pool sees to it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.scheduler.close();
    await this.#output[Symbol.asyncDispose]();
  }

  async #retry(delivery: WaitingDelivery, failure: DeliveryError): Promise<DeliveryResult> {
    const { deliveryBudgetMs, deadlines, metrics } = this.#environment;
    const giveUpAt = delivery.startedAt + Math.min(deliveryBudgetMs, delivery.mostMs);
    let last = failure;
    let begunAt = delivery.startedAt;
    for (let number = 1; last.disposition === "retry" && !this.#closed; number++) {
      const delay = retryDelayMs(delivery.retry, number, last, Math.random());
      if (delay === undefined) break;
      // One that takes as long would be cut off, and the sender learn later and less than is known now.
      const now = performance.now();
      const tookMs = now - begunAt;
      if (now + delay + tookMs > giveUpAt) break;
      const isLate = last.code === "output_timeout" || tookMs >= this.#timeoutMs(delivery.config);
      if (isLate && this.#module.triesUntilTimeout) break;
      await deadlines.wait(delay);
      metrics.retried(this);
      begunAt = performance.now();
      const leftMs = Math.max(1, giveUpAt - begunAt);
      const result = await this.#attempt(delivery, number + 1, leftMs);
      if (result === "delivered") return result;
      last = result;
    }
    metrics.failed(this, last);
    return withBoundedRetryAfter(delivery.retry, last);
  }

  /** @param mostMs its deadline is not later than this, in milliseconds */
  #attempt(
    delivery: WaitingDelivery,
    number: number,
    mostMs = Infinity,
  ): DeliveryResult | Promise<DeliveryResult> {
    if (this.#gatherer !== undefined && delivery.event.body.length < this.maxBatchBytes * LARGE_SHARE) {
      return this.#gather(this.#gatherer, delivery, number, mostMs);
    }
    const place = this.#places.take();
    if (place === "full") return this.#overloaded();
    const batch = [delivery];
    const attempt = new DirectAttempt(number, delivery, this.#concludeAttempt);
    const { opened } = this.#output;
    if (place !== "taken" || opened === undefined) {
      const result = attempt.start();
      const pending = this.#waitAndHand(place, batch, attempt);
      this.#withinDeadline(pending, attempt, Math.min(this.#timeoutMs(delivery.config), mostMs));
      return result;
    }
    const results = this.#output.hand(opened, batch, attempt);
    if (results instanceof Promise) {
      const result = attempt.start();
      this.#withinDeadline(results, attempt, Math.min(this.#timeoutMs(delivery.config), mostMs));
      return result;
    }
    this.#places.free();
    const result = firstResult(results);
    this.#note(result);
    return this.#conclude(delivery, number, result);
  }

  #gather(
    gatherer: Gatherer,
    delivery: WaitingDelivery,
    number: number,
    mostMs: number,
  ): DeliveryResult | Promise<DeliveryResult> {
    const { deadlines, freeRequests = () => Infinity } = this.#environment;
    const bound = this.#places.queue * this.maxBatch;
    if (gatherer.waiting >= Math.min(bound, freeRequests())) return this.#overloaded();
    const key = this.#module.batchKey?.(delivery.config) ?? "";
    const attempt: GatheredAttempt = new GatheredAttempt(number, delivery, this.#concludeAttempt, () => {
      deadlines.clear(attempt);
      gatherer.remove(attempt, key);
    });
    const result = attempt.start();
    deadlines.set(Math.min(this.#timeoutMs(delivery.config), mostMs), attempt);
    gatherer.add(attempt, key);
    return result;
  }

  /** A place has become free. Senders and the journal take turns. */
  #pump(): void {
    this.#isGathererFirst = !this.#isGathererFirst;
    if (this.#isGathererFirst) this.#gatherer?.pump();
    this.scheduler.pump();
    if (!this.#isGathererFirst) this.#gatherer?.pump();
  }

  #overloaded(): DeliveryError {
    const message = `Too many deliveries wait for ${this.#context.name}`;
    return new DeliveryError("overloaded", message, { retryAfterSeconds: 1 });
  }

  #note(result: DeliveryResult): void {
    if (result !== "delivered") {
      this.#failure = result;
      return;
    }
    this.#failure = undefined;
    // Whoever waits in the journal need not wait for the next probe.
    if (this.scheduler.isPaused) this.scheduler.resume();
  }

  async #waitAndHand(
    place: "taken" | Promise<void>,
    batch: readonly Delivery[],
    attempt: TimedAttempt,
  ): Promise<Results> {
    if (place !== "taken") await place;
    if (attempt.ended) return [];
    const output = await this.#output.open();
    return attempt.ended ? [] : this.#output.hand(output, batch, attempt);
  }

  /** The place is kept until the output itself has ended: a hung one must not get ever more to do. */
  #withinDeadline(pending: Promise<Results>, attempt: TimedAttempt, timeoutMs: number): void {
    this.#environment.deadlines.set(timeoutMs, attempt);
    pending.then(
      (results) => this.#end(attempt, results),
      (error) => this.#end(attempt, [this.#output.toDeliveryError(error)]),
    );
  }

  /** As long as the most patient of its webhooks allows. */
  #longestTimeoutMs(batch: readonly Delivery[]): number {
    let longest = 0;
    let last: unknown = batch;
    for (const { config } of batch) {
      if (config === last) continue;
      last = config;
      longest = Math.max(longest, this.#module.journalTimeoutMs?.(config) ?? this.#timeoutMs(config));
    }
    return longest;
  }

  #timeoutMs(config: unknown): number {
    return this.#module.timeoutMs?.(config) ?? DEFAULT_TIMEOUT_MS;
  }

  #end(attempt: TimedAttempt, results: Results): void {
    this.#note(firstResult(results));
    this.#environment.deadlines.clear(attempt);
    attempt.end(results);
    this.#places.free();
  }

  /** The result of an attempt, or of the retries after the first one. */
  #conclude(
    delivery: WaitingDelivery,
    number: number,
    result: DeliveryResult,
  ): DeliveryResult | Promise<DeliveryResult> {
    return result === "delivered" || number > 1 ? result : this.#retry(delivery, result);
  }
}
