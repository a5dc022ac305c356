/**
 * The calls of one output: how many may be under way, how long each may take, and how the last one ended.
 *
 * @module
 */

import type { DeliveryError } from "../../errors.ts";
import type {
  Attempt,
  Delivery,
  DeliveryResult,
  ModuleContext,
  Output,
  OutputModule,
  TargetReading,
} from "../../modules/module.ts";
import type { Tracing } from "../../observability/tracing.ts";
import type { Deadlines } from "../../time/deadlines.ts";
import { Semaphore } from "../../time/semaphore.ts";
import { firstResult, type Results, type TimedAttempt } from "./attempt.ts";
import { BatchAttempt, resultOfEach } from "./batch_attempt.ts";
import type { OutputMeter } from "./output_meter.ts";
import type { DirectAttempt } from "./direct_attempt.ts";
import { LazyOutput } from "./lazy_output.ts";

const DEFAULT_CONCURRENCY = 64;
const DEFAULT_TIMEOUT_MS = 10_000;

/** Calls that may wait for a free place, per place. */
const QUEUE_PER_PLACE = 16;

/** What bounds the calls. */
export interface CallsEnvironment {
  readonly deadlines: Deadlines;
  /**
   * How many more requests the gateway takes: no more may wait for an output, so that several that hang leave
   * some to the others. @default no bound
   */
  readonly freeRequests?: () => number;
  /** `undefined` while no traces are recorded. */
  readonly tracing?: Tracing | undefined;
}

/** Who wants to know how calls end. */
export interface CallsListener {
  /** A place has become free that no call waits for. */
  onPlaceFree(): void;
  /** The output has taken something. */
  onDelivered(): void;
  /** The output has not taken something. */
  onNotDelivered(failure: DeliveryError): void;
}

/** Calls an output, which is opened with the first. Disposal closes it: the calls must have ended. */
export class OutputCalls implements AsyncDisposable {
  readonly #module: OutputModule;
  readonly #deadlines: Deadlines;
  readonly #listener: CallsListener;
  readonly #places: Semaphore;
  readonly #output: LazyOutput;
  readonly #meter: OutputMeter;
  #failure: DeliveryError | undefined;

  constructor(
    module: OutputModule,
    connection: unknown,
    context: ModuleContext,
    { deadlines, freeRequests, tracing }: CallsEnvironment,
    listener: CallsListener,
    meter: OutputMeter,
  ) {
    this.#meter = meter;
    this.#module = module;
    this.#deadlines = deadlines;
    this.#listener = listener;
    this.#output = new LazyOutput(module, connection, context, tracing);
    const { concurrency = DEFAULT_CONCURRENCY } = module;
    const onFree = () => listener.onPlaceFree();
    this.#places = new Semaphore(concurrency, concurrency * QUEUE_PER_PLACE, onFree, freeRequests);
  }

  /** Whether a client has been opened. */
  get isOpen(): boolean {
    return this.#output.opened !== undefined;
  }

  /** The targets that the output chooses between, as far as there are several. */
  get targets(): readonly TargetReading[] {
    return this.#output.opened?.targets?.() ?? [];
  }

  /** Calls under way. */
  get active(): number {
    return this.#places.taken;
  }

  /** How many calls may wait for a place. */
  get queue(): number {
    return this.#places.queue;
  }

  /** What the call that ended last failed with, if it did. */
  get failure(): DeliveryError | undefined {
    return this.#failure;
  }

  /** How long an attempt at one delivery may take, in milliseconds. */
  timeoutMs(config: unknown): number {
    return this.#module.timeoutMs?.(config) ?? DEFAULT_TIMEOUT_MS;
  }

  /** Takes a place for a batch, if there is one. */
  tryTakePlace(): boolean {
    return this.#places.tryTake();
  }

  /** Gives a place back that was not used. */
  freePlace(): void {
    this.#places.free();
  }

  /**
   * Hands a batch over, for which a place was taken, and gives the place back. One result per delivery, in order.
   * Answers without a promise when the output did. Never rejects.
   *
   * @param settle takes single results early; left out where nobody waits for one
   */
  attempt(
    batch: readonly Delivery[],
    number: number,
    settle?: Attempt["settle"],
  ): Results | Promise<Results> {
    const attempt = new BatchAttempt(number, settle);
    const { opened } = this.#output;
    const pending = opened === undefined
      ? this.#openAndHand(batch, attempt)
      : this.#output.hand(opened, batch, attempt);
    if (!(pending instanceof Promise)) {
      this.#note(firstResult(pending));
      this.#places.free();
      return this.#counted(resultOfEach(batch, pending), 0);
    }
    const startedAt = Date.now();
    const ended = attempt.start();
    this.#withinDeadline(pending, attempt, this.#longestTimeoutMs(batch));
    return ended.then((results) => this.#counted(resultOfEach(batch, results), Date.now() - startedAt));
  }

  /**
   * Hands one delivery over once there is a place. Answers without a promise when the output did. Never rejects.
   *
   * @param timeoutMs after which the attempt has failed, the wait for a place included, in milliseconds
   * @returns the results of this call, or what the attempt leads to; `full` when too many wait already
   */
  handOne(attempt: DirectAttempt, timeoutMs: number): "full" | Results | Promise<DeliveryResult> {
    const place = this.#places.take();
    if (place === "full") return place;
    const batch = [attempt.delivery];
    attempt.meter = this.#meter;
    const { opened } = this.#output;
    if (place !== "taken" || opened === undefined) {
      const result = attempt.start();
      this.#withinDeadline(this.#waitAndHand(place, batch, attempt), attempt, timeoutMs);
      return result;
    }
    const results = this.#output.hand(opened, batch, attempt);
    if (results instanceof Promise) {
      const result = attempt.start();
      this.#withinDeadline(results, attempt, timeoutMs);
      return result;
    }
    this.#places.free();
    this.#note(firstResult(results));
    this.#meter.ended([firstResult(results)], 0);
    return results;
  }

  /** Asks the system behind the output whether it would take events. @throws what the output throws */
  probe(signal: AbortSignal): Promise<void> {
    return this.#output.probe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#meter[Symbol.dispose]();
    await this.#output[Symbol.asyncDispose]();
  }

  async #waitAndHand(
    place: "taken" | Promise<void>,
    batch: readonly Delivery[],
    attempt: TimedAttempt,
  ): Promise<Results> {
    if (place !== "taken") await place;
    return attempt.ended ? [] : await this.#openAndHand(batch, attempt);
  }

  async #openAndHand(batch: readonly Delivery[], attempt: TimedAttempt): Promise<Results> {
    const output: Output = await this.#output.open();
    return attempt.ended ? [] : await this.#output.hand(output, batch, attempt);
  }

  /** The place is kept until the output itself has ended: a hung one must not get ever more to do. */
  #withinDeadline(pending: Promise<Results>, attempt: TimedAttempt, timeoutMs: number): void {
    this.#deadlines.set(timeoutMs, attempt);
    pending.then(
      (results) => this.#end(attempt, results),
      (error) => this.#end(attempt, [this.#output.toDeliveryError(error)]),
    );
  }

  #end(attempt: TimedAttempt, results: Results): void {
    this.#note(firstResult(results));
    this.#deadlines.clear(attempt);
    attempt.end(results);
    this.#places.free();
  }

  #counted(results: Results, milliseconds: number): Results {
    // The wall clock may have been set back meanwhile.
    this.#meter.ended(results, Math.max(0, milliseconds));
    return results;
  }

  #note(result: DeliveryResult): void {
    if (result !== "delivered") {
      this.#failure = result;
      this.#listener.onNotDelivered(result);
    } else {
      this.#failure = undefined;
      this.#listener.onDelivered();
    }
  }

  /** As long as the most patient of its webhooks allows. */
  #longestTimeoutMs(batch: readonly Delivery[]): number {
    let longest = 0;
    let last: unknown = batch;
    for (const { config } of batch) {
      if (config === last) continue;
      last = config;
      longest = Math.max(longest, this.#module.journalTimeoutMs?.(config) ?? this.timeoutMs(config));
    }
    return longest;
  }
}
