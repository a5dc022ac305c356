/**
 * How two sides of a migration differ.
 *
 * @module
 */

import { type ConfigKey, formatConfigKey } from "../event/names.ts";
import type { Change, StoredValue } from "./configuration.ts";
import { differingPaths } from "../json/difference.ts";

/** Values by etcd's key below the prefix. */
export type Values = ReadonlyMap<string, StoredValue>;

/** A value that both sides have, and differ in. */
export interface ChangedValue {
  readonly source: StoredValue;
  readonly target: StoredValue;
  /** Where; `""` for the value as a whole. */
  readonly paths: readonly string[];
}

/** How a target differs from a source. */
export interface Comparison {
  /** Only the source has them. */
  readonly added: readonly StoredValue[];
  readonly changed: readonly ChangedValue[];
  readonly same: readonly StoredValue[];
  /** Only the target has them. */
  readonly extra: readonly StoredValue[];
}

/**
 * Compares two sides.
 *
 * @param source without problems
 */
export function compare(source: Values, target: Values): Comparison {
  const added: StoredValue[] = [];
  const changed: ChangedValue[] = [];
  const same: StoredValue[] = [];
  for (const [name, value] of source) {
    const other = target.get(name);
    if (other === undefined) {
      added.push(value);
      continue;
    }
    // What is broken at the target has no paths to compare.
    const paths = "problem" in other.value ? [""] : differingPaths(value.text, other.text);
    if (paths.length === 0) same.push(value);
    else changed.push({ source: value, target: other, paths });
  }
  const extra = [...target].filter(([name]) => !source.has(name)).map(([, value]) => value);
  return { added, changed, same, extra };
}

/**
 * The changes that make the target equal to the source, in an order that a gateway can follow while it
 * serves: a connection is there before the first webhook that uses it, and goes after the last one.
 *
 * @param removed what to remove of the extra values
 */
export function planChanges(comparison: Comparison, removed: readonly StoredValue[]): Change[] {
  const puts: Change[] = [
    ...comparison.added.map(({ key, text }) => ({ key, text, current: undefined })),
    ...comparison.changed.map(({ source, target }) => ({
      key: source.key,
      text: source.text,
      current: target,
    })),
  ];
  const deletes: Change[] = removed.map((current) => ({ key: current.key, text: undefined, current }));
  return [
    ...inOrder(puts, "connection"),
    ...inOrder(puts, "webhook"),
    ...inOrder(deletes, "webhook"),
    ...inOrder(deletes, "connection"),
  ];
}

function inOrder(changes: readonly Change[], kind: ConfigKey["kind"]): Change[] {
  return changes.filter(({ key }) => key.kind === kind)
    .map((change): [string, Change] => [formatConfigKey(change.key), change])
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([, change]) => change);
}
