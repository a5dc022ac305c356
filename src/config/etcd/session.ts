/**
 * What happens on one connection, from its first answer to its end: a list where one is needed, the watch,
 * and the checks that a silent failure cannot pass.
 *
 * @module
 */

import { EtcdCallError, type EtcdConnection, type EtcdFailure } from "./wire/connection.ts";
import type { EtcdHeader } from "./wire/fields.ts";
import type { EtcdMirror } from "./mirror/mirror.ts";
import type { EtcdTiming } from "./options.ts";
import type { PositionState } from "./mirror/position.ts";
import type { ReloadQueue } from "./reload_queue.ts";
import { type EndReason, type ResyncReason, SessionEnd } from "./session_end.ts";
import { checkLife, type ProgressHabit } from "./life_check.ts";
import { type Comparison, findMissedChanges, synchronize, type Synchronized } from "./list/synchronize.ts";
import { EtcdWatch } from "./watch.ts";
import type { WatchEvent } from "./wire/watch_message.ts";

/** Why everything was listed. The reasons are labels of metrics. */
export type ListReason = ResyncReason | "start" | "reconnected" | "reload" | "reconciliation";

/** Where a session reports to. */
export interface SessionObserver {
  onListed(reason: ListReason, result: Synchronized): void;
  onMassDelete(keys: number, removed: number): void;
  /** The watch is confirmed: from now on every change arrives. */
  onWatching(): void;
  onEvents(count: number): void;
  /** etcd has said, in one way or another, that what is applied is what it holds. */
  onInStep(): void;
}

/** The connection of a session, and what it goes on from. */
export interface SessionContext {
  readonly connection: EtcdConnection;
  /** The header of the connection's first answer. */
  readonly header: EtcdHeader;
  readonly mirror: EtcdMirror;
  readonly timing: EtcdTiming;
  readonly observer: SessionObserver;
  readonly reloads: ReloadQueue;
  /** What is known of the endpoint's answers to requests for progress; sessions add to it. */
  readonly habit: ProgressHabit;
  /** Why the last session calls for a list, if it does. */
  readonly resync: ResyncReason | undefined;
  /** Whether requests are being served from the mirror's state. */
  readonly isServing: () => boolean;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/**
 * Runs a session until it ends.
 *
 * @throws {SessionEnd} always, unless the signal aborts or there is a bug
 */
export async function runSession(context: SessionContext): Promise<never> {
  return await new EtcdSession(context).run();
}

class EtcdSession {
  readonly #context: SessionContext;
  readonly #stop = new AbortController();
  /** Resolves when the list or comparison that was begun last has ended. */
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(context: SessionContext) {
    this.#context = context;
  }

  async run(): Promise<never> {
    const { connection, signal } = this.#context;
    const stop = () => {
      this.#stop.abort(signal.reason);
      // Only a closed connection makes calls under way fail, and whatever waits for them end.
      void connection[Symbol.asyncDispose]();
    };
    signal.addEventListener("abort", stop, { once: true });
    const work: Promise<never>[] = [];
    try {
      signal.throwIfAborted();
      const hasListed = await this.#listIfNeeded();
      const watch = await this.#startWatch();
      this.#context.observer.onWatching();
      work.push(this.#checkLife(watch), this.#lookAfter(watch, hasListed));
      return await Promise.race([watch.ended, ...work]);
    } catch (error) {
      throw signal.aborted ? signal.reason : toSessionEnd(error);
    } finally {
      signal.removeEventListener("abort", stop);
      this.#stop.abort();
      await connection[Symbol.asyncDispose]();
      await Promise.allSettled(work);
    }
  }

  async #listIfNeeded(): Promise<boolean> {
    const { mirror, header, resync, isServing } = this.#context;
    const verdict = mirror.position.judge(header);
    const reason = verdict !== "current" ? verdict : resync ?? (mirror.complete ? undefined : "start");
    if (reason === undefined) return false;
    await this.#list(reason, isServing(), verdict);
    return true;
  }

  async #list(
    reason: ListReason,
    serving: boolean,
    verdict: PositionState,
    onHeader?: (header: EtcdHeader) => void,
  ): Promise<void> {
    const { connection, mirror, timing, observer } = this.#context;
    const result = await synchronize(connection, mirror, {
      trustRevisions: verdict === "current",
      serving,
      confirmAfterMs: timing.confirmDeletesAfterMs,
      pageTimeoutMs: timing.pageTimeoutMs,
      onMassDelete: (keys, removed) => observer.onMassDelete(keys, removed),
      ...(onHeader === undefined ? {} : { onHeader }),
      signal: this.#stop.signal,
    });
    observer.onListed(reason, result);
    observer.onInStep();
  }

  async #startWatch(): Promise<EtcdWatch> {
    const { connection, mirror, timing } = this.#context;
    return await EtcdWatch.start(connection, {
      keySpace: mirror.keySpace,
      startRevision: mirror.position.next,
      clusterId: mirror.position.clusterId ?? "",
      listener: {
        onRevision: (revision, events, isLast) => this.#apply(revision, events, isLast),
        onProgress: (revision) => mirror.position.advance(revision),
      },
      createTimeoutMs: timing.callTimeoutMs,
    });
  }

  #apply(revision: number, events: readonly WatchEvent[], isLast: boolean): void {
    const { mirror, observer } = this.#context;
    observer.onEvents(mirror.applyRevision(revision, events, isLast));
    if (isLast) observer.onInStep();
  }

  #checkLife(watch: EtcdWatch): Promise<never> {
    const { connection, mirror, timing, habit, observer } = this.#context;
    return checkLife({
      connection,
      mirror,
      watch,
      timing,
      habit,
      compare: () => this.#compare(),
      requireSameHistory: (header, before) => this.#requireSameHistory(header, before),
      onInStep: () => observer.onInStep(),
      signal: this.#stop.signal,
    });
  }

  #requireSameHistory(header: EtcdHeader, before: EtcdHeader | undefined): void {
    const verdict = this.#context.mirror.position.judge(header, before);
    if (verdict !== "current") throw new SessionEnd(verdict, VERDICTS[verdict]);
  }

  /** Lists on request, after a reconnect, and periodically, as a check that should find no difference. */
  async #lookAfter(watch: EtcdWatch, hasListed: boolean): Promise<never> {
    const { timing, random } = this.#context;
    // Resuming misses nothing, unless etcd was restored meanwhile and has since come past our revision again.
    if (!hasListed && !await this.#reloadWithin(timing.listAfterReconnectMs * random(), watch)) {
      await this.#listBesides(watch, "reconnected");
    }
    while (true) {
      const pauseMs = timing.reconcileIntervalMs * (0.75 + 0.5 * random());
      if (!await this.#reloadWithin(pauseMs, watch)) await this.#reconcile(watch);
    }
  }

  /** Waits for a request to reload and serves it; returns whether there was one. */
  async #reloadWithin(pauseMs: number, watch: EtcdWatch): Promise<boolean> {
    const { reloads } = this.#context;
    if (!await reloads.waitFor(pauseMs, this.#stop.signal)) return false;
    await reloads.serve(() => this.#listBesides(watch, "reload"));
    return true;
  }

  async #reconcile(watch: EtcdWatch): Promise<void> {
    const { missed } = await this.#compare();
    if (missed === 0) this.#context.observer.onInStep();
    else await this.#listBesides(watch, "reconciliation");
  }

  #compare(): Promise<Comparison> {
    const { connection, mirror, timing } = this.#context;
    return this.#inTurn(() =>
      findMissedChanges(connection, mirror, {
        graceMs: timing.callTimeoutMs,
        pageTimeoutMs: timing.pageTimeoutMs,
        signal: this.#stop.signal,
      })
    );
  }

  /** Lists everything while the watch goes on; its events wait until the list is applied. */
  #listBesides(watch: EtcdWatch, reason: ListReason): Promise<void> {
    return this.#inTurn(async () => {
      watch.hold();
      const before = this.#context.mirror.position.known;
      await this.#list(reason, true, "current", (header) => this.#requireSameHistory(header, before));
      // Not after a failure: a partial list must not produce changes. The session ends then.
      watch.release();
    });
  }

  /** Lists and comparisons mark the keys that they meet, so they run one after the other. */
  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const former = this.#lastTurn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastTurn = promise;
    try {
      await former;
      return await work();
    } finally {
      resolve();
    }
  }
}

const VERDICTS: Readonly<Record<Exclude<PositionState, "current">, string>> = {
  cluster_changed: "Another etcd cluster answers",
  revision_regressed: "The revision of etcd has gone backwards: it was restored from a backup",
  history_rewound: "The term of etcd has gone backwards: it was restored from a backup",
};

const END_OF_FAILURE: Readonly<Partial<Record<EtcdFailure, EndReason>>> = {
  unreachable: "unreachable",
  timeout: "silent",
  denied: "denied",
  learner: "learner",
};

/** Gives whatever ended a session its reason. */
export function toSessionEnd(error: unknown): SessionEnd {
  if (error instanceof SessionEnd) return error;
  if (error instanceof EtcdCallError) {
    return new SessionEnd(END_OF_FAILURE[error.failure] ?? "call_failed", error.message, { cause: error });
  }
  return new SessionEnd("bug", `The etcd provider failed: ${(error as Error).message}`, { cause: error });
}
