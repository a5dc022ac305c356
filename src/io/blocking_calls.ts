/**
 * Bounds calls that block a thread of the runtime until the system answers: file operations and look-ups of names.
 * All of them share 32 threads, and no signal ends one. A mount whose server is gone, or a resolver that does not
 * answer, would otherwise take every thread, and with them the configuration's files and everybody else's names.
 *
 * @module
 */

import { assertCount } from "../errors.ts";

/** A key with a call that takes longer than this counts as slow, in milliseconds. */
const SLOW_AFTER_MS = 1000;

/** How long a key counts as slow after such a call has ended, in milliseconds. */
const SLOW_FOR_MS = 60_000;

/** Most keys that are remembered as slow; past it the oldest is forgotten. */
const MAX_SLOW_KEYS = 1000;

/** How many calls there may be. */
export interface BlockingCallsOptions {
  /** Most calls under way at once, those included that nobody waits for any more. */
  readonly total: number;
  /** Most calls of one key under way at once. */
  readonly perKey: number;
  /** Most calls of one key that wait for others. @default 1024 */
  readonly waiting?: number;
  /** A key with a call that takes longer than this counts as slow, in milliseconds. @default 1000 */
  readonly slowAfterMs?: number;
}

/** Too many calls of one key wait already. Nothing was done. */
export class TooManyCallsError extends Error {
  override readonly name = "TooManyCallsError";
  readonly code = "EBUSY";
}

/** The calls of one key, which is forgotten when there are none. */
interface Calls {
  readonly key: string;
  /** When those under way began, by `performance.now()`. */
  readonly startedAt: Set<{ readonly at: number }>;
  /** First come, first served. */
  readonly waiting: Set<() => void>;
}

/**
 * Places for blocking calls, shared out among keys: a directory, a file or the name of a host. Keys take turns.
 * One whose calls are slow gets one place only, and all slow ones together at most half of the places, so that
 * healthy ones go on. A place is free again when the system has answered, not when its caller has given up.
 */
export class BlockingCalls {
  readonly #total: number;
  readonly #perKey: number;
  readonly #maxWaiting: number;
  readonly #slowAfterMs: number;
  readonly #calls = new Map<string, Calls>();
  /** Those with calls that wait and with room of their own, in the order of their turns. */
  readonly #ready = new Set<Calls>();
  /** Slow keys with calls that wait and with room of their own, in the order of their turns. */
  readonly #slowReady = new Set<Calls>();
  /** Keys that were slow, and until when they count as such, by `performance.now()`. */
  readonly #slowUntil = new Map<string, number>();
  #underWay = 0;

  constructor({ total, perKey, waiting = 1024, slowAfterMs = SLOW_AFTER_MS }: BlockingCallsOptions) {
    this.#total = total;
    this.#perKey = perKey;
    this.#maxWaiting = waiting;
    this.#slowAfterMs = slowAfterMs;
  }

  /** Calls that hold a thread now. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Makes the calls of `work`, one after the other, as soon as there is a place for them.
   *
   * @param signal ends the wait for the place and for the result; calls under way go on without a listener
   * @throws {TooManyCallsError} when too many wait for the key already
   * @throws whatever the work throws, or the signal's reason when it aborts first
   */
  run<Result>(key: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const calls = this.#callsOf(key);
    if (calls.waiting.size >= this.#maxWaiting) {
      return Promise.reject(new TooManyCallsError(`Too many calls wait for ${key}`));
    }
    return new Promise<Result>((resolve, reject) => {
      const start = () => this.#start(calls, work).then(resolve, reject).finally(forget);
      const abort = () => {
        if (calls.waiting.delete(start)) this.#settle(calls);
        reject(signal.reason);
      };
      const forget = () => signal.removeEventListener("abort", abort);
      signal.addEventListener("abort", abort, { once: true });
      calls.waiting.add(start);
      this.#settle(calls);
      this.#startWaiting();
    });
  }

  #callsOf(key: string): Calls {
    let calls = this.#calls.get(key);
    if (calls === undefined) {
      calls = { key, startedAt: new Set(), waiting: new Set() };
      this.#calls.set(key, calls);
    }
    return calls;
  }

  async #start<Result>(calls: Calls, work: () => Promise<Result>): Promise<Result> {
    const call = { at: performance.now() };
    calls.startedAt.add(call);
    this.#underWay++;
    try {
      return await work();
    } finally {
      calls.startedAt.delete(call);
      this.#underWay = assertCount(this.#underWay - 1, "blocking calls under way");
      this.#rate(calls.key, performance.now() - call.at);
      this.#settle(calls);
      this.#startWaiting();
    }
  }

  /** Remembers whether a key is slow. */
  #rate(key: string, tookMs: number): void {
    this.#slowUntil.delete(key);
    if (tookMs <= this.#slowAfterMs) return;
    this.#slowUntil.set(key, performance.now() + SLOW_FOR_MS);
    if (this.#slowUntil.size <= MAX_SLOW_KEYS) return;
    for (const oldest of this.#slowUntil.keys()) return void this.#slowUntil.delete(oldest);
  }

  /** Puts a key where it belongs: among those that may be next, or nowhere when it has no calls at all. */
  #settle(calls: Calls): void {
    const { key, startedAt, waiting } = calls;
    if (startedAt.size === 0 && waiting.size === 0) this.#calls.delete(key);
    const isSlow = this.#isSlow(calls);
    const isReady = waiting.size > 0 && startedAt.size < (isSlow ? 1 : this.#perKey);
    put(this.#ready, calls, isReady && !isSlow);
    put(this.#slowReady, calls, isReady && isSlow);
  }

  #isSlow({ key, startedAt }: Calls): boolean {
    const now = performance.now();
    for (const { at } of startedAt) if (now - at > this.#slowAfterMs) return true;
    const until = this.#slowUntil.get(key);
    return until !== undefined && until > now;
  }

  #startWaiting(): void {
    while (this.#underWay < this.#total) {
      const [next] = this.#ready;
      if (next === undefined) break;
      this.#settle(next);
      if (this.#ready.has(next)) this.#startFirst(this.#ready, next);
    }
    while (this.#underWay < Math.ceil(this.#total / 2)) {
      const [next] = this.#slowReady;
      if (next === undefined) break;
      this.#startFirst(this.#slowReady, next);
    }
  }

  /** Starts the first call that waits of a key, and puts the key behind the others. */
  #startFirst(ready: Set<Calls>, calls: Calls): void {
    const [start] = calls.waiting;
    calls.waiting.delete(start!);
    ready.delete(calls);
    start!();
    this.#settle(calls);
  }
}

function put(set: Set<Calls>, calls: Calls, isIn: boolean): void {
  if (isIn) set.add(calls);
  else set.delete(calls);
}

// Of the 32 threads, these two, the names of outputs (6) and of the configuration (3), and secrets (4) leave three for
// the log and what else there is.

/**
 * Calls on files of outputs, by disk: several at a time are what makes a disk fast that is well, and one that hangs
 * leaves places for others. A disk under load may take seconds for a call.
 */
export const outputFiles = new BlockingCalls({
  total: 10,
  perKey: 6,
  waiting: 16 * 1024,
  slowAfterMs: 5_000,
});

/** Calls on the files that the gateway is configured with, by path. They do not wait for those of outputs. */
export const configurationFiles = new BlockingCalls({ total: 6, perKey: 1 });
