/**
 * Finds webhooks whose secret no longer matches: one that let requests in, and now refuses all of them for what they
 * present. Strangers present what matches nothing, too; they make no trouble of a webhook that lets others in meanwhile,
 * nor of one that has been silent no longer than usual.
 *
 * Requests that are let in report nothing: they are counted anyway, and the count is looked at when one is refused.
 *
 * @module
 */

import { type Deadlines, Timer } from "../time/deadlines.ts";
import type { HealthReports } from "./health.ts";

/** Requests in a row that match no secret and make a trouble. */
const LEAST_MISMATCHES = 10;

/** How long the row has to be at least, in milliseconds. */
const LEAST_MS = 1_000;

/** How many times as long as the pauses between requests that are let in, on the average. */
const SILENCE = 3;

/** How long the row has to be at most, however rare requests are, in milliseconds. */
const MOST_MS = 60 * 60_000;

/** Webhooks that are followed at most: the last ones that refused something, since strangers decide how many do. */
const MAX_WEBHOOKS = 1_000;

/** How often is looked whether a secret matches again, in milliseconds. */
const LOOK_MS = 250;

/** What is needed to find them. */
export interface SecretMismatchesOptions {
  readonly health: HealthReports;
  readonly deadlines: Deadlines;
  /** How many requests a webhook has let in since the start. @param path `namespace/id` */
  readonly admitted: (path: string) => number;
  /** A clock in milliseconds that never goes back. @default performance.now */
  readonly now?: () => number;
}

/** Requests in a row that match no secret. */
interface Row {
  /** How many had been let in before the first of them. */
  readonly admitted: number;
  readonly since: number;
  mismatches: number;
  isReported: boolean;
}

/** Follows the webhooks that refuse requests. */
export class SecretMismatches {
  readonly #options: SecretMismatchesOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  /** By `namespace/id`, the webhook that refused something last at the end. */
  readonly #rows = new Map<string, Row>();
  readonly #nextLook = new Timer(() => this.#look());

  constructor(options: SecretMismatchesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
  }

  /** A request has presented credentials in the right form that match no secret. @param path `namespace/id` */
  note(path: string): void {
    const admitted = this.#options.admitted(path);
    if (admitted === 0) return;
    const row = this.#rowOf(path, admitted);
    row.mismatches++;
    if (row.isReported || row.mismatches < LEAST_MISMATCHES) return;
    if (this.#now() - row.since < this.#silenceMs(row)) return;
    row.isReported = true;
    this.#options.health.begin({
      part: "webhook",
      name: path,
      kind: "secret_mismatch",
      cause:
        `Requests were let in before, and now ${LEAST_MISMATCHES} and more in a row match no secret. Has it been ` +
        `changed at the sender? GET /admin/webhooks/${path} shows who is refused, and why`,
    });
    this.#options.deadlines.set(LOOK_MS, this.#nextLook);
  }

  /** The webhook is not there any more. */
  forget(path: string): void {
    this.#rows.delete(path);
  }

  #rowOf(path: string, admitted: number): Row {
    let row = this.#rows.get(path);
    if (row !== undefined && row.admitted !== admitted) this.#end(path, row);
    if (row === undefined || row.admitted !== admitted) {
      row = { admitted, since: this.#now(), mismatches: 0, isReported: false };
    }
    this.#rows.delete(path); // A Map keeps the order of insertion.
    if (this.#rows.size >= MAX_WEBHOOKS) this.#forgetFirst();
    this.#rows.set(path, row);
    return row;
  }

  #silenceMs({ admitted, since }: Row): number {
    const usualMs = (since - this.#startedAt) / admitted;
    return Math.min(MOST_MS, Math.max(LEAST_MS, SILENCE * usualMs));
  }

  #look(): void {
    let isAnyReported = false;
    for (const [path, row] of this.#rows) {
      if (!row.isReported) continue;
      if (this.#options.admitted(path) === row.admitted) isAnyReported = true;
      else {
        this.#end(path, row);
        this.#rows.delete(path);
      }
    }
    if (isAnyReported) this.#options.deadlines.set(LOOK_MS, this.#nextLook);
  }

  #end(path: string, row: Row): void {
    if (row.isReported) this.#options.health.end({ part: "webhook", name: path }, "secret_mismatch");
  }

  #forgetFirst(): void {
    for (const [path, row] of this.#rows) {
      // What nobody follows any more must not stay reported.
      this.#end(path, row);
      this.#rows.delete(path);
      return;
    }
  }
}
