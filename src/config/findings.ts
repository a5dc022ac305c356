/**
 * Records problems and warnings of configuration values in the catalog, and writes those that are new to
 * the log once they are more than passing.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { namesIn } from "../event/names.ts";
import type { HealthReports } from "../health/health.ts";
import type { Catalog } from "./catalog.ts";
import type { Problem, ProblemReason, WarningReason } from "./problem.ts";
import type { ConfigProvider } from "./provider.ts";

/** Problems and warnings that are logged one by one at a time; the rest is counted. */
const LOGGED_FINDINGS = 20;

/** Keys whose problems are reported as troubles at a time; the catalog has them all. */
const REPORTED_KEYS = 1_000;

/** Where something in an entry stands, if the backend has several places. */
export type PlaceOf = NonNullable<ConfigProvider["placeOf"]>;

/** The arguments of the warning that the gateway's settings let namespaces read each other's secrets. */
export const VAULT_IS_SHARED: Parameters<Findings["setWarnings"]> = ["VAULT_PATHS", [{
  code: "vault_paths_unset",
  path: "",
  message:
    "It is not set, and there are several namespaces: whoever writes webhooks of one can read the secrets " +
    "of all in Vault. Set it to patterns such as teams/{namespace}",
}], ""];

/** What is said of a webhook `default` while it takes no other requests than its own. */
export const DEFAULT_IS_OFF: readonly WarningReason[] = [{
  code: "default_webhook",
  path: "",
  message: "Requests to webhooks that do not exist get 404, and not this one as in the Python service. " +
    "DEFAULT_WEBHOOK=on has them come here",
}];

/** What is said where `NOTIFY_WEBHOOK` names a webhook that does not exist. */
export const NOTIFIED_IS_MISSING: readonly WarningReason[] = [{
  code: "notify_webhook",
  path: "",
  message: "It names a webhook that does not exist: nobody gets notices until it does",
}];

/** What is said of a webhook that wants notices and gets none. */
export const NOT_NOTIFIED: readonly WarningReason[] = [{
  code: "notify_webhook",
  path: "notify",
  message: "Has no effect: NOTIFY_WEBHOOK names the webhook that gets notices, and it is not this one",
}];

/** What is wrong, or should be looked at, in the configuration in service. */
export class Findings {
  readonly #catalog: Catalog;
  readonly #logger: Logger;
  readonly #placeOf: PlaceOf;
  /** The keys with problems that were not logged yet, and the warnings that were not. */
  readonly #newProblems = new Set<string>();
  /** How many problems those keys have: a hundred thousand may have come at once, and few of them are looked at. */
  #newProblemCount = 0;
  readonly #newWarnings = new Map<string, readonly WarningReason[]>();
  #newWarningCount = 0;
  /** The keys whose problems were logged and are solved. */
  readonly #solved = new Set<string>();
  readonly #health: HealthReports | undefined;
  /** The keys that are reported as troubles. */
  readonly #reported = new Set<string>();

  /** @param health where problems are reported as troubles. @default nowhere */
  constructor(
    catalog: Catalog,
    logger: Logger,
    placeOf: PlaceOf = () => undefined,
    health?: HealthReports,
  ) {
    this.#catalog = catalog;
    this.#health = health;
    this.#logger = logger;
    this.#placeOf = placeOf;
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
    if (this.#newProblems.has(key)) this.#newProblemCount -= former.length;
    if (reasons.length > 0) {
      this.#newProblemCount += reasons.length;
      this.#newProblems.add(key);
      this.#solved.delete(key);
    } else if (!this.#newProblems.delete(key) && former.length > 0) this.#solved.add(key);
  }

  /** The key is gone, and its problems with it: nobody has solved them. */
  forget(key: string): void {
    const former = this.#catalog.problemsOf(key);
    if (former.length === 0) return;
    this.#catalog.setProblems(key, []);
    if (this.#newProblems.delete(key)) this.#newProblemCount -= former.length;
    this.#solved.delete(key);
    if (this.#reported.delete(key)) {
      this.#health?.end({ part: "configuration", name: key }, "refused", this, "removed");
    }
  }

  /** Sets the warnings of one key; none clears them. Those that stood there before are not logged again. */
  setWarnings(key: string, reasons: readonly WarningReason[], revision: string): void {
    const former = this.#catalog.warningsOf(key);
    this.#catalog.setWarnings(key, reasons.map((reason) => ({ ...reason, key, revision })));
    const unlogged = this.#newWarnings.get(key) ?? [];
    const fresh = reasons.filter((reason) => !holds(former, reason) || holds(unlogged, reason));
    this.#newWarningCount += fresh.length - unlogged.length;
    if (fresh.length > 0) this.#newWarnings.set(key, fresh);
    else this.#newWarnings.delete(key);
  }

  /** Writes what is new since the last time to the log. */
  log(): void {
    this.#reportTroubles();
    this.#logSolved();
    const count = this.#newProblemCount + this.#newWarningCount;
    this.#logWarnings(this.#logProblems(LOGGED_FINDINGS));
    this.#newProblems.clear();
    this.#newWarnings.clear();
    this.#newProblemCount = this.#newWarningCount = 0;
    if (count > LOGGED_FINDINGS) {
      this.#logger.warning("{count} more configuration problems: see /admin/config or cwm check", {
        count: count - LOGGED_FINDINGS,
      });
    }
  }

  #reportTroubles(): void {
    const health = this.#health;
    if (health === undefined) return;
    for (const key of this.#solved) {
      if (this.#reported.delete(key)) health.end({ part: "configuration", name: key }, "refused", this);
    }
    for (const key of this.#newProblems) {
      if (this.#reported.size >= REPORTED_KEYS && !this.#reported.has(key)) continue;
      const [first, ...others] = this.#catalog.problemsOf(key);
      if (first === undefined) continue;
      this.#reported.add(key);
      const cause = causeOf(first, others.length);
      health.begin({ part: "configuration", name: key, kind: "refused", cause, since: first.since }, this);
    }
  }

  /** Returns how many of `most` are left. */
  #logProblems(most: number): number {
    let left = most;
    for (const key of this.#newProblems) {
      for (const { code, path, message, serving } of this.#catalog.problemsOf(key)) {
        if (left-- === 0) return 0;
        const properties = { key, code, path, reason: message, serving };
        this.#warn("Configuration problem of {key}", properties);
      }
    }
    return left;
  }

  #logWarnings(most: number): void {
    let left = most;
    for (const [key, warnings] of this.#newWarnings) {
      for (const { code, path, message } of warnings) {
        if (left-- === 0) return;
        this.#warn("Configuration warning for {key}", { key, code, path, reason: message });
      }
    }
  }

  #warn(message: string, properties: Readonly<Record<"key" | "code" | "path" | "reason", string>>): void {
    const place = this.#placeOf(properties.key, properties.path);
    const all = { ...properties, ...webhookNames(properties.key) };
    if (place === undefined) this.#logger.warning(`${message}: {reason}`, all);
    else this.#logger.warning(`${message} in {place}: {reason}`, { ...all, place });
  }

  #logSolved(): void {
    let count = 0;
    for (const key of this.#solved) {
      if (++count > LOGGED_FINDINGS) break;
      this.#logger.info("Configuration problem of {key} is solved", { key, ...webhookNames(key) });
    }
    const more = this.#solved.size - LOGGED_FINDINGS;
    if (more > 0) this.#logger.info("{count} more configuration problems are solved", { count: more });
    this.#solved.clear();
  }
}

/** The names of a webhook's key; nothing of other keys. */
function webhookNames(key: string): { readonly namespace?: string; readonly webhook?: string } {
  const [kind, path] = key.split(" ");
  return kind === "webhook" && path?.includes("/") === true ? namesIn(path) : {};
}

function causeOf({ path, message, serving }: Problem, others: number): string {
  const place = path === "" ? "" : `${path}: `;
  const more = others === 0 ? "" : ` (and ${others} more)`;
  return `${place}${message}${more}. ` +
    (serving === "last_good"
      ? "The last good value is served meanwhile"
      : "It is not served until it is mended");
}

function holds(reasons: readonly WarningReason[], { path, message }: WarningReason): boolean {
  return reasons.some((reason) => reason.path === path && reason.message === message);
}
