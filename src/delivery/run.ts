/**
 * One claimed event on its way through its route, and the decision what comes next. Pure: no clock, no
 * queue and no journal in here, so that every sequence of outcomes can be tried in a test.
 *
 * @module
 */

import type { AttemptFailure } from "./dead_letters.ts";
import type { PendingEvent } from "./journal.ts";
import type { Route, RouteStep } from "./route.ts";

/** What is known of one step. */
interface StepState {
  readonly state: "waiting" | "delivered" | "failed";
  /** Attempts that have failed. */
  readonly attempts: number;
  readonly failure?: AttemptFailure;
  /** How long to wait before the next attempt, in milliseconds; while set, the step is not begun. */
  readonly retryInMs?: number;
}

const FRESH: StepState = { state: "waiting", attempts: 0 };

/** What to do with an event next. */
export type Decision =
  | { readonly next: "begin"; readonly steps: readonly RouteStep[] }
  /** Attempts are under way: decide again when one has ended. */
  | { readonly next: "wait" }
  | { readonly next: "retry"; readonly delayMs: number; readonly failure: AttemptFailure }
  | { readonly next: "delivered" }
  | { readonly next: "dead"; readonly failure: AttemptFailure };

/** The progress of one event. */
export class Run {
  readonly pending: PendingEvent;
  /** When its first step of this pass began, on the clock that {@linkcode decide} is given. */
  startedAt: number | undefined;
  readonly #steps = new Map<string, StepState>();
  /** Steps that are queued at an output or under way. */
  readonly #begun = new Set<string>();
  /** Whether the journal holds progress of this event: it stays there until other progress is stored. */
  #isStored = false;

  /** @param bytes how much memory it counts for: a body's own size changes with the form it is read in */
  constructor(pending: PendingEvent, readonly bytes = 0) {
    this.pending = pending;
    if (pending.progress !== undefined) this.#restore(pending.progress);
  }

  /** Which attempt the next one of the step is, from 1. */
  attemptOf(step: RouteStep): number {
    const state = this.#steps.get(step.name);
    if (state !== undefined) return state.attempts + 1;
    // As long as nothing is stored of any step, the claims have counted the attempts of the first one.
    return this.#steps.size === 0 ? this.pending.attempts : 1;
  }

  /** The step was handed to its output's queue. */
  begin(step: RouteStep): void {
    this.#begun.add(step.name);
  }

  /** The step was taken back from the queue before it was attempted. */
  withdraw(step: RouteStep): void {
    this.#begun.delete(step.name);
  }

  /** Whether any step is queued or under way. */
  get isBegun(): boolean {
    return this.#begun.size > 0;
  }

  /** The step's output has taken the event. */
  deliver(step: RouteStep): void {
    this.#begun.delete(step.name);
    this.#steps.set(step.name, { state: "delivered", attempts: 0 });
  }

  /** An attempt failed. @param retryInMs how long to wait for the next one; `undefined`: there is none */
  fail(step: RouteStep, failure: AttemptFailure, retryInMs: number | undefined): void {
    this.#begun.delete(step.name);
    const attempts = this.attemptOf(step);
    this.#steps.set(
      step.name,
      retryInMs === undefined
        ? { state: "failed", attempts, failure }
        : { state: "waiting", attempts, failure, retryInMs },
    );
  }

  /** The wait for the step's next attempt is over. */
  resume(step: RouteStep): void {
    const state = this.#steps.get(step.name);
    if (state !== undefined) this.#steps.set(step.name, { state: state.state, attempts: state.attempts });
  }

  /** What to do next. @param now the time on any clock that only goes forward, in milliseconds */
  decide(route: Route, now: number): Decision {
    const failed = this.#failureOf(route, "failed");
    if (failed !== undefined && !route.continueOnError) {
      return this.isBegun ? { next: "wait" } : { next: "dead", failure: failed };
    }
    const steps = this.#stepsToBegin(route);
    if (steps.length > 0) {
      this.startedAt ??= now;
      const late = route.steps.length > 1 && now - this.startedAt > route.timeoutMs;
      return late && !this.isBegun ? tooLate(steps[0]!) : { next: "begin", steps };
    }
    if (this.isBegun) return { next: "wait" };
    const retries = route.steps.flatMap((step) => this.#steps.get(step.name)?.retryInMs ?? []);
    const reason = this.#failureOf(route, "waiting");
    if (reason !== undefined && retries.length > 0) {
      return { next: "retry", delayMs: Math.max(...retries), failure: reason };
    }
    return failed === undefined ? { next: "delivered" } : { next: "dead", failure: failed };
  }

  /** What has to be stored so that nothing is done twice; `undefined` when there is nothing. */
  toProgress(route: Route): string | undefined {
    // The claims count the attempts of a single step, but not of one that was in a chain before.
    if (route.steps.length === 1 && !this.#isStored) return undefined;
    const states = Array.from(this.#steps, ([name, { state, attempts, failure }]) => ({
      name,
      state,
      attempts,
      ...(failure === undefined ? {} : { failure }),
    }));
    if (states.length === 0) return undefined;
    this.#isStored = true;
    return JSON.stringify(states);
  }

  /** The same for a dead letter: when it is replayed, what failed begins anew. */
  toDeadProgress(): string | undefined {
    const delivered = [...this.#steps].filter(([, { state }]) => state === "delivered");
    // Failures that are stored must be written over, or the replayed event would have them still.
    if (delivered.length === 0 && !this.#isStored) return undefined;
    return JSON.stringify(delivered.map(([name]) => ({ name, state: "delivered", attempts: 0 })));
  }

  #stepsToBegin(route: Route): readonly RouteStep[] {
    if (route.execution === "parallel") {
      return route.steps.filter((step) => this.#mayBegin(step));
    }
    const next = route.steps.find((step) => (this.#steps.get(step.name) ?? FRESH).state === "waiting");
    return next !== undefined && this.#mayBegin(next) ? [next] : [];
  }

  #mayBegin(step: RouteStep): boolean {
    const { state, retryInMs } = this.#steps.get(step.name) ?? FRESH;
    return state === "waiting" && retryInMs === undefined && !this.#begun.has(step.name);
  }

  #failureOf(route: Route, wanted: StepState["state"]): AttemptFailure | undefined {
    for (const { name } of route.steps) {
      const step = this.#steps.get(name);
      if (step?.state === wanted && step.failure !== undefined) return step.failure;
    }
    return undefined;
  }

  #restore(progress: string): void {
    this.#isStored = true;
    for (const { name, ...state } of JSON.parse(progress) as readonly (StepState & { name: string })[]) {
      this.#steps.set(name, state);
    }
  }
}

function tooLate(step: RouteStep): Decision {
  const failure: AttemptFailure = {
    code: "output_timeout",
    message: `The chain took longer than its timeout before step '${step.name}'`,
    connection: step.output.connection,
  };
  return { next: "retry", delayMs: 0, failure };
}
