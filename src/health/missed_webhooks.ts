/**
 * Webhooks that requests come for although there are none: a misspelt name at a sender, or one that was removed.
 *
 * Strangers may ask for whatever they like: few are kept, the last ones, and none is looked up while they ask.
 *
 * @module
 */

import { type Deadlines, Timer } from "../time/deadlines.ts";
import { Pace } from "../time/pace.ts";
import type { HealthReports } from "./health.ts";

/** Paths that are followed at most. */
const MOST_PATHS = 100;

/** Webhooks of which it is known when they were removed, the last ones. */
const MOST_REMOVED = 1_000;

/** How long after its last request one is a trouble, in milliseconds. */
const KEPT_MS = 5 * 60_000;

/** How often counts are reported and old ones are looked for, in milliseconds. */
const LOOK_MS = 1_000;

/** Names that differ in length by more are not compared. */
const MOST_DIFFERENCE = 4;

/** What is needed to follow them. */
export interface MissedWebhooksOptions {
  readonly health: HealthReports;
  readonly deadlines: Deadlines;
  /** The paths of all webhooks, `namespace/id`. */
  readonly paths: () => Iterable<string>;
  /** How many characters differ between two texts. */
  readonly distance: (one: string, other: string) => number;
  /** A clock in milliseconds that never goes back. @default performance.now */
  readonly now?: () => number;
}

/** A webhook that does not exist. */
interface Missed {
  count: number;
  reported: number;
  lastAt: number;
  /** The one that is likely meant; `undefined` until it was looked for. */
  nearest: string | undefined | "none";
}

/** Follows requests to webhooks that do not exist. */
export class MissedWebhooks implements Disposable {
  readonly #options: MissedWebhooksOptions;
  readonly #now: () => number;
  /** By `namespace/id`, the one that was asked for last at the end. */
  readonly #missed = new Map<string, Missed>();
  /** The revision at which webhooks were removed, by `namespace/id`, the last one at the end. */
  readonly #removed = new Map<string, string>();
  readonly #nextLook = new Timer(() => this.#look());
  readonly #closing = new AbortController();
  #isSearching = false;

  constructor(options: MissedWebhooksOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** A request has come for a webhook that does not exist. @param path `namespace/id`, valid names */
  note(path: string): void {
    let missed = this.#missed.get(path);
    if (missed === undefined) {
      if (this.#missed.size >= MOST_PATHS) this.#forgetFirst();
      missed = { count: 0, reported: 0, lastAt: 0, nearest: undefined };
    }
    missed.count++;
    missed.lastAt = this.#now();
    this.#missed.delete(path); // A Map keeps the order of insertion.
    this.#missed.set(path, missed);
    if (missed.reported > 0) return;
    this.#report(path, missed);
    this.#options.deadlines.set(LOOK_MS, this.#nextLook);
    void this.#search();
  }

  /** A webhook was removed. @param revision of the configuration; `undefined` where it is not known */
  removed(path: string, revision: string | undefined): void {
    if (revision === undefined || revision === "") return;
    this.#removed.delete(path);
    this.#removed.set(path, revision);
    if (this.#removed.size <= MOST_REMOVED) return;
    for (const first of this.#removed.keys()) {
      this.#removed.delete(first);
      return;
    }
  }

  /** There is such a webhook now. */
  found(path: string): void {
    this.#removed.delete(path);
    this.#forget(path);
  }

  #forget(path: string): void {
    if (this.#missed.delete(path)) this.#end(path);
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#options.deadlines.clear(this.#nextLook);
  }

  #look(): void {
    const oldest = this.#now() - KEPT_MS;
    for (const [path, missed] of this.#missed) {
      if (missed.lastAt <= oldest) this.#forget(path);
      else if (missed.count !== missed.reported) this.#report(path, missed);
    }
    if (this.#missed.size > 0) this.#options.deadlines.set(LOOK_MS, this.#nextLook);
  }

  #report(path: string, missed: Missed): void {
    missed.reported = missed.count;
    const { nearest } = missed;
    const hint = nearest === undefined || nearest === "none" ? "" : `: the nearest is ${nearest}`;
    this.#options.health.begin({
      part: "webhook",
      name: path,
      kind: "missing",
      cause: `Requests come for it and get 404, since ${this.#whyMissing(path)}${hint}. ` +
        "Mend the URL at the sender, or configure the webhook",
      count: missed.count,
    }, this);
  }

  #whyMissing(path: string): string {
    const revision = this.#removed.get(path);
    return revision === undefined ? "there is no such webhook" : `it was removed at revision ${revision}`;
  }

  #end(path: string): void {
    this.#options.health.end({ part: "webhook", name: path }, "missing", this, "removed");
  }

  #forgetFirst(): void {
    for (const path of this.#missed.keys()) {
      this.#forget(path);
      return;
    }
  }

  /** Looks for the webhooks that are meant, in slices: there may be hundreds of thousands. */
  async #search(): Promise<void> {
    if (this.#isSearching) return;
    this.#isSearching = true;
    try {
      for (let next = this.#unsearched(); next !== undefined; next = this.#unsearched()) {
        const [path, missed] = next;
        missed.nearest = await this.#nearestTo(path) ?? "none";
        if (this.#missed.get(path) === missed && missed.nearest !== "none") this.#report(path, missed);
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) throw error;
    } finally {
      this.#isSearching = false;
    }
  }

  #unsearched(): [string, Missed] | undefined {
    for (const entry of this.#missed) if (entry[1].nearest === undefined) return entry;
    return undefined;
  }

  async #nearestTo(path: string): Promise<string | undefined> {
    const { paths, distance } = this.#options;
    const pace = new Pace(this.#closing.signal);
    let nearest: string | undefined;
    let least = Math.min(MOST_DIFFERENCE, Math.ceil(path.length / 4)) + 1;
    for (const other of paths()) {
      await pace.keep();
      if (Math.abs(other.length - path.length) >= least) continue;
      const between = distance(path, other);
      if (between >= least) continue;
      nearest = other;
      least = between;
    }
    return nearest;
  }
}
