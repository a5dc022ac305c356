/**
 * Calls that wait for a statement: while one is under way, those that come are gathered for the next. What a statement
 * costs hardly depends on how many it carries, so that is all the speed there is.
 *
 * @module
 */

import { assertCount, GatewayError } from "../../../errors.ts";
import { NextTurn } from "../../../time/next_turn.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { failedStatement } from "../unavailable.ts";

/** Seconds after which a sender should try again. */
const RETRY_AFTER_SECONDS = 1;

/** A call that waits. */
export interface Call<Result> {
  /** What it keeps in memory, in bytes. */
  readonly bytes: number;
  /** Whether it may wait some milliseconds for others. @default false */
  readonly mayWait?: boolean;
  /** What it changes. A statement changes nothing twice, so another one with the same key waits for the next. */
  readonly keys: readonly string[];
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** How calls are carried out, and how many may wait. */
export interface CallQueueOptions<Name, Waiting> {
  /** Only calls that this is the same of share a statement. */
  kindOf(call: Waiting): Name;
  /**
   * Carries out calls of one kind; settles each itself. What it throws, the calls that it has not settled get.
   *
   * @param signal aborts when the first of them has waited long enough
   */
  carryOut(calls: readonly Waiting[], kind: Name, signal: AbortSignal): Promise<void>;
  /** How long a call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Keys of all calls of a statement, and bytes; a single call may have more. */
  readonly mostKeys: number;
  readonly mostBytes: number;
  /** Calls that may wait, and their bytes. Beyond that they are refused with `overloaded`. */
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
}

/** How long a call waits for others that may, in milliseconds. */
const COMPANY_MS = 10;

interface Entry<Waiting> {
  readonly call: Waiting;
  /** By `performance.now()`. */
  readonly since: number;
}

/** Carries out calls, one statement after the other. */
export class CallQueue<Name, Waiting extends Call<never>> {
  readonly #options: CallQueueOptions<Name, Waiting>;
  readonly #next = new NextTurn(() => void this.#carryOut());
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: Entry<Waiting>[] = [];
  #bytes = 0;
  #isBusy = false;
  /** Gives up what is under way. */
  #giveUp: AbortController | undefined;
  #hasEnded = false;

  constructor(options: CallQueueOptions<Name, Waiting>) {
    this.#options = options;
  }

  /** Has a call carried out. */
  add(call: Waiting): void {
    const { maxWaiting, maxWaitingBytes } = this.#options;
    if (this.#hasEnded) return call.reject(new GatewayError("draining"));
    if (this.#waiting.length >= maxWaiting || this.#bytes + call.bytes > maxWaitingBytes) {
      const message = "Too much waits for the next commit of the channels";
      return call.reject(
        new GatewayError("overloaded", message, { retryAfterSeconds: RETRY_AFTER_SECONDS }),
      );
    }
    this.#bytes += call.bytes;
    this.#waiting.push({ call, since: performance.now() });
    if (this.#isBusy) return;
    if (call.mayWait !== true) this.#next.ask();
    else this.#timer ??= setTimeout(() => this.#next.ask(), COMPANY_MS);
  }

  /** Refuses what waits. What is under way is given up. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#giveUp?.abort();
    for (const { call } of this.#waiting) call.reject(new GatewayError("draining"));
    this.#waiting = [];
    this.#bytes = 0;
  }

  async #carryOut(): Promise<void> {
    if (this.#isBusy) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isBusy = true;
    for (let batch = this.#take(); batch !== undefined; batch = this.#take()) {
      const { calls, kind, since } = batch;
      const giveUp = this.#giveUp = new AbortController();
      const leftMs = this.#options.timeoutMs - (performance.now() - since);
      const timer = setTimeout(() => giveUp.abort(), Math.max(0, leftMs));
      try {
        await this.#options.carryOut(calls, kind, giveUp.signal);
      } catch (error) {
        const refusal = refusalOf(error);
        for (const call of calls) call.reject(refusal);
      } finally {
        clearTimeout(timer);
      }
    }
    this.#isBusy = false;
  }

  /** The calls of the next statement: the first, and those of its kind that fit. */
  #take(): Batch<Name, Waiting> | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const { kindOf, mostKeys, mostBytes } = this.#options;
    const kind = kindOf(first.call);
    const calls: Waiting[] = [];
    const left: Entry<Waiting>[] = [];
    const keys = new Set<string>();
    let bytes = 0;
    for (const [index, entry] of this.#waiting.entries()) {
      const { call } = entry;
      const fits = keys.size + call.keys.length <= mostKeys && bytes + call.bytes <= mostBytes;
      if (calls.length > 0 && !fits) {
        left.push(...this.#waiting.slice(index));
        break;
      }
      const joins = kindOf(call) === kind && !call.keys.some((key) => keys.has(key));
      // What a call has to wait for, those behind it that change the same have to wait for as well.
      for (const key of call.keys) keys.add(key);
      if (!joins) {
        left.push(entry);
        continue;
      }
      calls.push(call);
      bytes += call.bytes;
    }
    this.#waiting = left;
    this.#bytes = assertCount(this.#bytes - bytes, "bytes that wait for a commit of the channels");
    return { calls, kind, since: first.since };
  }
}

/** The calls of one statement. */
interface Batch<Name, Waiting> {
  readonly calls: readonly Waiting[];
  readonly kind: Name;
  /** Since when the first of them waits. */
  readonly since: number;
}

function refusalOf(error: unknown): unknown {
  return error instanceof PostgresError ? failedStatement(error) : error;
}
