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
 * const failures = new RateLimited();
 * failures.run("kafka_main", (suppressed) => log.warning("Cannot deliver", { suppressed }));
 * ```
 */
export class RateLimited {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #reported = new Map<string, Reported>();

  /**
   * @param intervalMs at most one report per key in this time. @default 10000
   * @param now a clock in milliseconds that never goes back
   */
  constructor(intervalMs = 10_000, now: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Calls `report`, unless it was called for this key within the interval; it is told how often it was not. */
  run(key: string, report: (suppressed: number) => void): void {
    const now = this.#now();
    const last = this.#reported.get(key);
    if (last !== undefined && now - last.at < this.#intervalMs) {
      last.suppressed++;
      return;
    }
    this.#remember(key, { at: now, suppressed: 0 });
    report(last?.suppressed ?? 0);
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
