/**
 * What is wrong now, as the parts of the gateway report it: of each webhook, output, connection and channel, of the
 * configuration and of the journal, since when and why. What nothing is reported of is well and takes no memory.
 *
 * Parts report what changes and not what happens: a request that succeeds reports nothing.
 *
 * @module
 */

import { assertCount } from "../errors.ts";
import {
  LASTING_KINDS,
  type Subject,
  type Trouble,
  TROUBLE_KINDS,
  TROUBLE_STATES,
  type TroubleKind,
  type TroubleReport,
  type TroubleState,
} from "./trouble.ts";

/** Troubles that are kept at most; what is reported beyond is counted. */
const MAX_TROUBLES = 10_000;

/**
 * What has changed.
 *
 * - `began`: it was well in this respect before.
 * - `continued`: the trouble has another cause or another count.
 * - `ended`: it is well again in this respect.
 * - `removed`: what it was of is not there any more.
 */
export type HealthChange = "began" | "continued" | "ended" | "removed";

/**
 * Called at once for every change. Must not throw, and must not report.
 *
 * @param trouble as it is now; as it was last, where it is over
 */
export type HealthListener = (change: HealthChange, trouble: Trouble) => void;

/** Where a part reports its troubles. */
export interface HealthReports {
  /**
   * Reports a trouble, or that one that was reported before has another cause or count. Since when it is stays.
   *
   * @param by who reports it. A trouble that several report ends when all of them have said so. @default nobody
   */
  begin(report: TroubleReport, by?: object): void;
  /**
   * Reports that a trouble is over. Nothing happens where it was not reported.
   *
   * @param change `removed` when what it was of is not there any more. @default "ended"
   * @param by as given to {@linkcode HealthReports.begin}
   */
  end(subject: Subject, kind: TroubleKind, by?: object, change?: "ended" | "removed"): void;
}

/** A trouble and who reports it: the latest report comes last. */
interface Reported {
  trouble: Trouble;
  readonly reports: Map<object, TroubleReport>;
}

/** Who reports where a part does not say. */
const NOBODY = {};

/** The troubles of one gateway: at most 10,000. */
export class Health implements HealthReports {
  /** By what they are of, most of which has none: webhooks are forgotten by the ten thousand. */
  readonly #troubles = new Map<string, Map<TroubleKind, Reported>>();
  #size = 0;
  readonly #listeners = new Set<HealthListener>();
  readonly #now: () => number;
  #unlisted = 0;

  /** @param now in milliseconds since 1970. @default Date.now */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  begin(report: TroubleReport, by: object = NOBODY): void {
    const key = keyOf(report);
    const { kind } = report;
    const ofSubject = this.#troubles.get(key) ?? new Map<TroubleKind, Reported>();
    const known = ofSubject.get(kind);
    if (known !== undefined) return this.#continue(known, report, by);
    if (this.#size >= MAX_TROUBLES) {
      this.#unlisted++;
      return;
    }
    const trouble = { ...report, state: TROUBLE_KINDS[kind], since: report.since ?? this.#now() };
    this.#troubles.set(key, ofSubject.set(kind, { trouble, reports: new Map([[by, report]]) }));
    this.#size++;
    this.#publish("began", trouble);
  }

  end(
    subject: Subject,
    kind: TroubleKind,
    by: object = NOBODY,
    change: "ended" | "removed" = "ended",
  ): void {
    const known = this.#troubles.get(keyOf(subject))?.get(kind);
    if (known === undefined || !known.reports.delete(by)) return;
    const latest = [...known.reports.values()].at(-1);
    if (latest !== undefined) return this.#replace(known, latest);
    this.#remove(subject, kind, known, change);
  }

  /** Ends every trouble of something that is not there any more but {@linkcode LASTING_KINDS}, whoever reports it. */
  forget(subject: Subject): void {
    if (this.#size === 0) return;
    for (const [kind, known] of this.#troubles.get(keyOf(subject)) ?? []) {
      if (!LASTING_KINDS.has(kind)) this.#remove(subject, kind, known, "removed");
    }
  }

  /** Every trouble, the worst first, and of those that are equally bad the oldest. */
  troubles(): readonly Trouble[] {
    return [...this.#all()].sort(worstFirst);
  }

  /** What is wrong with one thing, the worst first; nothing when it is well. */
  troublesOf(subject: Subject): readonly Trouble[] {
    const found = this.#troubles.get(keyOf(subject))?.values() ?? [];
    return Array.from(found, ({ trouble }) => trouble).sort(worstFirst);
  }

  /** How many troubles there are in each state. */
  get counts(): Readonly<Record<TroubleState, number>> {
    const counts: Record<TroubleState, number> = { down: 0, impaired: 0, off: 0 };
    for (const trouble of this.#all()) counts[trouble.state]++;
    return counts;
  }

  /** Reports that found no room, since the last time that nothing was wrong. */
  get unlisted(): number {
    return this.#unlisted;
  }

  /** Has a listener called for every change, until what is returned is disposed of. */
  subscribe(listener: HealthListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #continue(known: Reported, report: TroubleReport, by: object): void {
    known.reports.delete(by); // A Map keeps the order of insertion.
    known.reports.set(by, report);
    this.#replace(known, report);
  }

  #replace(known: Reported, { cause, count }: TroubleReport): void {
    const { trouble } = known;
    if (trouble.cause === cause && trouble.count === count) return;
    known.trouble = { ...trouble, cause, ...(count === undefined ? {} : { count }) };
    this.#publish("continued", known.trouble);
  }

  #remove(subject: Subject, kind: TroubleKind, { trouble }: Reported, change: "ended" | "removed"): void {
    const key = keyOf(subject);
    const ofSubject = this.#troubles.get(key);
    ofSubject?.delete(kind);
    if (ofSubject?.size === 0) this.#troubles.delete(key);
    this.#size = assertCount(this.#size - 1, "troubles");
    if (this.#size === 0) this.#unlisted = 0;
    this.#publish(change, trouble);
  }

  *#all(): Generator<Trouble> {
    for (const ofSubject of this.#troubles.values()) {
      for (const { trouble } of ofSubject.values()) yield trouble;
    }
  }

  #publish(change: HealthChange, trouble: Trouble): void {
    for (const listener of this.#listeners) listener(change, trouble);
  }
}

function keyOf({ part, name }: Subject): string {
  return `${part}\0${name}`;
}

function worstFirst(one: Trouble, other: Trouble): number {
  return TROUBLE_STATES.indexOf(one.state) - TROUBLE_STATES.indexOf(other.state) || one.since - other.since;
}
