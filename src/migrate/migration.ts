/**
 * One migration: both sides are read, the source is checked as a whole, the difference is planned, and only
 * then is something written.
 *
 * @module
 */

import { loadLanguages, mayHaveExpressions } from "../filters/languages.ts";
import type { CompileContext } from "../config/compile/compiler.ts";
import { type ConfigKey, formatConfigKey } from "../event/names.ts";
import { compare, type Comparison, planChanges } from "./comparison.ts";
import {
  type Change,
  type ConfigStore,
  type Configuration,
  type Finding,
  findingOf,
  type StoredValue,
} from "./configuration.ts";
import { validate } from "./validation.ts";

/** What to do, and everything to be said about it. */
export interface MigrationPlan {
  /** While there are any, nothing may be written. */
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** What stays at the target although it is extra or not the gateway's, and why. */
  readonly kept: readonly Finding[];
  readonly comparison: Comparison;
  /** In the order in which they are to be made. Empty while there are problems. */
  readonly changes: readonly Change[];
}

/** Options of {@linkcode planMigration}. */
export interface PlanOptions {
  readonly compile: CompileContext;
  /** Whether to remove what only the target has. */
  readonly prune: boolean;
}

/**
 * Reads both sides and decides what is to be done. Writes nothing.
 *
 * @throws {MigrationError} when a side cannot be read
 */
export async function planMigration(
  source: ConfigStore,
  target: ConfigStore,
  { compile, prune }: PlanOptions,
): Promise<MigrationPlan> {
  const from = await source.read("source");
  const to = await target.read("target");
  if ([...from.values.values()].some(hasExpressions)) await loadLanguages();
  const { problems, warnings } = validate(from.values.values(), compile);
  const findings = [...from.foreign, ...problems, ...refusals(from, to, target)];
  if (!hasAny(from, "webhook")) {
    warnings.push({ subject: source.description, path: "", message: "It holds no webhooks" });
  }
  const kept = [...to.foreign];
  // Values with a problem cannot be compared.
  if (findings.length > 0) return { problems: findings, warnings, kept, comparison: NOTHING, changes: [] };
  const comparison = compare(from.values, to.values);
  const prunable = prune ? await choosePrunable(comparison.extra, from, target) : KEEP_ALL;
  kept.push(...prunable.kept);
  return { problems: [], warnings, kept, comparison, changes: planChanges(comparison, prunable.removed) };
}

function hasExpressions({ value }: StoredValue): boolean {
  return "json" in value && mayHaveExpressions(value.json);
}

function refusals(from: Configuration, to: Configuration, target: ConfigStore): Finding[] {
  return [...from.values].flatMap(([name, value]) => {
    const reason = to.remarks.has(name)
      ? "The target has a remark of this name, which would be lost: rename or remove it"
      : target.refuse(value);
    return reason === undefined ? [] : [findingOf(value.key, "", reason)];
  });
}

function hasAny({ values }: Configuration, kind: ConfigKey["kind"]): boolean {
  return [...values.values()].some(({ key }) => key.kind === kind);
}

const NOTHING: Comparison = { added: [], changed: [], same: [], extra: [] };

interface Prunable {
  readonly removed: readonly StoredValue[];
  readonly kept: readonly Finding[];
}

const KEEP_ALL: Prunable = { removed: [], kept: [] };

/** Which extra values may go: not those of a kind that the source lacks, nor what others use as well. */
async function choosePrunable(
  extra: readonly StoredValue[],
  source: Configuration,
  target: ConfigStore,
): Promise<Prunable> {
  const removed: StoredValue[] = [];
  const kept: Finding[] = [];
  const isRemark = ({ key }: StoredValue) => source.remarks.has(formatConfigKey(key));
  for (const { key } of extra.filter(isRemark)) {
    kept.push(findingOf(key, "", "The source has a remark of this name, which may be the same thing"));
  }
  for (const kind of ["webhook", "connection"] as const) {
    const own = extra.filter((value) => value.key.kind === kind && !isRemark(value));
    const reason = own.length === 0 ? undefined : await reasonToKeep(kind, source, target);
    if (reason === undefined) removed.push(...own);
    else kept.push(...own.map(({ key }) => findingOf(key, "", reason)));
  }
  return { removed, kept };
}

async function reasonToKeep(
  kind: ConfigKey["kind"],
  source: Configuration,
  target: ConfigStore,
): Promise<string | undefined> {
  if (!hasAny(source, kind)) {
    return `The source has no ${kind}s at all, which may be a wrong path or namespace`;
  }
  const other = kind === "connection" ? await target.findOtherNamespace() : undefined;
  if (other === undefined) return undefined;
  return `Connections are shared, and namespace ${other} may use it`;
}
