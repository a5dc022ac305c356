/**
 * Whether an output gets through to the system behind it, as a trouble that begins after some failures in a row and
 * ends with the first success.
 *
 * @module
 */

import { DeliveryError } from "../errors.ts";
import { abortable } from "../time/abortable.ts";
import { Backoff, type BackoffGrowth } from "../time/backoff.ts";
import { type Deadlines, Timer } from "../time/deadlines.ts";
import type { HealthReports } from "./health.ts";
import type { Subject } from "./trouble.ts";

/** Failures in a row that are a trouble. */
const LEAST_FAILURES = 3;

/** How long they have to go on for that, in milliseconds: what is over sooner is none. */
const LEAST_MS = 1_000;

/** The pauses between probes of a system that nobody delivers to while it is down. */
const PAUSES = { initialMs: 1_000, maxMs: 30_000 };

const PROBE_TIMEOUT_MS = 5_000;

/** What is watched, and where it is reported. */
export interface ReachabilityOptions {
  readonly subject: Subject;
  readonly health: HealthReports;
  readonly deadlines: Deadlines;
  /** What to do, as the end of the sentence "Look at". */
  readonly place: string;
  /**
   * Asks the system whether it is back, without an event. Left out, only a delivery shows it.
   *
   * @throws while it is not
   */
  readonly probe?: (signal: AbortSignal) => Promise<void>;
  /** The pauses between probes while nobody delivers. @default from 1 s to 30 s, half of each random */
  readonly pauses?: BackoffGrowth;
  /** A clock in milliseconds that never goes back. @default performance.now */
  readonly now?: () => number;
}

/** Follows how the calls of one output end. Disposal says that there is no such output any more. */
export class Reachability implements Disposable {
  readonly #options: ReachabilityOptions;
  readonly #pauses: Backoff;
  readonly #now: () => number;
  readonly #nextProbe = new Timer(() => void this.#probe());
  /** In a row, since it has answered last. */
  #failures = 0;
  /** How many such rows there were. */
  #row = 0;
  /** When the first of the failures in a row was. */
  #since = 0;
  #isDown = false;
  #failure: DeliveryError | undefined;
  #isClosed = false;

  constructor(options: ReachabilityOptions) {
    this.#options = options;
    this.#pauses = new Backoff(options.pauses ?? PAUSES);
    this.#now = options.now ?? (() => performance.now());
  }

  /** A call has ended with an answer, whatever that was. Costs next to nothing while all of them do. */
  answered(): void {
    if (this.#failures > 0) this.#end("ended");
  }

  /** A call, or a probe, has ended without the event being taken, which it may be later. */
  failed(failure: DeliveryError): void {
    if (this.#isClosed) return;
    this.#failure = failure;
    if (this.#failures++ === 0) this.#begin();
    if (this.#failures < LEAST_FAILURES || this.#now() - this.#since < LEAST_MS) return;
    this.#isDown = true;
    const { subject, health, place } = this.#options;
    health.begin({ ...subject, kind: "unreachable", cause: `${failure.message}. Look at ${place}` }, this);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#end("removed");
  }

  #begin(): void {
    this.#row++;
    this.#since = this.#now();
    this.#pauses.reset();
    this.#probeLater();
  }

  #end(change: "ended" | "removed"): void {
    const { subject, health, deadlines } = this.#options;
    this.#failures = 0;
    deadlines.clear(this.#nextProbe);
    if (!this.#isDown) return;
    this.#isDown = false;
    health.end(subject, "unreachable", this, change);
  }

  #probeLater(): void {
    const { deadlines, probe } = this.#options;
    if (probe !== undefined) deadlines.set(this.#pauses.next(), this.#nextProbe);
  }

  /** Whether it is down shows without deliveries, too; that it is back, if not answering was all that was wrong. */
  async #probe(): Promise<void> {
    const row = this.#row;
    const failure = await this.#failureOfProbe();
    // A delivery may have shown meanwhile how it is.
    if (this.#failures === 0 || this.#row !== row) return;
    if (failure !== undefined) this.failed(failure);
    else if (this.#failure?.code === "output_unavailable") return this.answered();
    this.#probeLater();
  }

  async #failureOfProbe(): Promise<DeliveryError | undefined> {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    try {
      await abortable(this.#options.probe!(signal), signal);
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      return new DeliveryError("output_timeout", `${this.#options.subject.name} did not answer in time`);
    }
  }
}
