import type {
  AppendListener,
  AppendOptions,
  Claimed,
  ClaimLimit,
  Holding,
  Journal,
  JournalListener,
  JournalStats,
  LaneBacklog,
  LaneKey,
  RecalledKey,
  RememberedEvent,
  Settlement,
} from "../../../src/journal/journal.ts";
import type { DeadLetters } from "../../../src/dead_letters/dead_letters.ts";
import type { RepeatKey } from "../../../src/event/repeat_key.ts";
import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import { append } from "./append.ts";

/**
 * A journal as a process sees it that is killed: from one call on, nothing reaches the store any more, and no
 * promise of an earlier call is kept either. What had reached the store may be in it or not.
 */
export class MortalJournal implements Journal {
  readonly #journal: Journal;
  readonly #died = Promise.withResolvers<void>();
  #callsLeft = Infinity;
  #dead = false;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  /** Resolves at the death. */
  get died(): Promise<void> {
    return this.#died.promise;
  }

  /** @param calls that the store still gets; 0: it dies now */
  dieAfter(calls: number): void {
    this.#callsLeft = calls;
    if (calls === 0) this.#die();
  }

  append(event: VerifiedEvent, options: AppendOptions, listener: AppendListener): void {
    this.#call(() => append(this.#journal, event, options)).then(
      (appended) => listener.onAppended(appended),
      (error) => listener.onRefused(error),
    );
  }

  claim(lane: LaneKey, limit: ClaimLimit): Promise<Claimed> {
    return this.#call(() => this.#journal.claim(lane, limit));
  }

  settle(settlement: Settlement): Promise<void> {
    return this.#call(() => this.#journal.settle(settlement));
  }

  holds(sequence: number): Holding {
    return this.#journal.holds(sequence);
  }

  follow(listener: JournalListener): void {
    this.#journal.follow(listener);
  }

  lanes(): Promise<readonly LaneBacklog[]> {
    return this.#call(() => this.#journal.lanes());
  }

  findRepeated(lane: LaneKey, key: RepeatKey): Promise<string | undefined> {
    return this.#call(() => this.#journal.findRepeated(lane, key));
  }

  remember(events: readonly RememberedEvent[]): Promise<void> {
    return this.#call(() => this.#journal.remember(events));
  }

  recall(lane: LaneKey, limit: number): Promise<readonly RecalledKey[]> {
    return this.#call(() => this.#journal.recall(lane, limit));
  }

  get isOpen(): boolean {
    return this.#journal.isOpen;
  }

  get deadLetters(): DeadLetters {
    return this.#journal.deadLetters;
  }

  stats(): JournalStats {
    return this.#journal.stats();
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#journal[Symbol.asyncDispose]();
  }

  #call<Result>(operate: () => Promise<Result>): Promise<Result> {
    if (this.#dead || this.#callsLeft-- <= 0) {
      this.#die();
      return new Promise(() => {});
    }
    return new Promise((resolve, reject) => {
      operate().then(
        (result) => this.#dead || resolve(result),
        (error) => this.#dead || reject(error),
      );
    });
  }

  #die(): void {
    this.#dead = true;
    this.#died.resolve();
  }
}
