/**
 * The audit of the configuration: a line for each change that was applied, refused, or deleted an entry.
 *
 * @module
 */

import type { Audit } from "../../access/audit_trail.ts";
import type { Problem, ProblemReason } from "../problem.ts";
import type { ConfigChange } from "../provider.ts";
import { ChangedPaths } from "./changed_paths.ts";

/** Reasons that a line names. */
const NAMED_REASONS = 10;

/** Records changes. The first load is one line, when it is over. */
export class ChangeAudit {
  readonly #logger: Audit;
  readonly #paths = new ChangedPaths();
  #first: { applied: number; refused: number } | undefined = { applied: 0, refused: 0 };

  constructor(logger: Audit) {
    this.#logger = logger;
  }

  /** The first configuration is in service: from now on each change is a line of its own. */
  loaded(): void {
    if (this.#first === undefined) return;
    this.#logger.info("Configuration is loaded: {applied} entries are applied, {refused} refused", {
      action: "config_loaded",
      ...this.#first,
    });
    this.#first = undefined;
  }

  /** An entry of the configuration was deleted. */
  deleted(key: string, { revision }: ConfigChange): void {
    this.#paths.forget(key);
    if (this.#first === undefined) {
      this.#logger.info("{key} was deleted at revision {revision}", {
        action: "config_deleted",
        key,
        revision,
      });
    }
  }

  /**
   * A value was judged.
   *
   * @param problems why it was refused; none when it is applied
   * @param serving what is served instead of one that was refused
   */
  put(
    key: string,
    { revision, value }: Exclude<ConfigChange, { deleted: true }>,
    problems: readonly ProblemReason[],
    serving: Problem["serving"],
  ): void {
    const paths = this.#paths.note(key, "json" in value ? value.json : undefined);
    const isRefused = problems.length > 0;
    if (this.#first !== undefined) {
      this.#first[isRefused ? "refused" : "applied"]++;
      return;
    }
    const changed = { key, revision, ...(paths === undefined ? {} : { paths }) };
    if (!isRefused) {
      const what = paths === undefined ? "was added" : "was changed";
      this.#logger.info(`{key} ${what} at revision {revision}`, { action: "config_applied", ...changed });
      return;
    }
    this.#logger.warning("{key} was refused at revision {revision}", {
      action: "config_refused",
      ...changed,
      serving,
      problems: problems.slice(0, NAMED_REASONS).map(({ code, path }) => ({ code, path })),
    });
  }
}
