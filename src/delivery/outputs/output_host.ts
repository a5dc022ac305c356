/**
 * Everything around an output that is the same for all of them: opening it on first use, the bound on
 * deliveries under way, deadlines, retries while a sender waits, metrics and logging of failures.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { DeliveryError } from "../../errors.ts";
import type { Deadlines } from "../../time/deadlines.ts";
import type {
  Attempt,
  BatchBounds,
  Delivery,
  DeliveryResult,
  ModuleContext,
  OutputModule,
  TargetReading,
} from "../../modules/module.ts";
import { Backoff } from "../../time/backoff.ts";
import { Pacer } from "../pacer.ts";
import type { HealthReports } from "../../health/health.ts";
import { Reachability } from "../../health/reachability.ts";
import { Failures, isOfTarget } from "../stops/switch_off.ts";
import type { RetryPolicy } from "../retry_policy.ts";
import type { Results } from "./attempt.ts";
import { Gatherer, type GatheringOutput } from "./gatherer.ts";
import { type CallsEnvironment, type CallsListener, OutputCalls } from "./output_calls.ts";
import type { MeasuredOutput, OutputMetrics } from "./output_metrics.ts";
import { askedPauseMs, type BatchOutput, OutputScheduler } from "./output_scheduler.ts";
import { SenderDeliveries, type SenderDeliveriesListener } from "./sender_deliveries.ts";

/** What hosts of all outputs share. */
export interface HostEnvironment extends CallsEnvironment {
  readonly metrics: OutputMetrics;
  readonly context: Omit<ModuleContext, "name" | "logger" | "health">;
  /** Where is reported that an output cannot be reached. @default nowhere */
  readonly health?: HealthReports | undefined;
  /** Longest time from the first attempt to the last retry while a sender waits, in milliseconds. */
  readonly deliveryBudgetMs: number;
  /** Called when an event was given up whose sender waits. @default nobody is */
  readonly onSenderFailed?: ((event: VerifiedEvent, error: DeliveryError) => void) | undefined;
}

/** How an output is doing. */
export interface OutputState {
  readonly module: string;
  /** The connection's name, or the module's where it needs none. */
  readonly connection: string;
  /**
   * `idle`: not used yet. `open`: the last delivery succeeded. `failing`: it failed. `throttled`: it has asked for a
   * pause, which is not over. `out_of_reach`: events of the journal wait until a probe succeeds.
   */
  readonly state: "idle" | "open" | "failing" | "throttled" | "out_of_reach";
  /** Deliveries under way. */
  readonly active: number;
  readonly failure?: { readonly code: string; readonly message: string };
}

/** The least pause of an output that asks for one, longer each time until it takes something. */
const THROTTLED_PAUSES = { initialMs: 500, maxMs: 30_000 };

/** What an output host does for its parts. */
type Parts = MeasuredOutput & BatchOutput & GatheringOutput & CallsListener & SenderDeliveriesListener;

/** One open output, shared by the webhooks that use the same module with the same connection settings. */
export class OutputHost implements AsyncDisposable, Parts {
  /** Hands the events of the journal to this output. */
  readonly scheduler: OutputScheduler;
  /** How fast deliveries begin. */
  readonly pacer = new Pacer();
  readonly #throttledPauses = new Backoff(THROTTLED_PAUSES);
  readonly #logger: Logger;
  readonly #onSenderFailed: HostEnvironment["onSenderFailed"];
  readonly #module: OutputModule;
  readonly #context: ModuleContext;
  readonly #batches: BatchBounds;
  readonly #metrics: OutputMetrics;
  readonly #calls: OutputCalls;
  /** Has deliveries that senders wait for go together, where the module wants that. */
  readonly #gatherer: Gatherer | undefined;
  readonly #senders: SenderDeliveries;
  readonly #reachability: Reachability | undefined;
  #isGathererFirst = false;
  readonly #failures = new Failures();

  constructor(
    module: OutputModule,
    name: string,
    connection: unknown,
    logger: Logger,
    environment: HostEnvironment,
    /** That of one of the webhooks that share it. */
    config: unknown,
    /** What metrics call it, beside its connection. */
    readonly destination: string | undefined = undefined,
  ) {
    const { metrics, deadlines, deliveryBudgetMs, freeRequests = () => Infinity } = environment;
    this.#module = module;
    this.#onSenderFailed = environment.onSenderFailed;
    this.#logger = logger;
    const { maxBatch = 1, maxBatchBytes = Infinity } = module;
    this.#batches = module.batches?.(connection, config) ?? { maxBatch, maxBatchBytes };
    const throttled = (milliseconds: number) => metrics.throttled(this, milliseconds);
    const { health } = environment;
    this.#context = { ...environment.context, name, logger, throttled, health };
    this.#reachability = health && this.#follow(health, deadlines);
    this.#metrics = metrics;
    this.#calls = new OutputCalls(
      module,
      connection,
      this.#context,
      environment,
      this,
      metrics.meters.of(this),
    );
    this.scheduler = new OutputScheduler(this, deadlines, logger);
    this.#gatherer = module.gathers !== undefined ? new Gatherer(this) : undefined;
    this.#senders = new SenderDeliveries({
      name,
      module,
      calls: this.#calls,
      gatherer: this.#gatherer,
      maxBatch: this.maxBatch,
      maxBatchBytes: this.maxBatchBytes,
      deadlines,
      budgetMs: deliveryBudgetMs,
      freeRequests,
      pacer: this.pacer,
      listener: this,
    });
  }

  get module(): string {
    return this.#module.name;
  }

  /** The connection's name, or the module's where it needs none. */
  get connection(): string {
    return this.#context.name;
  }

  /** What operators know it by: its module, and its connection or destination where it has one. */
  get name(): string {
    const place = this.destination ?? this.connection;
    return place === this.module ? place : `${this.module} ${place}`;
  }

  /** Whether a client has been opened. */
  get isOpen(): boolean {
    return this.#calls.isOpen;
  }

  /** How it is doing, for operators. */
  get state(): OutputState {
    const { module, connection, active } = this;
    const { failure } = this.#calls;
    const state = this.scheduler.isPaused
      ? "out_of_reach"
      : this.pacer.heldMs > 0
      ? "throttled"
      : failure !== undefined
      ? "failing"
      : this.isOpen
      ? "open"
      : "idle";
    if (failure === undefined) return { module, connection, state, active };
    return { module, connection, state, active, failure: { code: failure.code, message: failure.message } };
  }

  get isUp(): boolean {
    return this.#calls.failure === undefined && !this.scheduler.isPaused;
  }

  get targets(): readonly TargetReading[] {
    return this.#calls.targets;
  }

  /** Whether its module needs a connection. */
  get hasConnection(): boolean {
    return this.#module.connectionTypes.length > 0;
  }

  /** Deliveries under way. */
  get active(): number {
    return this.#calls.active;
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
    retry?: RetryPolicy,
    mostMs?: number,
  ): DeliveryResult | Promise<DeliveryResult> {
    return this.#senders.deliver(event, config, retry, mostMs);
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

  get hasCheapProbe(): boolean {
    return this.#module.hasCheapProbe ?? false;
  }

  get maxBatches(): number {
    return this.#module.gathers ?? 0;
  }

  tryTakePlace(): boolean {
    return this.#calls.tryTakePlace();
  }

  freePlace(): void {
    this.#calls.freePlace();
  }

  attempt(
    batch: readonly Delivery[],
    number: number,
    settle?: Attempt["settle"],
  ): Results | Promise<Results> {
    return this.#calls.attempt(batch, number, settle);
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#calls.probe(signal);
  }

  /** Senders and the journal take turns. */
  onPlaceFree(): void {
    this.#isGathererFirst = !this.#isGathererFirst;
    if (this.#isGathererFirst) this.#gatherer?.pump();
    this.scheduler.pump();
    if (!this.#isGathererFirst) this.#gatherer?.pump();
  }

  /** Whoever waits in the journal need not wait for the next probe. */
  onDelivered(): void {
    this.#throttledPauses.reset();
    this.#reachability?.answered();
    if (this.#failures.any) this.#noteBack();
    if (this.scheduler.isPaused) this.scheduler.resume();
  }

  #noteBack(): void {
    if (this.#failures.isStreak(performance.now())) this.scheduler.announceBack();
    this.#failures.reset();
  }

  /** What refuses an event, or asks for fewer, has answered. */
  onNotDelivered(failure: DeliveryError): void {
    if (isOfTarget(failure)) this.#failures.add(performance.now());
    if (failure.code === "output_throttled") this.#throttle(failure);
    if (failure.code === "overloaded") return;
    const isFailing = failure.disposition === "retry" && failure.code !== "output_throttled";
    if (isFailing && !failure.isPartial) this.#reachability?.failed(failure);
    else this.#reachability?.answered();
  }

  onOutOfReach(reason: DeliveryError): void {
    if (reason.code !== "overloaded") this.#reachability?.failed(reason);
  }

  /** All that goes there waits, whichever webhook it is of. */
  #throttle(error: DeliveryError): void {
    const askedMs = askedPauseMs(error);
    // What was under way says the same again.
    const isNew = this.pacer.heldMs === 0;
    const milliseconds = Math.ceil(isNew ? Math.max(askedMs, this.#throttledPauses.next()) : askedMs);
    const longerMs = this.pacer.hold(milliseconds);
    if (longerMs > 0) this.#metrics.throttled(this, longerMs);
    if (!isNew) return;
    this.scheduler.slowDown();
    this.#logger.info("Output {output} asks for fewer events: the next try is in {milliseconds} ms", {
      output: this.connection,
      milliseconds,
      code: "output_throttled",
      reason: error.message,
    });
  }

  onRetry(): void {
    this.#metrics.retried(this);
  }

  onFailure(error: DeliveryError, event: VerifiedEvent): void {
    this.#metrics.failed(this, error);
    this.#onSenderFailed?.(event, error);
  }

  /** Closes the output. Deliveries must have ended: the pool sees to it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#senders.close();
    this.scheduler.close();
    this.pacer.close();
    this.#reachability?.[Symbol.dispose]();
    await this.#calls[Symbol.asyncDispose]();
  }

  #follow(health: HealthReports, deadlines: Deadlines): Reachability {
    return new Reachability({
      subject: { part: "output", name: this.name },
      health,
      deadlines,
      place: this.hasConnection
        ? `the system, and at connection '${this.connection}': cwm check --probe asks it`
        : this.destination === undefined
        ? `webhooks with module '${this.module}'`
        : "the destination, and at the webhooks that name it",
      ...(this.hasConnection ? { probe: (signal) => this.probe(signal) } : {}),
    });
  }
}
