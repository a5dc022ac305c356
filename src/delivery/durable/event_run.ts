/**
 * One claimed event on its way through its route, and the decision what comes next. Pure: no clock, no
 * queue and no journal in here, so that every sequence of outcomes can be tried in a test.
 *
 * @module
 */

import type { AttemptFailure } from "../../dead_letters/dead_letters.ts";
import type { PendingEvent } from "../../journal/journal.ts";
import { Listed } from "../../time/linked_list.ts";
import type { DeliveryError } from "../../errors.ts";
import type { DeliveryRoute, RouteStep } from "../route.ts";
import type { StepChoice } from "../../filters/routing.ts";

/** How far an event has come with one step. */
class StepProgress {
  state: "waiting" | "delivered" | "failed" | "skipped" = "waiting";
  /** Attempts that have failed. */
  attempts = 0;
  failure: AttemptFailure | undefined;
  /** How long to wait before the next attempt, in milliseconds; while set, the step is not begun. */
  retryInMs: number | undefined;
  /** Whether the step is queued at an output or under way. */
  isBegun = false;
  /** Whether an attempt has ended: until then there is nothing to store. */
  isKnown = false;

  constructor(readonly name: string) {}

  /** What an attempt has led to. */
  end(state: StepProgress["state"], attempts: number, failure?: AttemptFailure, retryInMs?: number): void {
    this.state = state;
    this.attempts = attempts;
    this.failure = failure;
    this.retryInMs = retryInMs;
    this.isBegun = false;
    this.isKnown = true;
  }
}

/** A step as it is stored. */
interface StoredStep {
  readonly name: string;
  readonly state: StepProgress["state"];
  readonly attempts: number;
  readonly failure?: AttemptFailure;
}

/** What to do with an event next. */
export type Decision =
  | { readonly next: "begin"; readonly steps: readonly RouteStep[] }
  /** Attempts are under way: decide again when one has ended. */
  | { readonly next: "wait" }
  | { readonly next: "retry"; readonly delayMs: number; readonly failure: AttemptFailure }
  | { readonly next: "delivered" }
  /** No output was to take it. */
  | { readonly next: "unrouted" }
  | { readonly next: "dead"; readonly failure: AttemptFailure };

const WAIT: Decision = { next: "wait" };
const DELIVERED: Decision = { next: "delivered" };
const UNROUTED: Decision = { next: "unrouted" };
const NO_STEPS: readonly RouteStep[] = [];
const NO_PROGRESS: readonly StepProgress[] = [];

/** The progress of one event. There are many of them, short-lived, and nearly all have one step. */
export class EventRun extends Listed<EventRun> {
  readonly pending: PendingEvent;
  /** The route whose steps were chosen for it; `undefined` before any choice. */
  chosenBy: DeliveryRoute | undefined;
  /** Whether its steps are being chosen. */
  isChoosing = false;
  /** When its first step of this pass began, on the clock that {@linkcode decide} is given. */
  startedAt: number | undefined;
  /** In the order in which they were begun. Mostly one, which a new array has less room for than one that grows. */
  #steps: readonly StepProgress[] = NO_PROGRESS;
  /** How often a step was handed to an output. */
  #begun = 0;
  /** Whether the journal holds progress of this event: it stays there until other progress is stored. */
  #isStored = false;

  /** @param bytes how much memory it counts for: a body's own size changes with the form it is read in */
  constructor(pending: PendingEvent, readonly bytes = 0) {
    super();
    this.pending = pending;
    if (pending.progress !== undefined) this.#restore(pending.progress);
  }

  /** Which attempt the next one of the step is, from 1. */
  attemptOf(step: RouteStep): number {
    const progress = this.#find(step);
    if (progress?.isKnown) return progress.attempts + 1;
    // As long as nothing is stored of any step, the claims have counted the attempts of the first one.
    return this.#steps.some(({ isKnown }) => isKnown) ? 1 : this.pending.attempts;
  }

  /** The step was handed to its output's queue. */
  begin(step: RouteStep): void {
    this.#begun++;
    this.#ensure(step).isBegun = true;
  }

  /**
   * Gives the memory of the body back, if one attempt was all that had it and is done reading: where there were others,
   * one that was given up may still read. To be called when the event is delivered.
   *
   * @returns whether nothing is left of it that has to be collected
   */
  discardBody(): boolean {
    return this.#begun === 1 && this.pending.event.body.discardRead();
  }

  /** The step was taken back from the queue before it was attempted. */
  withdraw(step: RouteStep): void {
    this.#ensure(step).isBegun = false;
  }

  /** Whether any step is queued or under way. */
  get isBegun(): boolean {
    return this.#steps.some(({ isBegun }) => isBegun);
  }

  /**
   * Takes note of which steps take the event. A step that is done stays so.
   *
   * @param choices one for each step of the route, in order
   */
  choose(route: DeliveryRoute, choices: readonly StepChoice[]): void {
    this.chosenBy = route;
    for (const [index, step] of route.steps.entries()) {
      const choice = choices[index]!;
      if (choice === "take" || (this.#find(step)?.state ?? "waiting") !== "waiting") continue;
      if (choice === "skip") this.#ensure(step).end("skipped", 0);
      else this.fail(step, failureOf(step, choice), undefined);
    }
  }

  /** The step's output has taken the event. */
  deliver(step: RouteStep): void {
    this.#ensure(step).end("delivered", 0);
  }

  /** An attempt failed. @param retryInMs how long to wait for the next one; `undefined`: there is none */
  fail(step: RouteStep, failure: AttemptFailure, retryInMs: number | undefined): void {
    const attempts = this.attemptOf(step);
    this.#ensure(step).end(retryInMs === undefined ? "failed" : "waiting", attempts, failure, retryInMs);
  }

  /** The wait for the step's next attempt is over. */
  resume(step: RouteStep): void {
    const progress = this.#find(step);
    if (progress !== undefined) progress.failure = progress.retryInMs = undefined;
  }

  /** What to do next. @param now the time on any clock that only goes forward, in milliseconds */
  decide(route: DeliveryRoute, now: number): Decision {
    const failed = this.#failureOf(route, "failed");
    if (failed !== undefined && !route.continueOnError) {
      return this.isBegun ? WAIT : { next: "dead", failure: failed };
    }
    const steps = this.#stepsToBegin(route);
    if (steps.length > 0) {
      this.startedAt ??= now;
      const late = route.steps.length > 1 && now - this.startedAt > route.timeoutMs;
      return late && !this.isBegun ? tooLate(steps[0]!) : { next: "begin", steps };
    }
    if (this.isBegun) return WAIT;
    const reason = this.#failureOf(route, "waiting");
    if (reason !== undefined) {
      const retries = route.steps.flatMap((step) => this.#find(step)?.retryInMs ?? []);
      if (retries.length > 0) return { next: "retry", delayMs: Math.max(...retries), failure: reason };
    }
    if (failed !== undefined) return { next: "dead", failure: failed };
    return this.#isUnrouted ? UNROUTED : DELIVERED;
  }

  get #isUnrouted(): boolean {
    return this.chosenBy !== undefined && this.#steps.every(({ state }) => state === "skipped");
  }

  /** What has to be stored so that nothing is done twice; `undefined` when there is nothing. */
  toProgress(route: DeliveryRoute): string | undefined {
    // The claims count the attempts of a single step, but not of one that was in a chain before.
    if (route.steps.length === 1 && !this.#isStored) return undefined;
    const known = this.#steps.filter(({ isKnown }) => isKnown);
    if (known.length === 0) return undefined;
    this.#isStored = true;
    return JSON.stringify(
      known.map(({ name, state, attempts, failure }): StoredStep => ({
        name,
        state,
        attempts,
        ...(failure === undefined ? {} : { failure }),
      })),
    );
  }

  /** What has to be stored with a dead letter: when it is replayed, what failed begins again. */
  toDeadProgress(): string | undefined {
    const done = this.#steps.filter(({ state }) => state === "delivered" || state === "skipped");
    // Failures that are stored must be written over, or the replayed event would have them still.
    if (done.length === 0 && !this.#isStored) return undefined;
    return JSON.stringify(done.map(({ name, state }): StoredStep => ({ name, state, attempts: 0 })));
  }

  #stepsToBegin(route: DeliveryRoute): readonly RouteStep[] {
    if (route.execution === "parallel") {
      return route.steps.filter((step) => this.#mayBegin(step));
    }
    for (const step of route.steps) {
      const state = this.#find(step)?.state ?? "waiting";
      if (state !== "waiting") continue;
      if (!this.#mayBegin(step)) return NO_STEPS;
      return route.steps.length === 1 ? route.steps : [step];
    }
    return NO_STEPS;
  }

  #mayBegin(step: RouteStep): boolean {
    const progress = this.#find(step);
    if (progress === undefined) return true;
    return progress.state === "waiting" && progress.retryInMs === undefined && !progress.isBegun;
  }

  #failureOf(route: DeliveryRoute, wanted: StepProgress["state"]): AttemptFailure | undefined {
    for (const step of route.steps) {
      const progress = this.#find(step);
      if (progress?.state === wanted && progress.failure !== undefined) return progress.failure;
    }
    return undefined;
  }

  #find({ name }: RouteStep): StepProgress | undefined {
    for (const progress of this.#steps) if (progress.name === name) return progress;
    return undefined;
  }

  #ensure(step: RouteStep): StepProgress {
    const found = this.#find(step);
    if (found !== undefined) return found;
    return this.#add(new StepProgress(step.name));
  }

  #add(progress: StepProgress): StepProgress {
    this.#steps = this.#steps === NO_PROGRESS ? [progress] : [...this.#steps, progress];
    return progress;
  }

  #restore(stored: string): void {
    this.#isStored = true;
    for (const { name, state, attempts, failure } of JSON.parse(stored) as readonly StoredStep[]) {
      const progress = new StepProgress(name);
      progress.end(state, attempts, failure);
      this.#add(progress);
    }
  }
}

/** What is recorded of a failure. */
export function failureOf({ output }: RouteStep, { code, message }: DeliveryError): AttemptFailure {
  return { code: code as AttemptFailure["code"], message, connection: output.connection };
}

function tooLate(step: RouteStep): Decision {
  const failure: AttemptFailure = {
    code: "output_timeout",
    message: `The chain took longer than its timeout before step '${step.name}'`,
    connection: step.output.connection,
  };
  return { next: "retry", delayMs: 0, failure };
}
