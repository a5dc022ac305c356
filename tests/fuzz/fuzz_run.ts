/**
 * Puts inputs into parts of the program and looks for crashes, stalls, rejections that nobody handles, and whatever
 * else a part must not do.
 *
 * @module
 */

import { SeededRandom } from "../faults/random.ts";
import { stallOf } from "./stall.ts";
import type { FuzzInput, FuzzSubject, OpenSubject } from "./subject.ts";

/** For how long an input may keep everything else from running, in milliseconds. */
const MOST_STALL_MS = 50;

/** From which time on, in milliseconds, it is worth a look whether an input stalled the program or waited. */
const LEAST_STALL_MS = 5;

/** After how many inputs the event loop gets a turn. */
const TURN_INPUTS = 256;

/** Failures of one part after which it is given up. */
const MOST_FAILURES = 5;

/** An input that the program did not bear. */
export interface FuzzFailure {
  readonly subject: string;
  /** Its number: with the seed it makes the same input again. */
  readonly index: number;
  readonly input: string;
  readonly problem: string;
}

/** What was seen of one part. */
export interface FuzzReport {
  readonly subject: string;
  readonly inputs: number;
  /** How often each outcome was seen. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** In milliseconds of the processor. */
  readonly longestStallMs: number;
  readonly seconds: number;
  readonly failures: readonly FuzzFailure[];
}

/** Which inputs are put in. */
export interface FuzzRange {
  readonly seed: number;
  /** The number of the first one. @default 0 */
  readonly from?: number;
  readonly count: number;
  /** Called before each input. */
  readonly onInput?: (index: number, input: FuzzInput) => void;
}

/** Puts a range of inputs into a part of the program. */
export async function fuzz(subject: FuzzSubject, range: FuzzRange): Promise<FuzzReport> {
  await using open = await subject.open();
  using loose = new LooseErrors();
  const run = new FuzzRun(subject.name, open, loose);
  return await run.all(range);
}

/** The random numbers of one input. */
function randomOf(seed: number, subject: string, index: number): SeededRandom {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  for (const character of subject) mixed = Math.imul(mixed ^ character.codePointAt(0)!, 0x01000193);
  return new SeededRandom(mixed);
}

class FuzzRun {
  readonly #subject: string;
  readonly #open: OpenSubject;
  readonly #loose: LooseErrors;
  readonly #outcomes = new Map<string, number>();
  readonly #failures: FuzzFailure[] = [];
  #longestStallMs = 0;
  #inputs = 0;

  constructor(subject: string, open: OpenSubject, loose: LooseErrors) {
    this.#subject = subject;
    this.#open = open;
    this.#loose = loose;
  }

  async all({ seed, from = 0, count, onInput }: FuzzRange): Promise<FuzzReport> {
    const begun = performance.now();
    for (let index = from; index < from + count && this.#failures.length < MOST_FAILURES; index++) {
      const input = await this.#open.next(randomOf(seed, this.#subject, index));
      onInput?.(index, input);
      await this.#one(index, input);
    }
    await this.#noteLoose(from + count - 1, "the last inputs");
    return {
      subject: this.#subject,
      inputs: this.#inputs,
      outcomes: this.#outcomes,
      longestStallMs: this.#longestStallMs,
      seconds: (performance.now() - begun) / 1000,
      failures: this.#failures,
    };
  }

  async #one(index: number, input: FuzzInput): Promise<void> {
    const problem = await this.#problemOf(input);
    if (problem !== undefined) this.#note(index, input.describe(), problem);
    if (++this.#inputs % TURN_INPUTS === 0) await this.#noteLoose(index, `the last ${TURN_INPUTS} inputs`);
  }

  #note(index: number, input: string, problem: string): void {
    this.#failures.push({ subject: this.#subject, index, input, problem });
  }

  /** What nobody handles is reported when a turn of the event loop is over. */
  async #noteLoose(index: number, inputs: string): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const problem of this.#loose.take()) this.#note(index, `one of ${inputs}`, problem);
  }

  async #problemOf(input: FuzzInput): Promise<string | undefined> {
    const begun = performance.now();
    try {
      const outcome = await input.run();
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      return describeError(error);
    }
    const tookMs = performance.now() - begun;
    if (tookMs < LEAST_STALL_MS || tookMs < this.#longestStallMs) return undefined;
    const stallMs = await stallOf(() => input.run());
    this.#longestStallMs = Math.max(this.#longestStallMs, Math.min(stallMs, tookMs));
    return stallMs > MOST_STALL_MS && tookMs > MOST_STALL_MS
      ? `Nothing else ran for ${stallMs.toFixed(0)} ms`
      : undefined;
  }
}

/** Rejections that nobody handles and errors that nobody catches, which end the program otherwise. */
class LooseErrors implements Disposable {
  readonly #problems: string[] = [];
  readonly #onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    this.#problems.push(`Nobody handles a rejection: ${describeError(event.reason)}`);
  };
  readonly #onError = (event: ErrorEvent) => {
    event.preventDefault();
    this.#problems.push(`Nobody catches an error: ${describeError(event.error)}`);
  };

  constructor() {
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
    globalThis.addEventListener("error", this.#onError);
  }

  /** What there was since the last call. */
  take(): string[] {
    return this.#problems.splice(0);
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("unhandledrejection", this.#onRejection);
    globalThis.removeEventListener("error", this.#onError);
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
