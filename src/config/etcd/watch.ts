/**
 * One watch: one stream with one watcher on a connection of its own. It ends on any irregularity; there is
 * no repair, the next one starts at the position.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import { type EtcdConnection, type EtcdWatchStream, toCallError } from "./wire/connection.ts";
import { SessionEnd } from "./session_end.ts";
import type { KeySpace } from "./wire/key_space.ts";
import type { WatchEvent, WatchEvents, WatchMessage } from "./wire/watch_message.ts";
import { within } from "../../time/within.ts";

/** How long events are applied at a time, in milliseconds. */
const SLICE_MS = 5;

/** Revisions that may wait to be applied, while a list is read or a burst arrives; more end the watch. */
const MAX_WAITING = 100_000;

/**
 * Events of one revision that are applied in one step: far more than a transaction may hold by default, which is 128.
 * Only the deletion of a range has more, and may have a hundred thousand; of 1,024 deletions it takes some milliseconds.
 */
const MAX_AT_ONCE = 1_024;

/** What a watch brings, in order. */
export interface WatchListener {
  /**
   * All events of one revision, or the next ones of so many that they would hold up everything else.
   *
   * @param isLast whether no more of this revision follow
   */
  onRevision(revision: number, events: readonly WatchEvent[], isLast: boolean): void;
  /** All events up to this revision have been passed on. */
  onProgress(revision: number): void;
}

/** Options of {@linkcode EtcdWatch.start}. */
export interface WatchOptions {
  readonly keySpace: KeySpace;
  /** The first revision to report. */
  readonly startRevision: number;
  readonly clusterId: string;
  readonly listener: WatchListener;
  /** How long the confirmation of the watch may take, in milliseconds. */
  readonly createTimeoutMs: number;
}

/** Events, or a sign of progress. */
type Waiting = WaitingEvents | { readonly revision: number };

/** Events of one message that wait to be applied. etcd sends all of a revision in one, unless asked to split them. */
class WaitingEvents {
  /** How many revisions they are of, at most. */
  readonly revisions: number;
  readonly #events: Iterator<WatchEvent>;
  #next: WatchEvent | undefined;

  /**
   * @param events at least one
   * @throws {SessionEnd} when one of them cannot be read
   */
  constructor(events: WatchEvents) {
    const [first, last] = readable(() => [events.at(0)!, events.at(-1)!] as const);
    this.revisions = Math.min(events.length, last.keyValue.revision - first.keyValue.revision + 1);
    this.#events = events[Symbol.iterator]();
    this.#advance();
  }

  get isEmpty(): boolean {
    return this.#next === undefined;
  }

  /**
   * Takes the events of the next revision, or as many of them as can be applied in one step.
   *
   * @throws {SessionEnd} when one of them cannot be read
   */
  take(): { readonly revision: number; readonly events: readonly WatchEvent[]; readonly isLast: boolean } {
    const { revision } = this.#next!.keyValue;
    const events: WatchEvent[] = [];
    while (this.#next?.keyValue.revision === revision && events.length < MAX_AT_ONCE) {
      events.push(this.#next);
      this.#advance();
    }
    return { revision, events, isLast: this.#next?.keyValue.revision !== revision };
  }

  #advance(): void {
    const { value, done } = readable(() => this.#events.next());
    this.#next = done === true ? undefined : value;
  }
}

function readable<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    const message = `etcd has sent events that cannot be read: ${(cause as Error).message}`;
    throw new SessionEnd("stream_failed", message, { cause });
  }
}

/** A watch that etcd has confirmed. */
export class EtcdWatch {
  /** Never resolves; rejects with a {@linkcode SessionEnd} when the watch has ended. */
  readonly ended: Promise<never>;
  /** When the stream last said anything, on the clock of `performance.now()`. */
  lastHeardAt = performance.now();
  /** Answers to progress requests. */
  progressAnswers = 0;
  readonly #stream: EtcdWatchStream;
  readonly #options: WatchOptions;
  readonly #created = Promise.withResolvers<void>();
  readonly #end: (error: SessionEnd) => void;
  readonly #waiting: Waiting[] = [];
  #waitingRevisions = 0;
  #isEnded = false;
  #isHeld = false;
  #isScheduled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The first revision that it reports. */
  get startRevision(): number {
    return this.#options.startRevision;
  }

  private constructor(stream: EtcdWatchStream, options: WatchOptions) {
    this.#stream = stream;
    this.#options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    this.ended = promise;
    // Whoever races it may have lost interest; the end of a watch is not an error of its own.
    promise.catch(() => {});
    this.#end = (error) => {
      this.#isEnded = true;
      clearTimeout(this.#timer);
      reject(error);
    };
    stream.on("data", (message) => this.#orEnd(() => this.#receive(message)));
    stream.on(
      "error",
      (error) => this.#end(new SessionEnd("stream_failed", toCallError(error, "watch").message)),
    );
    stream.on("end", () => this.#end(new SessionEnd("stream_ended", "etcd has ended the watch")));
  }

  /**
   * @throws {SessionEnd} when etcd refuses the watch or does not confirm it in time
   */
  static async start(connection: Pick<EtcdConnection, "watch">, options: WatchOptions): Promise<EtcdWatch> {
    const watch = new EtcdWatch(await connection.watch(), options);
    const { keySpace, startRevision, createTimeoutMs } = options;
    watch.#stream.write({
      create_request: {
        key: keySpace.start,
        range_end: keySpace.end,
        start_revision: startRevision,
        progress_notify: true,
      },
    });
    const confirmed = Promise.race([watch.#created.promise, watch.ended]);
    if (!await within(createTimeoutMs, confirmed)) {
      watch.#end(new SessionEnd("silent", `etcd has not confirmed the watch within ${createTimeoutMs} ms`));
    }
    await confirmed;
    return watch;
  }

  /**
   * Asks etcd for a sign of life on this very stream. The answer says nothing about the position: before
   * etcd 3.4.25 and 3.5.8 it could overtake events.
   *
   * @see https://github.com/etcd-io/etcd/issues/15220
   */
  requestProgress(): void {
    if (!this.#isEnded) this.#stream.write({ progress_request: {} });
  }

  /** Keeps events waiting, so that a list can be applied undisturbed. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Applies what has waited. */
  release(): void {
    this.#isHeld = false;
    this.#orEnd(() => this.#drain());
  }

  /** What ends the session while events are passed on ends the watch. */
  #orEnd(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SessionEnd)) throw error;
      this.#end(error);
    }
  }

  #receive(message: WatchMessage): void {
    if (this.#isEnded) return;
    this.lastHeardAt = performance.now();
    // Before anything else: a refused watch is "created" and "canceled" at once.
    if (message.canceled) {
      this.#end(endOf(message));
      return;
    }
    const { clusterId, revision } = message.header;
    if (clusterId !== this.#options.clusterId) {
      this.#end(new SessionEnd("cluster_changed", "Another etcd cluster answers"));
      return;
    }
    if (message.created) {
      this.#created.resolve();
    } else if (message.events.length > 0) {
      this.#enqueue(message.events);
    } else if (message.isProgressAnswer) {
      this.progressAnswers++;
    } else {
      this.#waiting.push({ revision });
    }
    if (!this.#isHeld && !this.#isScheduled) this.#drain();
  }

  #enqueue(events: WatchEvents): void {
    const waiting = new WaitingEvents(events);
    this.#waiting.push(waiting);
    this.#waitingRevisions += waiting.revisions;
    if (this.#waitingRevisions > MAX_WAITING) {
      this.#end(new SessionEnd("overrun", `More than ${MAX_WAITING} revisions wait to be applied`));
    }
  }

  #drain(): void {
    this.#isScheduled = false;
    const begun = performance.now();
    let done = 0;
    let isFirst = true;
    while (done < this.#waiting.length && !this.#isHeld && !this.#isEnded) {
      if (!isFirst && performance.now() - begun > SLICE_MS) break;
      isFirst = false;
      if (this.#apply(this.#waiting[done]!)) done++;
    }
    this.#waiting.splice(0, done);
    if (this.#waiting.length > 0 && !this.#isHeld && !this.#isEnded) {
      this.#isScheduled = true;
      // Not setImmediate(): see `breathe()`.
      this.#timer = setTimeout(() => this.#orEnd(() => this.#drain()), 0);
    }
  }

  /** Passes on the next revision, or a part of it. Returns whether nothing is left of what waits. */
  #apply(waiting: Waiting): boolean {
    const { listener } = this.#options;
    if (!(waiting instanceof WaitingEvents)) {
      listener.onProgress(waiting.revision);
      return true;
    }
    const { revision, events, isLast } = waiting.take();
    listener.onRevision(revision, events, isLast);
    if (!waiting.isEmpty) return false;
    this.#waitingRevisions = assertCount(
      this.#waitingRevisions - waiting.revisions,
      "revisions that wait to be applied",
    );
    return true;
  }
}

function endOf({ compactRevision, cancelReason }: WatchMessage): SessionEnd {
  if (compactRevision !== 0) {
    return new SessionEnd("compacted", `etcd has compacted its history up to revision ${compactRevision}`);
  }
  return new SessionEnd("canceled", `etcd has canceled the watch: ${cancelReason || "no reason given"}`);
}
