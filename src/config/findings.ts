/**
 * Records problems and warnings of configuration values in the catalog, and writes those that are new to
 * the log.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { Catalog } from "./catalog.ts";
import type { Problem, ProblemReason, WarningReason } from "./problem.ts";

/** Problems and warnings that one batch of changes writes to the log one by one; the rest is counted. */
const LOGGED_FINDINGS = 20;

/** What is wrong, or should be looked at, in the configuration in service. */
export class Findings {
  readonly #catalog: Catalog;
  readonly #logger: Logger;
  #logged = 0;
  #unlogged = 0;

  constructor(catalog: Catalog, logger: Logger) {
    this.#catalog = catalog;
    this.#logger = logger;
  }

  /** Begins a batch of changes: only so many of its findings are logged one by one. */
  begin(): void {
    this.#logged = this.#unlogged = 0;
  }

  /** Ends a batch: says how many findings were not logged. */
  end(): void {
    if (this.#unlogged === 0) return;
    this.#logger.warning("{count} more configuration problems: see /admin/config or cwm check", {
      count: this.#unlogged,
    });
  }

  /** Sets the problems of one key; none clears them. */
  setProblems(
    key: string,
    reasons: readonly ProblemReason[],
    revision: string,
    serving: Problem["serving"] = "nothing",
  ): void {
    const former = this.#catalog.problemsOf(key);
    const since = former[0]?.since ?? Date.now();
    this.#catalog.setProblems(key, reasons.map((reason) => ({ ...reason, key, revision, since, serving })));
    if (reasons.length === 0 && former.length > 0) {
      this.#logger.info("Configuration problem of {key} is solved", { key });
    }
    for (const { code, path, message } of reasons) {
      this.#log("Configuration problem of {key}: {reason}", { key, code, path, reason: message, serving });
    }
  }

  /** Sets the warnings of one key; none clears them. One that stood there before is not logged again. */
  setWarnings(key: string, reasons: readonly WarningReason[], revision: string): void {
    const former = this.#catalog.warningsOf(key);
    this.#catalog.setWarnings(key, reasons.map((reason) => ({ ...reason, key, revision })));
    for (const { code, path, message } of reasons) {
      if (former.some((warning) => warning.path === path && warning.message === message)) continue;
      this.#log("Configuration warning for {key}: {reason}", { key, code, path, reason: message });
    }
  }

  #log(message: string, properties: Readonly<Record<string, unknown>>): void {
    if (++this.#logged > LOGGED_FINDINGS) this.#unlogged++;
    else this.#logger.warning(message, properties);
  }
}
