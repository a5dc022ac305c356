import type { ProblemReason } from "./problem.ts";

/** How long a reload may take before it counts as hung, in milliseconds. */
const HUNG_AFTER_MS = 2_000;

/** Says when a reload does not end, as on a mount whose server is gone, so that operators see since when. */
export class ReloadWatch {
  readonly #report: (problem: ProblemReason | undefined) => void;
  readonly #what: string;
  readonly #hungAfterMs: number;
  /** Those under way. */
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #isReported = false;

  /**
   * @param report takes the problem, or that it is over
   * @param what has not ended, at the beginning of a sentence
   * @param hungAfterMs how long it may take. @default 2000
   */
  constructor(
    report: (problem: ProblemReason | undefined) => void,
    what: string,
    hungAfterMs: number = HUNG_AFTER_MS,
  ) {
    this.#report = report;
    this.#what = what;
    this.#hungAfterMs = hungAfterMs;
  }

  /** A reload begins. Call what is returned when it has ended, with whether all of it was read. */
  begin(): (isRead: boolean) => void {
    const since = new Date().toISOString();
    const timer = setTimeout(() => this.#reportHung(since), this.#hungAfterMs);
    this.#timers.add(timer);
    return (isRead) => {
      clearTimeout(timer);
      this.#timers.delete(timer);
      if (!isRead || !this.#isReported || this.#timers.size > 0) return;
      this.#isReported = false;
      this.#report(undefined);
    };
  }

  #reportHung(since: string): void {
    // The first one says since when.
    if (this.#isReported) return;
    this.#isReported = true;
    const message =
      `${this.#what} has not ended, which began at ${since}: what was read last stays in service`;
    this.#report({ code: "reload_hangs", path: "", message });
  }
}
