/**
 * The secrets of one source that the configuration uses. Each path is read once for all its users, read
 * again in time, and answered from memory meanwhile. What was read last stays while the source is away.
 *
 * @module
 */

import { assertCount } from "../errors.ts";
import type { Logger } from "@logtape/logtape";
import type { SecretAnswer, SecretSource } from "./source.ts";
import { backoffBoundMs } from "../time/backoff.ts";

/** Reads of one source at a time: a start with many secrets must not flood it. */
const CONCURRENT_READS = 4;

/** The shortest pause between two reads of a path, in milliseconds. */
const SHORTEST_PAUSE_MS = 1_000;

/** The longest pause after reads that failed, in milliseconds. */
const MAX_PAUSE_MS = 60_000;

/** By how much pauses are shortened at random at most, so that many gateways do not ask together. */
const JITTER = 0.2;

/** What is known of a path. */
export interface KnownSecret {
  /** The last answer; `undefined` before the first one. */
  readonly answer: Exclude<SecretAnswer, { readonly state: "unavailable" }> | undefined;
  /** Why the source could not be asked at the latest read; `undefined` when it could. */
  readonly trouble: string | undefined;
}

/** A source that notices changes by itself. */
export interface FollowingSource extends SecretSource {
  /** Notices changes at these paths from now on, and at no others. */
  follow?(paths: readonly string[]): Promise<void>;
}

/** The source that a {@linkcode SecretCache} reads, and when it reads again. */
export interface SecretCacheOptions {
  readonly source: FollowingSource;
  /** How old an answer may be before its path is read again, in milliseconds. */
  readonly refreshMs: number;
  /** Paths that are kept at most; those beyond are not read until others are let go. */
  readonly maxPaths: number;
  /** What to do when there are more, for the problem of those beyond. */
  readonly maxPathsAdvice: string;
  /**
   * The shortest pause between two reads of a path, in milliseconds; after reads that failed it is doubled each
   * time, up to a minute. @default 1000
   */
  readonly shortestPauseMs?: number;
  readonly logger: Logger;
}

const UNKNOWN: KnownSecret = { answer: undefined, trouble: undefined };

/** One path in use. */
class KeptSecret {
  readonly path: string;
  known = UNKNOWN;
  users = 0;
  /** `waiting` for room among the paths that are kept, `queued` for its turn, or read at this moment. */
  state: "idle" | "waiting" | "queued" | "reading" = "idle";
  /** Whether to read again at once after the read at this moment, which may see an older value. */
  again = false;
  /** Whether the next answer is expected to be another version, so that a standby that lags is asked twice. */
  confirm = false;
  readAt = -Infinity;
  failures = 0;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Called at the end of the first read that begins after they came. */
  waiters: (() => void)[] = [];
  /** Settles at the end of the first read, or when the path is let go. */
  readonly answered = Promise.withResolvers<void>();

  constructor(path: string) {
    this.path = path;
  }

  get isAnswered(): boolean {
    return this.known !== UNKNOWN;
  }
}

/** What one source says of the secrets that the configuration uses, read again in time. */
export class SecretCache implements AsyncDisposable {
  /** Called when what is known of a path has changed. */
  onChange: (path: string) => void = () => {};
  readonly #options: SecretCacheOptions;
  readonly #shortestPauseMs: number;
  readonly #kept = new Map<string, KeptSecret>();
  readonly #queue: KeptSecret[] = [];
  readonly #closing = new AbortController();
  readonly #reads = new Set<Promise<void>>();
  #unanswered = 0;
  #following = Promise.resolve();
  #followed = true;
  #refresh: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SecretCacheOptions) {
    this.#options = options;
    this.#shortestPauseMs = options.shortestPauseMs ?? SHORTEST_PAUSE_MS;
  }

  /** What is known of a path; nothing while it is not in use. */
  find(path: string): KnownSecret {
    return this.#kept.get(path)?.known ?? UNKNOWN;
  }

  /** Keeps a path until it is released as often as it was used. The first use reads it. */
  use(path: string): void {
    let kept = this.#kept.get(path);
    if (kept === undefined) {
      this.#kept.set(path, kept = new KeptSecret(path));
      this.#followed = false;
      if (this.#kept.size > this.#options.maxPaths) this.#putOff(kept);
      else {
        this.#unanswered++;
        this.#enqueue(kept);
      }
      this.#refresh ??= this.#scheduleRefresh();
    }
    kept.users++;
  }

  /** The inverse of {@linkcode use}. */
  release(path: string): void {
    const kept = this.#kept.get(path);
    if (kept === undefined || --kept.users > 0) return;
    if (!kept.isAnswered) this.#unanswered = assertCount(this.#unanswered - 1, "secrets without an answer");
    clearTimeout(kept.timer);
    this.#kept.delete(path);
    this.#followed = false;
    endWaiting(kept);
    if (kept.state === "waiting" || this.#closing.signal.aborted) return;
    const [next] = this.#kept.values().filter(({ state }) => state === "waiting").take(1);
    if (next === undefined) return;
    next.state = "idle";
    this.#enqueue(next);
  }

  /**
   * Reads a path again, after the shortest pause since the last time: an entry that uses it was changed, and
   * maybe the secret with it.
   */
  renew(path: string): void {
    const kept = this.#kept.get(path);
    if (kept === undefined || !kept.isAnswered || kept.state === "waiting") return;
    kept.confirm = true;
    const fresh = kept.readAt + this.#shortestPauseMs - performance.now();
    if (kept.state !== "idle" || fresh <= 0) this.#enqueue(kept);
    else this.#enqueueIn(fresh, kept);
  }

  /** Reads every path again. Resolves when all were asked. */
  async readAll(): Promise<void> {
    this.#followed = false;
    const reads = [...this.#kept.values()].filter(({ state }) => state !== "waiting").map((kept) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      kept.waiters.push(resolve);
      this.#enqueue(kept);
      return promise;
    });
    await Promise.all(reads);
  }

  /** Whether a path in use was never asked for to the end. */
  get isReading(): boolean {
    return this.#unanswered > 0;
  }

  /** Resolves when every path that is in use now was asked once. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#kept.values(), ({ answered }) => answered.promise));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#refresh);
    for (const kept of this.#kept.values()) {
      clearTimeout(kept.timer);
      endWaiting(kept);
    }
    this.#kept.clear();
    this.#unanswered = 0;
    this.#queue.length = 0;
    await Promise.all(this.#reads);
    await this.#options.source[Symbol.asyncDispose]();
  }

  #putOff(kept: KeptSecret): void {
    const { maxPaths, maxPathsAdvice } = this.#options;
    kept.state = "waiting";
    const reason = `More than ${maxPaths} paths are in use, and this one is not read: ${maxPathsAdvice}`;
    kept.known = { answer: { state: "misconfigured", reason }, trouble: undefined };
    kept.answered.resolve();
  }

  #scheduleRefresh(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#followed = false;
      for (const kept of this.#kept.values()) if (kept.state !== "waiting") this.#enqueue(kept);
      this.#refresh = this.#kept.size === 0 ? undefined : this.#scheduleRefresh();
    }, jittered(this.#options.refreshMs));
  }

  #enqueue(kept: KeptSecret): void {
    if (kept.state === "reading") kept.again = true;
    if (kept.state !== "idle" || this.#closing.signal.aborted) return;
    clearTimeout(kept.timer);
    kept.state = "queued";
    this.#queue.push(kept);
    this.#readNext();
  }

  #enqueueIn(milliseconds: number, kept: KeptSecret): void {
    clearTimeout(kept.timer);
    kept.timer = setTimeout(() => this.#enqueue(kept), milliseconds);
  }

  #readNext(): void {
    while (this.#reads.size < CONCURRENT_READS) {
      const kept = this.#queue.shift();
      if (kept === undefined) return;
      if (this.#kept.get(kept.path) !== kept) continue; // Let go meanwhile.
      const read = this.#read(kept).finally(() => {
        this.#reads.delete(read);
        this.#readNext();
      });
      this.#reads.add(read);
    }
  }

  async #read(kept: KeptSecret): Promise<void> {
    kept.state = "reading";
    await this.#follow();
    const waiters = kept.waiters;
    kept.waiters = [];
    kept.readAt = performance.now();
    const answer = await this.#ask(kept.path);
    kept.state = "idle";
    if (this.#kept.get(kept.path) === kept) {
      this.#take(kept, answer);
      this.#scheduleNext(kept, answer);
    }
    kept.answered.resolve();
    for (const end of waiters) end();
  }

  /** Once for all reads that begin together, since what follows looks at all paths. */
  #follow(): Promise<void> {
    const { source, logger } = this.#options;
    if (this.#followed) return this.#following;
    this.#followed = true;
    return this.#following = this.#following
      .then(() => source.follow?.([...this.#kept.keys()]))
      .catch((error) => logger.error("Watching secrets failed: changes are noticed late", { error }));
  }

  async #ask(path: string): Promise<SecretAnswer> {
    const { source, logger } = this.#options;
    try {
      return await source.read(path, this.#closing.signal);
    } catch (error) {
      if (!this.#closing.signal.aborted) logger.error("Reading a secret failed", { path, error });
      return { state: "unavailable", reason: "Reading it failed: see the log" };
    }
  }

  #take(kept: KeptSecret, answer: SecretAnswer): void {
    const former = kept.known;
    if (!kept.isAnswered) this.#unanswered = assertCount(this.#unanswered - 1, "secrets without an answer");
    kept.known = answer.state === "unavailable"
      ? { answer: former.answer, trouble: answer.reason }
      : { answer, trouble: undefined };
    if (kept.confirm && isSameVersion(former.answer, answer)) this.#enqueueIn(this.#shortestPauseMs, kept);
    kept.confirm = false;
    if (!isSame(former, kept.known)) this.onChange(kept.path);
  }

  #scheduleNext(kept: KeptSecret, answer: SecretAnswer): void {
    if (kept.again) {
      kept.again = false;
      this.#enqueue(kept);
      return;
    }
    kept.failures = answer.state === "unavailable" ? kept.failures + 1 : 0;
    if (kept.failures === 0) return;
    const pauses = { initialMs: this.#shortestPauseMs, maxMs: MAX_PAUSE_MS };
    const pause = backoffBoundMs(pauses, kept.failures);
    this.#enqueueIn(jittered(pause), kept);
  }
}

function endWaiting({ answered, waiters }: KeptSecret): void {
  answered.resolve();
  for (const end of waiters.splice(0)) end();
}

function jittered(milliseconds: number): number {
  return milliseconds * (1 - Math.random() * JITTER);
}

function isSameVersion(former: KnownSecret["answer"], answer: SecretAnswer): boolean {
  return former?.state === "found" && answer.state === "found" && answer.version !== undefined &&
    former.version === answer.version;
}

function isSame(former: KnownSecret, known: KnownSecret): boolean {
  if (former === UNKNOWN || former.trouble !== known.trouble) return false;
  const [a, b] = [former.answer, known.answer];
  if (a?.state === "found" && b?.state === "found") {
    return a.fields.size === b.fields.size &&
      a.fields.entries().every(([name, text]) => b.fields.get(name) === text);
  }
  return a?.state === b?.state && reasonOf(a) === reasonOf(b);
}

function reasonOf(answer: KnownSecret["answer"]): string | undefined {
  return answer === undefined || answer.state === "found" ? undefined : answer.reason;
}
