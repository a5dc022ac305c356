/**
 * Proofs that a watch is alive and in step, while it says nothing.
 *
 * gRPC's keep-alive finds a dead connection sooner; it does not find a member without a leader, a stream that
 * died on a living connection, or another cluster behind the same address. Silence alone proves nothing: etcd
 * from 3.5.22 and 3.6.2 on answers no request for progress before the first revision of the watch exists, and
 * `etcd grpc-proxy` never does. So silence counts only from the moment when an ordinary read shows a revision
 * that the watch has to answer for.
 *
 * @see https://github.com/etcd-io/etcd/blob/v3.6.2/server/storage/mvcc/watchable_store.go `progressIfSync`
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { EtcdCallError, type EtcdConnection } from "./wire/connection.ts";
import type { EtcdHeader } from "./wire/fields.ts";
import type { EtcdMirror } from "./mirror/mirror.ts";
import type { EtcdTiming } from "./options.ts";
import { SessionEnd } from "./session_end.ts";
import type { Comparison } from "./list/synchronize.ts";
import type { EtcdWatch } from "./watch.ts";

/** Requests for progress that may stay without an answer before an endpoint is asked no more. */
const MAX_UNANSWERED = 3;

/** A comparison of all revisions is followed by a pause of at least this many times its own duration. */
const PAUSE_PER_COMPARISON = 50;

/** What is known of an endpoint's answers to requests for progress, over all connections to it. */
export interface ProgressHabit {
  /** Whether it has ever answered one: it is a member then, and silence on its part is telling. */
  answers: boolean;
  /** Requests in a row that it had to answer and did not. */
  unanswered: number;
}

/** A habit of which nothing is known yet. */
export function unknownHabit(): ProgressHabit {
  return { answers: false, unanswered: 0 };
}

/** What a check of life works with. */
export interface LifeCheckContext {
  readonly connection: Pick<EtcdConnection, "probe">;
  readonly mirror: EtcdMirror;
  readonly watch: EtcdWatch;
  readonly timing: EtcdTiming;
  readonly habit: ProgressHabit;
  /** Compares all revisions with etcd's. */
  readonly compare: () => Promise<Comparison>;
  /** @throws {SessionEnd} when the header of a read is not of the history that was applied */
  readonly requireSameHistory: (header: EtcdHeader, before: EtcdHeader | undefined) => void;
  /** Called whenever a read proves that what is applied is what etcd holds. */
  readonly onInStep: () => void;
  readonly signal: AbortSignal;
}

/**
 * Checks again and again, until the watch turns out to be dead.
 *
 * @throws {SessionEnd} `silent` when the watch keeps something back
 * @throws {EtcdCallError} when two reads in a row have failed, or one was refused
 */
export async function checkLife(context: LifeCheckContext): Promise<never> {
  const check = new LifeCheck(context);
  while (true) {
    await sleep(context.timing.checkIntervalMs, undefined, { signal: context.signal });
    await check.run();
  }
}

class LifeCheck {
  readonly #context: LifeCheckContext;
  #failures = 0;
  #answersSeen = 0;
  /** Whether the last request for progress is yet to be answered. */
  #isAsked = false;
  /** Since when the watch has something to answer for, on the clock of `performance.now()`. */
  #owesSince: number | undefined;
  /** Not before this time, on the clock of `performance.now()`, everything is compared again. */
  #compareAgainAt = 0;
  /** Up to which revision a comparison has found everything applied. */
  #comparedRevision = 0;

  constructor(context: LifeCheckContext) {
    this.#context = context;
  }

  async run(): Promise<void> {
    this.#noteAnswers();
    const revision = await this.#readRevision();
    if (revision === undefined) return;
    const { watch, mirror, onInStep } = this.#context;
    const isApplied = revision <= Math.max(mirror.position.revision, this.#comparedRevision);
    if (isApplied) onInStep();
    if (revision < watch.startRevision) {
      // It has nothing to say yet, and need not answer.
      this.#owesSince = undefined;
      return;
    }
    this.#owesSince ??= performance.now();
    await this.#judgeSilence(isApplied);
    this.#ask();
  }

  /** A revision by a linearizable read; `undefined` after a failure that may be a slow disk or an election. */
  async #readRevision(): Promise<number | undefined> {
    const { connection, mirror, requireSameHistory } = this.#context;
    try {
      const before = mirror.position.known;
      const header = await connection.probe();
      requireSameHistory(header, before);
      this.#failures = 0;
      return header.revision;
    } catch (error) {
      // A broken connection ends the stream by itself.
      const isBearable = error instanceof EtcdCallError && error.failure !== "denied";
      if (!isBearable || ++this.#failures === 2) throw error;
      return undefined;
    }
  }

  #noteAnswers(): void {
    const { watch, habit, onInStep } = this.#context;
    if (watch.progressAnswers === this.#answersSeen) return;
    this.#answersSeen = watch.progressAnswers;
    this.#isAsked = false;
    habit.answers = true;
    habit.unanswered = 0;
    onInStep();
  }

  /** Proxies do not pass requests for progress on, and write each one to their log as an error. */
  #ask(): void {
    const { watch, habit } = this.#context;
    if (this.#isAsked) habit.unanswered++;
    if (!habit.answers && habit.unanswered >= MAX_UNANSWERED) return;
    watch.requestProgress();
    this.#isAsked = true;
  }

  async #judgeSilence(isApplied: boolean): Promise<void> {
    const { watch, habit, timing } = this.#context;
    const silentMs = performance.now() - Math.max(watch.lastHeardAt, this.#owesSince ?? Infinity);
    if (silentMs <= timing.silenceMs) return;
    if (habit.answers) throw silence(silentMs);
    if (!isApplied) await this.#compare(silentMs);
  }

  /** Whether something is missing is all that counts where no answer is to be expected. */
  async #compare(silentMs: number): Promise<void> {
    const { watch, compare, onInStep } = this.#context;
    if (performance.now() < this.#compareAgainAt) return;
    const heardAt = watch.lastHeardAt;
    const { missed, revision, listMs } = await compare();
    this.#compareAgainAt = performance.now() + listMs * PAUSE_PER_COMPARISON;
    if (missed > 0) {
      if (watch.lastHeardAt === heardAt) throw silence(silentMs);
      return;
    }
    this.#comparedRevision = revision;
    onInStep();
  }
}

function silence(ms: number): SessionEnd {
  return new SessionEnd("silent", `The watch has been silent for ${Math.round(ms)} ms`);
}
