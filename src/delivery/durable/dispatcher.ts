/**
 * Delivers every event of the journal, or makes it a dead letter: one lane a webhook, fed by
 * requests as they come and from the journal after a restart, an outage or a flood.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { webhookPath } from "../../event/names.ts";
import type { RepeatKey } from "../../event/repeat_key.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import { Deadline, type Deadlines, Timer } from "../../time/deadlines.ts";
import { steadyNow } from "../../time/steady_clock.ts";
import type { EventMetrics } from "../event_metrics.ts";
import type {
  AppendListener,
  Journal,
  JournalListener,
  LaneBacklog,
  LaneKey,
} from "../../journal/journal.ts";
import type { LaneContext } from "./context.ts";
import { Lane } from "./lane.ts";
import type { BodyMemory } from "../../io/memory/body_memory.ts";
import { MemoryBudget } from "./memory_budget.ts";
import type { DeliveryRoute, RouteLookup } from "../route.ts";
import type { Stops, StopsListener } from "../stops/stops.ts";
import { OutcomeRecorder } from "./outcome_recorder.ts";
import { endsBefore } from "../../time/abortable.ts";

/** The most bodies of events that are out of the journal at once, over all webhooks, in bytes. */
const MAX_MEMORY_BYTES = 128 * 1024 * 1024;

/** How often lanes whose webhook is missing or blocked are looked at again, in milliseconds. */
const PARKED_CHECK_MS = 1_000;

/** How often the journal is asked for events that no lane knows of, in milliseconds. */
const SWEEP_MS = 30_000;

/** The pause before the journal is asked again after it could not be read, in milliseconds. */
const SWEEP_AGAIN_MS = 1_000;

/**
 * How often a drain looks whether deliveries have ended, in milliseconds. A look costs a sum over the lanes, once in a
 * life; being notified would cost every delivery a question.
 */
const DRAIN_CHECK_MS = 50;

/** Where a {@linkcode Dispatcher} takes events from, and how it delivers them. */
export interface DispatcherOptions {
  readonly journal: Journal;
  /** Where the events of a webhook go now. */
  readonly lookUp: (lane: LaneKey) => RouteLookup;
  readonly deadlines: Deadlines;
  /** Which webhooks are stopped. */
  readonly stops: Stops;
  readonly metrics: EventMetrics;
  readonly logger: Logger;
  /** Bodies of events that may be out of the journal at once, in bytes, if that is less than 128 MiB. */
  readonly memoryBytes?: number;
  /** Gets the size of each body that is not needed any more. */
  readonly bodyMemory?: BodyMemory;
  /** The time, in milliseconds since 1970. @default steadyNow */
  readonly now?: () => number;
  /** A number in [0, 1), for jitter. @default Math.random */
  readonly random?: () => number;
}

/** Delivers the events of the journal. */
export class Dispatcher implements StopsListener, JournalListener {
  readonly #options: DispatcherOptions;
  readonly #recorder: OutcomeRecorder;
  readonly #context: Mutable<LaneContext, "knowsJournal">;
  /** How many events wait, by namespace: of those with lanes. */
  readonly #waiting = new Map<string, { events: number }>();
  readonly #lanes = new Map<string, Lane>();
  readonly #parkedCheck: Repeating;
  readonly #sweep: Repeating;
  readonly #sweepAgain = new Timer(() => this.recover());
  #started = false;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    const { journal, lookUp, deadlines, stops, metrics, memoryBytes = Infinity, bodyMemory } = options;
    const bytes = Math.min(MAX_MEMORY_BYTES, memoryBytes);
    this.#options = options;
    this.#recorder = new OutcomeRecorder(options);
    this.#context = {
      journal,
      recorder: this.#recorder,
      metrics,
      budget: new MemoryBudget(bytes, bodyMemory),
      deadlines,
      stops,
      lookUp,
      knowsJournal: false,
      now: options.now ?? steadyNow,
      random: options.random ?? Math.random,
    };
    stops.follow(this);
    journal.follow(this);
    this.#parkedCheck = new Repeating(deadlines, PARKED_CHECK_MS, () => this.#refreshParked());
    this.#sweep = new Repeating(deadlines, SWEEP_MS, () => {
      this.#forgetIdle();
      this.recover();
    });
  }

  /**
   * Writes an event to the journal; its delivery follows.
   *
   * @param listener notified after the commit, or when the event is refused: `overloaded` or `journal_unavailable`
   */
  accept(
    event: VerifiedEvent,
    { path, queue, share }: Pick<DeliveryRoute, "path" | "queue" | "share">,
    keys: readonly RepeatKey[] | undefined,
    listener: AppendListener,
  ): void {
    this.#watch();
    const lane = this.#lanes.get(path) ?? this.#lane(event.namespace, event.webhook);
    if (share !== undefined && lane.siblings.events >= share.maxPending) return lane.refuse(event, listener);
    lane.accept(event, queue, keys, listener);
  }

  /** Begins with what the journal holds. To be called once the configuration is loaded. */
  async start(): Promise<void> {
    this.#watch();
    await this.recover();
  }

  /** Begins with a journal that holds nothing. To be called in the place of {@linkcode start}. */
  startEmpty(): void {
    this.#options.stops.startEmpty();
    this.#context.knowsJournal = true;
  }

  /**
   * Looks for events in the journal that no lane knows of: after a start, after dead letters were replayed,
   * and from time to time, to be sure that nothing is stuck. A journal that cannot be read is asked again.
   */
  async recover(): Promise<void> {
    const { journal, deadlines, stops } = this.#options;
    try {
      await stops.load();
      for (const { namespace, webhook, pending } of await journal.lanes()) {
        this.#lane(namespace, webhook).recover(pending);
      }
      this.#context.knowsJournal = true;
    } catch (error) {
      this.#recorder.journalFailed(error);
      if (this.#stopped) return;
      deadlines.clear(this.#sweepAgain);
      deadlines.set(SWEEP_AGAIN_MS, this.#sweepAgain);
    }
  }

  /** The configuration of a webhook has changed. @param path `namespace/id` */
  changed(path: string): void {
    this.#lanes.get(path)?.refresh();
  }

  /**
   * Has the events go now that wait for their next attempt. Those of a paused webhook stay.
   *
   * @param isMeant which webhooks
   * @returns how many of them have events that wait here, and how many those are
   */
  retryNow(isMeant: (lane: LaneKey) => boolean): { readonly webhooks: number; readonly events: number } {
    const { stops } = this.#options;
    let [webhooks, events] = [0, 0];
    for (const [path, lane] of this.#lanes) {
      if (lane.pending === 0 || !isMeant(lane.name) || stops.find(path)?.state === "paused") continue;
      webhooks++;
      events += lane.pending;
      lane.retryNow();
    }
    return { webhooks, events };
  }

  /** Events that waited in the journal are gone from it. */
  dropped(waiting: Iterable<LaneKey & { readonly count: number }>): void {
    for (const { namespace, webhook, count } of waiting) {
      this.#lanes.get(webhookPath(namespace, webhook))?.dropped(count);
    }
  }

  /** In a turn of its own, since it is called while a delivery ends. */
  onStopChanged(path: string, isBack: boolean): void {
    queueMicrotask(() => {
      const lane = this.#lanes.get(path);
      lane?.refresh();
      if (isBack) lane?.goOn();
    });
  }

  onWaiting({ namespace, webhook, pending, added }: LaneBacklog): void {
    this.#lane(namespace, webhook).recover(pending, added);
  }

  onGone({ namespace, webhook }: LaneKey): void {
    this.#lanes.get(webhookPath(namespace, webhook))?.onTakenOver();
  }

  onElsewhere({ namespace, webhook }: LaneKey, pending: number): void {
    const lane = this.#lanes.get(webhookPath(namespace, webhook));
    if (lane !== undefined) lane.elsewhere = pending;
  }

  onHolding(): void {
    for (const lane of this.#lanes.values()) lane.onHolding();
  }

  /** Events of each webhook that were accepted and are not delivered, as far as this process knows. */
  *waiting(): Iterable<LaneBacklog> {
    for (const { name, pending } of this.#lanes.values()) yield { ...name, pending };
  }

  /** Deliveries under way. */
  get underWay(): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) sum += lane.underWay;
    return sum;
  }

  /**
   * Takes nothing new and waits for what is under way. What is left then stays in the journal.
   *
   * @returns whether all had ended when the signal aborted
   */
  async drain(signal: AbortSignal): Promise<boolean> {
    this.#stopped = true;
    this.#parkedCheck.stop();
    this.#sweep.stop();
    this.#options.deadlines.clear(this.#sweepAgain);
    for (const lane of this.#lanes.values()) lane.stop();
    // What a claim brings would count as attempted if it came after the others were given back.
    const isMoving = () => this.underWay > 0 || this.#isClaiming;
    while (isMoving() && !signal.aborted) await this.#options.deadlines.wait(DRAIN_CHECK_MS);
    const ended = this.underWay === 0;
    if (ended) { for (const lane of this.#lanes.values()) lane.release(); }
    await endsBefore(signal, this.#recorder.idle());
    this.#recorder.stop();
    return ended;
  }

  get #isClaiming(): boolean {
    return this.#lanes.values().some((lane) => lane.isClaiming);
  }

  #lane(namespace: string, webhook: string): Lane {
    const path = `${namespace}/${webhook}`;
    let lane = this.#lanes.get(path);
    if (lane === undefined) {
      let siblings = this.#waiting.get(namespace);
      if (siblings === undefined) this.#waiting.set(namespace, siblings = { events: 0 });
      lane = new Lane({ namespace, webhook }, this.#context, siblings);
      this.#lanes.set(path, lane);
      if (this.#stopped) lane.stop();
    }
    return lane;
  }

  #watch(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    this.#parkedCheck.start();
    this.#sweep.start();
  }

  /** A lane is made again when it is needed: hundreds of thousands of webhooks are idle most of the time. */
  #forgetIdle(): void {
    for (const [path, lane] of this.#lanes) {
      if (lane.knowsOfWork || lane.underWay > 0) continue;
      lane.pending = 0;
      this.#lanes.delete(path);
    }
    for (const [namespace, { events }] of this.#waiting) if (events === 0) this.#waiting.delete(namespace);
  }

  #refreshParked(): void {
    for (const lane of this.#lanes.values()) if (lane.isParked) lane.refresh();
  }
}

type Mutable<Type, Key extends keyof Type> = Omit<Type, Key> & { -readonly [Name in Key]: Type[Name] };

/** Something done again and again, until stopped. */
class Repeating extends Deadline {
  readonly #deadlines: Deadlines;
  readonly #milliseconds: number;
  readonly #run: () => void;
  #stopped = false;

  constructor(deadlines: Deadlines, milliseconds: number, run: () => void) {
    super();
    this.#deadlines = deadlines;
    this.#milliseconds = milliseconds;
    this.#run = run;
  }

  start(): void {
    this.#deadlines.set(this.#milliseconds, this);
  }

  stop(): void {
    this.#stopped = true;
    this.#deadlines.clear(this);
  }

  override expire(): void {
    if (this.#stopped) return;
    this.#run();
    this.start();
  }
}
