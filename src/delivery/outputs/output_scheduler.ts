/**
 * Hands the events of the journal to one output: in batches, the webhooks in turn, so that one with much to
 * deliver does not stand before the others.
 *
 * An output that is out of reach as a whole is left alone for a while instead of using up the attempts of
 * every event that waits for it. After the pause it is probed, then tried with one batch, and only then it
 * gets everything again.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { backoffBoundMs, halfRandom } from "../../time/backoff.ts";
import { type Deadlines, Timer } from "../../time/deadlines.ts";
import { assertCount, DeliveryError } from "../../errors.ts";
import type { Delivery, DeliveryResult } from "../../modules/module.ts";
import type { Pacer } from "../pacer.ts";
import type { Results } from "./attempt.ts";
import { Linger } from "./linger.ts";
import { NextTurn } from "../../time/next_turn.ts";
import { abortable } from "../../time/abortable.ts";

/** How long an output is left alone. */
const PAUSES = { initialMs: 500, maxMs: 30_000 };
const PROBE_TIMEOUT_MS = 5_000;

/** How long it is left alone after a probe that failed: a probe costs no attempt, and what waits is to go at once. */
const PROBE_PAUSES = { initialMs: 500, maxMs: 2_000 };

/** Longest pause that an output can ask for itself, in milliseconds: all events for it wait meanwhile. */
const MAX_ASKED_PAUSE_MS = 5 * 60_000;

/** Batches under way after a pause that an output asked for, from which on there may be as many as there are places. */
const ALL_AGAIN = 64;

/** An output as the scheduler sees it. */
export interface BatchOutput {
  /** The connection's name, or the module's where it needs none. */
  readonly connection: string;
  /** How many deliveries one attempt may take. */
  readonly maxBatch: number;
  /** How many bytes of bodies one attempt may take, besides one body of any size. */
  readonly maxBatchBytes: number;
  /** How long the first delivery waits for others, unless there are enough for a batch, in milliseconds. @default 0 */
  readonly lingerMs?: number;
  /** How fast deliveries may begin. @default as fast as there are places */
  readonly pacer?: Pacer;
  /** Takes one of the places for attempts under way, if there is one. */
  tryTakePlace(): boolean;
  /** Gives a place back that was not used. */
  freePlace(): void;
  /**
   * Makes one attempt and gives the place back. One result per delivery, in order. Answers without a promise
   * when the output did. Never rejects.
   */
  attempt(batch: readonly Delivery[], number: number): Results | Promise<Results>;
  /** @throws {DeliveryError} while the output cannot take events */
  probe(signal: AbortSignal): Promise<void>;
  /** The output is left alone for a while: a batch, or a probe, has found it out of reach. */
  onOutOfReach?(reason: DeliveryError): void;
  /** Whether a probe only opens a connection, so that it may be made often. @default false */
  readonly hasCheapProbe?: boolean;
}

/** A delivery that is handed over. */
export interface ScheduledDelivery extends Delivery {
  /** Which attempt it is, from 1. */
  readonly attempt: number;
  /** Reports the result. Called in the order in which the batch was taken. */
  end(result: DeliveryResult): void;
}

/** A webhook with deliveries for the output. */
export interface DeliverySource {
  /** Only deliveries of sources with equal keys go in one batch. @default "" */
  readonly batchKey?: string;
  /** Those that wait, and the bytes of their bodies. @default not known, so that they never make a full batch */
  readonly waiting?: { readonly count: number; readonly bytes: number };
  /**
   * Takes those that may go now, oldest first, at most `limit`.
   *
   * @param maxBytes most bytes of their bodies together, besides one body of any size
   */
  take(limit: number, maxBytes: number): readonly ScheduledDelivery[];
}

/** Takes deliveries from their sources, in turn, whenever the output has a place. */
export class OutputScheduler {
  readonly #output: BatchOutput;
  readonly #deadlines: Deadlines;
  readonly #logger: Logger;
  /** By the key of their batches, both in the order of their turns. None is empty. */
  readonly #ready = new Map<string, Set<DeliverySource>>();
  #underWay = 0;
  /** Batches that may be under way, fewer after the output has asked for a pause. */
  #most = Infinity;
  /** Whole batches in a row that found the output out of reach. */
  #failures = 0;
  /** Probes in a row that failed since the pause began. */
  #probesFailed = 0;
  #paused = false;
  /** Whether a probe is under way. */
  #probing = false;
  /** Pauses so far: a probe that has outlasted its own says nothing of a later one. */
  #pauses = 0;
  #pumping = false;
  #closed = false;
  readonly #pauseEnd = new Timer(() => this.#probe());
  readonly #linger: Linger;
  readonly #nextPump = new NextTurn(() => this.pump());
  readonly #onRoom = () => this.pump();
  /** Those of webhooks whose events it did not take: at most one each. */
  readonly #backListeners = new Set<() => void>();

  constructor(output: BatchOutput, deadlines: Deadlines, logger: Logger) {
    this.#output = output;
    this.#deadlines = deadlines;
    this.#logger = logger;
    this.#linger = new Linger(output.lingerMs ?? 0, () => this.pump());
  }

  /** Whether the output is being left alone, since it is out of reach. */
  get isPaused(): boolean {
    return this.#paused;
  }

  /**
   * Says that a source has deliveries to take. What is offered in one turn may go in one batch; it goes in the
   * next turn, so that senders whose events were committed together have their answers before.
   */
  offer(source: DeliverySource): void {
    this.#readyWith(source.batchKey).add(source);
    this.#linger.begin();
    this.#nextPump.ask();
  }

  /** Takes a source out; what it has is no longer for this output. */
  withdraw(source: DeliverySource): void {
    const { batchKey = "" } = source;
    const sources = this.#ready.get(batchKey);
    sources?.delete(source);
    if (sources?.size === 0) this.#ready.delete(batchKey);
  }

  /** Gives everything that waits here to another scheduler: its output takes the place of this one's. */
  handOver(successor: OutputScheduler): void {
    const waiting = [...this.#ready.values()].flatMap((sources) => [...sources]);
    this.#ready.clear();
    this.#linger.end();
    for (const source of waiting) successor.offer(source);
  }

  /** A delivery outside of the scheduler has shown that the output takes events: those that wait may go. */
  resume(): void {
    if (!this.#paused) return;
    this.#deadlines.clear(this.#pauseEnd);
    this.#paused = false;
    this.#noteReached();
    this.pump();
  }

  /** An operator has mended what was wrong: a pause ends with a probe now. One that is under way goes on. */
  tryNow(): void {
    if (!this.#paused || this.#probing || this.#closed) return;
    this.#deadlines.clear(this.#pauseEnd);
    this.#probe();
  }

  /** The output has asked for a pause: after it, one batch goes, then two, and so on as long as it takes them. */
  slowDown(): void {
    this.#most = 1;
  }

  /** Has a function called once, in a turn of its own, when the output takes something after it took nothing for some time. */
  whenBack(listener: () => void): void {
    this.#backListeners.add(listener);
  }

  /** The output takes events again, those of anybody. */
  announceBack(): void {
    const listeners = [...this.#backListeners];
    this.#backListeners.clear();
    for (const listener of listeners) queueMicrotask(listener);
  }

  /** Nothing is attempted or probed any more: a probe would open the output again. */
  close(): void {
    this.#closed = true;
    this.#output.pacer?.forget(this.#onRoom);
    this.#backListeners.clear();
    this.#ready.clear();
    this.#linger.end();
    this.#deadlines.clear(this.#pauseEnd);
  }

  /** Starts attempts as long as there are deliveries and places. */
  pump(): void {
    // Results that come at once free places while deliveries are being taken.
    if (this.#pumping || this.#ready.size === 0) return;
    this.#pumping = true;
    while (this.#mayStart() && this.#output.tryTakePlace()) {
      const isEarly = !this.#linger.isOver();
      const batch = this.#collect();
      if (this.#ready.size === 0 || isEarly) this.#linger.end();
      // What is left of more than a full batch waits for others again.
      if (this.#ready.size > 0 && isEarly) this.#linger.begin();
      if (batch.length === 0) {
        this.#output.freePlace();
        break;
      }
      this.#start(batch);
    }
    this.#pumping = false;
  }

  #mayStart(): boolean {
    if (this.#ready.size === 0 || this.#paused || this.#closed) return false;
    // After a pause, one batch shows whether the output is back.
    if (this.#failures > 0 && this.#underWay > 0) return false;
    return this.#underWay < this.#most && (this.#linger.isOver() || this.#isBatchFull()) && this.#hasRoom();
  }

  /** Whether the next batch has as much as it may have, so that nothing is to be waited for. */
  #isBatchFull(): boolean {
    const [sources = []] = this.#ready.values();
    let count = 0;
    let bytes = 0;
    for (const { waiting } of sources) {
      count += waiting?.count ?? 0;
      bytes += waiting?.bytes ?? 0;
    }
    return count >= this.#output.maxBatch || bytes >= this.#output.maxBatchBytes;
  }

  #hasRoom(): boolean {
    const { pacer } = this.#output;
    if (pacer === undefined || pacer.room(1) > 0) return true;
    pacer.whenRoom(this.#onRoom);
    return false;
  }

  #readyWith(batchKey = ""): Set<DeliverySource> {
    let sources = this.#ready.get(batchKey);
    if (sources === undefined) this.#ready.set(batchKey, sources = new Set());
    return sources;
  }

  /** A batch of the sources whose turn it is. Empty only when no source has anything. */
  #collect(): ScheduledDelivery[] {
    for (const [batchKey, sources] of this.#ready) {
      // To the end of the line, or out of it.
      this.#ready.delete(batchKey);
      const batch = this.#collectFrom(sources);
      if (sources.size > 0) this.#ready.set(batchKey, sources);
      if (batch.length > 0) return batch;
    }
    return [];
  }

  #collectFrom(sources: Set<DeliverySource>): ScheduledDelivery[] {
    const { maxBatchBytes, pacer } = this.#output;
    const maxBatch = pacer?.room(this.#output.maxBatch) ?? this.#output.maxBatch;
    const batch: ScheduledDelivery[] = [];
    let bytesLeft = maxBatchBytes;
    while (sources.size > 0 && batch.length < maxBatch && bytesLeft > 0) {
      const room = maxBatch - batch.length;
      const share = Math.max(1, Math.floor(room / sources.size));
      for (const source of [...sources]) {
        const taken = source.take(Math.min(share, maxBatch - batch.length), bytesLeft);
        if (bytesLeft !== Infinity) { for (const { event } of taken) bytesLeft -= event.body.length; }
        // To the end of the line, or out of it: a source that gives less than it may has nothing more.
        sources.delete(source);
        if (taken.length > 0) sources.add(source);
        batch.push(...taken);
        if (batch.length >= maxBatch || bytesLeft <= 0) break;
      }
    }
    return batch;
  }

  #start(batch: readonly ScheduledDelivery[]): void {
    this.#underWay++;
    this.#output.pacer?.count(batch.length);
    let number = 1;
    for (const { attempt } of batch) if (attempt > number) number = attempt;
    const results = this.#output.attempt(batch, number);
    if (results instanceof Promise) {
      results.then((ended) => {
        this.#end(batch, ended);
        this.pump();
      });
    } else this.#end(batch, results);
  }

  #end(batch: readonly ScheduledDelivery[], results: Results): void {
    this.#underWay = assertCount(this.#underWay - 1, "batches under way");
    this.#judge(results);
    for (const [index, scheduled] of batch.entries()) {
      scheduled.end(results[index] ?? new DeliveryError("output_failed", "The output gave no result"));
    }
  }

  #judge(results: Results): void {
    const [first] = results;
    if (first !== undefined && results.every(isOutOfReach)) {
      if (!this.#paused) this.#pause(first as DeliveryError);
      return;
    }
    if (this.#most !== Infinity && !results.every(isThrottled)) this.#speedUp();
    if (this.#paused && results.includes("delivered")) this.resume();
    else this.#noteReached();
  }

  /** What was under way when the output asked for its pause shows nothing of what it takes after it. */
  #speedUp(): void {
    if (this.#output.pacer?.isBounded === true && this.#output.pacer.heldMs > 0) return;
    this.#most = this.#most >= ALL_AGAIN ? Infinity : 2 * this.#most;
  }

  #noteReached(): void {
    if (this.#failures > 0) this.#logger.info("Output {output} is back", { output: this.#output.connection });
    this.#failures = 0;
  }

  #pause(reason: DeliveryError): void {
    this.#failures++;
    this.#paused = true;
    this.#pauses++;
    if (this.#closed) return;
    this.#output.onOutOfReach?.(reason);
    const pause = halfRandom(backoffBoundMs(PAUSES, this.#failures));
    const milliseconds = Math.ceil(Math.max(pause, askedPauseMs(reason)));
    this.#logger.warning("Output {output} is out of reach: the next try is in {milliseconds} ms", {
      output: this.#output.connection,
      milliseconds,
      code: reason.code,
      reason: reason.message,
    });
    this.#deadlines.set(milliseconds, this.#pauseEnd);
  }

  async #probe(): Promise<void> {
    if (this.#output.hasCheapProbe === true && this.#ready.size === 0 && this.#backListeners.size === 0) {
      this.#paused = false; // Nobody waits to know.
      return;
    }
    const pause = this.#pauses;
    const controller = new AbortController();
    const deadline = new Timer(() => controller.abort(new DeliveryError("output_timeout")));
    this.#deadlines.set(PROBE_TIMEOUT_MS, deadline);
    this.#probing = true;
    try {
      await abortable(this.#output.probe(controller.signal), controller.signal);
    } catch (error) {
      const reason = error instanceof DeliveryError
        ? error
        : new DeliveryError("output_failed", undefined, { cause: error });
      // A delivery may have shown meanwhile that the output takes events.
      if (this.#paused && pause === this.#pauses) this.#pauseAfterProbe(reason);
      return;
    } finally {
      this.#probing = false;
      this.#deadlines.clear(deadline);
    }
    if (pause !== this.#pauses) return;
    const wasAway = this.#probesFailed > 0;
    this.#paused = false;
    this.#probesFailed = 0;
    // One of those that wait for their next attempt may show it as well.
    if (wasAway) this.announceBack();
    this.pump();
  }

  /** Cheap probes are counted apart: what takes them and no events is left alone for longer each time. */
  #pauseAfterProbe(reason: DeliveryError): void {
    if (this.#output.hasCheapProbe !== true) return this.#pause(reason);
    if (this.#closed) return;
    this.#output.onOutOfReach?.(reason);
    const pause = halfRandom(backoffBoundMs(PROBE_PAUSES, ++this.#probesFailed));
    this.#deadlines.set(Math.ceil(Math.max(pause, askedPauseMs(reason))), this.#pauseEnd);
  }
}

function isThrottled(result: DeliveryResult): boolean {
  return result !== "delivered" && result.code === "output_throttled";
}

/** The output as a whole is meant, not this event. */
function isOutOfReach(result: DeliveryResult): boolean {
  if (result === "delivered" || result.isPartial) return false;
  const { code } = result;
  return code === "output_unavailable" || code === "output_timeout" ||
    code === "overloaded";
}

/**
 * For how long an output asks to be left alone, in milliseconds. An overloaded gateway or module asks senders to wait,
 * not itself.
 */
export function askedPauseMs({ code, retryAfterSeconds = 0 }: DeliveryError): number {
  return code === "overloaded" ? 0 : Math.min(retryAfterSeconds * 1000, MAX_ASKED_PAUSE_MS);
}
