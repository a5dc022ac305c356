/**
 * The webhooks in service, in the form that requests look them up in.
 *
 * @module
 */

import { assertCount } from "../errors.ts";
import { type CatalogEntry, WebhookEntry } from "./entry.ts";
import type { CompiledWebhook } from "./compile/compiler.ts";
import type { Problem, Warning } from "./problem.ts";

/** How many keys are in which state, as metrics show it. */
export interface CatalogCounts {
  /** Served as configured. */
  readonly ok: number;
  /** The last good value is served, since the newest one has a problem. */
  readonly stale: number;
  /** Not served: requests get 503. */
  readonly invalid: number;
}

/** Webhooks that everybody may send to. */
export interface OpenWebhooks {
  /** How many say so. */
  readonly declared: number;
  /** How many do not. */
  readonly undeclared: number;
}

/**
 * The webhooks that requests are looked up in, by `namespace/id`, and the problems of all keys. One
 * configuration event replaces one entry; nothing else is copied or touched.
 */
export class Catalog {
  readonly #entries = new Map<string, CatalogEntry>();
  readonly #problems = new Map<string, readonly Problem[]>();
  readonly #warnings = new Map<string, readonly Warning[]>();
  #problemChanges = 0;
  #serving = 0;
  readonly #withAccess = { verified: 0, declared_open: 0, open: 0 };
  /** The keys with problems, by what is served meanwhile. */
  readonly #withProblems = { last_good: 0, nothing: 0 };

  /** @param path `namespace/id` */
  find(path: string): CatalogEntry | undefined {
    return this.#entries.get(path);
  }

  /** Puts an entry in the place of the former one, which lives on until its last request has ended. */
  put(entry: CatalogEntry): void {
    const former = this.#entries.get(entry.path);
    this.#entries.set(entry.path, entry);
    if (entry instanceof WebhookEntry) this.#serving++;
    this.#countAccess(entry, 1);
    this.#retire(former);
  }

  delete(path: string): void {
    const former = this.#entries.get(path);
    this.#entries.delete(path);
    this.#retire(former);
  }

  get size(): number {
    return this.#entries.size;
  }

  entries(): Iterable<CatalogEntry> {
    return this.#entries.values();
  }

  /** The paths of all webhooks. */
  paths(): Iterable<string> {
    return this.#entries.keys();
  }

  get openWebhooks(): OpenWebhooks {
    return { declared: this.#withAccess.declared_open, undeclared: this.#withAccess.open };
  }

  /** The paths of the first webhooks that everybody may send to, although nothing says so. */
  undeclaredOpen(max: number): string[] {
    const paths: string[] = [];
    if (this.#withAccess.open === 0) return paths;
    for (const { path, webhook } of this.#entries.values()) {
      if (isEnabled(webhook) && webhook.access === "open" && paths.push(path) === max) break;
    }
    return paths;
  }

  /** Sets the problems of one key; none clears them. */
  setProblems(key: string, problems: readonly Problem[]): void {
    const [former] = this.problemsOf(key);
    this.#problemChanges++;
    if (former !== undefined) this.#withProblems[former.serving]--;
    const [newest] = problems;
    if (newest !== undefined) this.#withProblems[newest.serving]++;
    if (problems.length === 0) this.#problems.delete(key);
    else this.#problems.set(key, problems);
  }

  /** Whether any key has a problem. */
  get hasProblems(): boolean {
    return this.#problems.size > 0;
  }

  problemsOf(key: string): readonly Problem[] {
    return this.#problems.get(key) ?? [];
  }

  /** Changes with every change of the problems. */
  get problemChanges(): number {
    return this.#problemChanges;
  }

  /** All problems, those of one key together. */
  *problems(): Iterable<Problem> {
    for (const problems of this.#problems.values()) yield* problems;
  }

  /** Sets the warnings of one key; none clears them. */
  setWarnings(key: string, warnings: readonly Warning[]): void {
    if (warnings.length === 0) this.#warnings.delete(key);
    else this.#warnings.set(key, warnings);
  }

  /** Whether there is a warning of any key. */
  get hasWarnings(): boolean {
    return this.#warnings.size > 0;
  }

  warningsOf(key: string): readonly Warning[] {
    return this.#warnings.get(key) ?? [];
  }

  /** All warnings, those of one key together. */
  *warnings(): Iterable<Warning> {
    for (const warnings of this.#warnings.values()) yield* warnings;
  }

  /** Counted over webhooks. @param connections how many connections are in service, counted as ok */
  counts(connections: number): CatalogCounts {
    const { last_good: stale, nothing: invalid } = this.#withProblems;
    return { ok: Math.max(0, this.#serving + connections - stale), stale, invalid };
  }

  #countAccess({ webhook }: CatalogEntry, change: 1 | -1): void {
    if (isEnabled(webhook)) this.#withAccess[webhook.access] += change;
  }

  #retire(former: CatalogEntry | undefined): void {
    if (former !== undefined) this.#countAccess(former, -1);
    if (!(former instanceof WebhookEntry)) return;
    this.#serving = assertCount(this.#serving - 1, "webhooks in service");
    former.retire();
  }
}

/** Nobody can send to one that is switched off. */
function isEnabled(webhook: CompiledWebhook | undefined): webhook is CompiledWebhook {
  return webhook?.enabled === true;
}
