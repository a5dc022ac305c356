/**
 * Work on large bodies in turns, so that small requests are answered in between.
 *
 * @module
 */

import { Pace } from "../../time/pace.ts";
import { Deadline, type Deadlines } from "../../time/deadlines.ts";
import { GatewayError } from "../../errors.ts";

/** How many bodies may wait for their turn. What they hold counts in `MAX_INFLIGHT_BYTES`. */
const MAX_WAITING = 1_000;

/**
 * How long the work on a large body may hold up everything else at a time, in milliseconds. A small request waits for
 * several turns, such as for its head, its body, its commit and its answer, and for this long in each of them.
 */
const SLICE_MS = 2;

/** A piece of work that may be interrupted wherever it yields. */
export type Steps<Result> = Generator<unknown, Result, void>;

/** Does all of the work at once: for bodies that are not large. */
export function finish<Result>(steps: Steps<Result>): Result {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** One that waits for its turn, with a time limit. */
class Turn extends Deadline {
  readonly #queue: Set<Turn>;
  readonly begun = Promise.withResolvers<void>();

  constructor(queue: Set<Turn>) {
    super();
    this.#queue = queue;
    queue.add(this);
  }

  override expire(): void {
    this.#queue.delete(this);
    this.begun.reject(overloaded());
  }
}

/**
 * The work on large bodies: one after the other, so that what it takes besides the body is taken once, and in
 * slices of some milliseconds, between which everything else runs.
 */
export class LargeBodies {
  readonly #deadlines: Deadlines;
  readonly #timeoutMs: number;
  readonly #waiting = new Set<Turn>();
  #busy = false;

  /** @param timeoutMs how long a body may wait for its turn */
  constructor(deadlines: Deadlines, timeoutMs: number) {
    this.#deadlines = deadlines;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Does the work of a generator, with a pause wherever it yields after some milliseconds.
   *
   * @throws {GatewayError} `overloaded` when too many wait or the turn does not come in time; what the work throws
   */
  async finish<Result>(steps: Steps<Result>): Promise<Result> {
    return await this.take(async (pace) => {
      let step = steps.next();
      while (step.done !== true) {
        await pace.keep();
        step = steps.next();
      }
      return step.value;
    });
  }

  /**
   * Does the work when it is its turn. It has to ask `pace` before every step of it.
   *
   * @throws {GatewayError} as {@linkcode finish}
   */
  async take<Result>(work: (pace: Pace) => Promise<Result>): Promise<Result> {
    if (this.#busy) await this.#turn();
    this.#busy = true;
    try {
      return await work(new Pace(undefined, SLICE_MS));
    } finally {
      this.#next();
    }
  }

  async #turn(): Promise<void> {
    if (this.#waiting.size >= MAX_WAITING) throw overloaded();
    const turn = new Turn(this.#waiting);
    this.#deadlines.set(this.#timeoutMs, turn);
    await turn.begun.promise;
  }

  /** The place stays taken where it is handed on: nobody may come between. */
  #next(): void {
    const [next] = this.#waiting;
    this.#busy = next !== undefined;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#deadlines.clear(next);
    next.begun.resolve();
  }
}

function overloaded(): GatewayError {
  return new GatewayError("overloaded", "Too many large bodies wait to be read", { retryAfterSeconds: 1 });
}
