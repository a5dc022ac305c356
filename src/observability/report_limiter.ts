/**
 * Limits how often the same report is made.
 *
 * @module
 */

/** Most keys that are remembered at once; the one that reported first is forgotten for a new one. */
const MAX_KEYS = 1_000;

interface Reported {
  readonly at: number;
  suppressed: number;
}

/**
 * Keeps a warning that repeats from flooding the log: a broken output fails thousands of times a second,
 * for one reason. What must be counted exactly belongs in a metric.
 *
 * @example
 * ```ts
 * const failures = new ReportLimiter();
 * failures.run("kafka_main", (suppressed) => log.warning("Cannot deliver", { suppressed }));
 * ```
 */
export class ReportLimiter {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #mostReports: number;
  #reports = 0;
  #countedSince = -Infinity;
  readonly #reported = new Map<string, Reported>();

  /**
   * @param intervalMs at most one report per key in this time. @default 10000
   * @param now a clock in milliseconds that never goes back
   * @param mostReports at most this many reports of all keys together in that time, for keys of which strangers
   * can make many. @default Infinity
   */
  constructor(
    intervalMs = 10_000,
    now: () => number = () => performance.now(),
    mostReports: number = Infinity,
  ) {
    this.#intervalMs = intervalMs;
    this.#now = now;
    this.#mostReports = mostReports;
  }

  /**
   * Calls `report`, unless it was called for this key, or too often for others, within the interval.
   *
   * @param report gets the number of calls for this key that were left out before
   */
  run(key: string, report: (suppressed: number) => void): void {
    const now = this.#now();
    const last = this.#reported.get(key);
    if (last !== undefined && now - last.at < this.#intervalMs) {
      last.suppressed++;
      return;
    }
    const suppressed = last?.suppressed ?? 0;
    if (!this.#mayReport(now)) {
      this.#remember(key, { at: now, suppressed: suppressed + 1 });
      return;
    }
    this.#remember(key, { at: now, suppressed: 0 });
    report(suppressed);
  }

  #mayReport(now: number): boolean {
    if (now - this.#countedSince >= this.#intervalMs) {
      this.#countedSince = now;
      this.#reports = 0;
    }
    return ++this.#reports <= this.#mostReports;
  }

  #remember(key: string, reported: Reported): void {
    this.#reported.delete(key); // A Map keeps the order of insertion: the oldest report stands first.
    if (this.#reported.size >= MAX_KEYS) {
      for (const oldest of this.#reported.keys()) {
        this.#reported.delete(oldest);
        break;
      }
    }
    this.#reported.set(key, reported);
  }
}
