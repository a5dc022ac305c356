/**
 * Reports webhooks that have dead letters, however those have come and whoever removes them: it looks whether their
 * number has changed, and counts what is new.
 *
 * @module
 */

import type { HealthReports } from "../health/health.ts";
import { pause } from "../time/abortable.ts";
import type { DeadLetterCount, DeadLetters } from "./dead_letters.ts";

/** How often is looked whether anything has changed, in milliseconds: at two numbers in memory. */
const LOOK_MS = 250;

/** Letters that are counted by one operation, so that none is long. */
const SLICE = 2_000;

/** Webhooks whose letters are counted, of those that have any. */
const MAX_WEBHOOKS = 10_000;

/** What is asked how many letters there are. */
export interface DeadLetterStatsSource {
  readonly isOpen: boolean;
  readonly deadLetters: Pick<DeadLetters, "count">;
  stats(): { readonly deadLetters: number; readonly buried: number };
}

/** Follows the dead letters of a journal until it is disposed of. */
export class DeadLetterReports implements AsyncDisposable {
  readonly #journal: DeadLetterStatsSource;
  readonly #health: HealthReports;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** By `namespace/id`. */
  #counts = new Map<string, DeadLetterCount>();
  /** What was counted last: not all is, while it is counted again. */
  #shown: ReadonlyMap<string, DeadLetterCount> = this.#counts;
  #total = 0;
  #buried = 0;
  /** Up to which letter they are counted. */
  #position = 0;

  constructor(journal: DeadLetterStatsSource, health: HealthReports) {
    this.#journal = journal;
    this.#health = health;
    this.#running = this.#run();
  }

  /** How many letters each webhook has; nothing of webhooks without any. */
  get counts(): Iterable<DeadLetterCount> {
    return this.#shown.values();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch {
        // The journal has reported why it cannot be read, and is asked again.
      }
      await pause(LOOK_MS, signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    if (!this.#journal.isOpen) return;
    const { deadLetters, buried } = this.#journal.stats();
    if (deadLetters === this.#total && buried === this.#buried) return;
    await this.#countNew(signal);
    this.#buried = buried;
    if (this.#total > this.#journal.stats().deadLetters && !signal.aborted) await this.#countAgain(signal);
    this.#shown = this.#counts;
  }

  /** Some were removed, and nobody says whose. */
  async #countAgain(signal: AbortSignal): Promise<void> {
    const before = this.#counts;
    this.#counts = new Map();
    this.#total = this.#position = 0;
    await this.#countNew(signal);
    if (signal.aborted) return;
    for (const path of before.keys()) {
      if (!this.#counts.has(path)) this.#health.end({ part: "webhook", name: path }, "dead_letters", this);
    }
  }

  async #countNew(signal: AbortSignal): Promise<void> {
    const changed = new Set<string>();
    for (let isMore = true; isMore && !signal.aborted;) {
      const { counts, last, more } = await this.#journal.deadLetters.count(this.#position, SLICE);
      for (const count of counts) this.#add(count, changed);
      this.#position = last;
      isMore = more;
    }
    for (const path of changed) this.#report(path);
  }

  #add(found: DeadLetterCount, changed: Set<string>): void {
    this.#total += found.count;
    const path = `${found.namespace}/${found.webhook}`;
    const known = this.#counts.get(path);
    if (known === undefined && this.#counts.size >= MAX_WEBHOOKS) return;
    const since = Math.min(known?.since ?? Infinity, found.since);
    this.#counts.set(path, { ...found, count: found.count + (known?.count ?? 0), since });
    changed.add(path);
  }

  #report(path: string): void {
    const { namespace, webhook, count, since, reason, connection } = this.#counts.get(path)!;
    const last = `${reason}${connection === "" ? "" : ` at ${connection}`}`;
    this.#health.begin({
      part: "webhook",
      name: path,
      kind: "dead_letters",
      cause: `${count} could not be delivered, the last one: ${last}. ` +
        `cwm dead-letters list --namespace ${namespace} --webhook ${webhook} says why; replay or drop them`,
      count,
      since,
    }, this);
  }
}
