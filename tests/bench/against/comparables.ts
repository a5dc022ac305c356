/**
 * The benchmarks that two builds can be compared by.
 *
 * @module
 */

import { compareAccept } from "../accept.ts";
import { compareDurable } from "../durable.ts";
import { compareEtcd } from "../etcd.ts";
import { compareFairness } from "../fairness.ts";
import { compareHung } from "../hung.ts";
import type { LoadOptions } from "../http_load.ts";
import { compareOutputs } from "../outputs.ts";
import { compareRelay } from "../relay.ts";
import type { Comparable } from "./comparison.ts";

/** What a comparison is made with. */
export interface ComparisonOptions extends LoadOptions {
  /** The systems to compare with, where a benchmark has several; all of them when empty. */
  readonly systems: readonly string[];
  /** Keys in etcd. */
  readonly keys: number;
}

/**
 * Prepares the situations of a benchmark. The servers that they share belong to the stack, and are stopped
 * when it is disposed.
 */
export type ComparableBench = (
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
) => readonly Comparable[] | Promise<readonly Comparable[]>;

/** By the benchmark's name. */
export const COMPARABLE_BENCHES: Readonly<Record<string, ComparableBench>> = {
  accept: compareAccept,
  durable: compareDurable,
  outputs: compareOutputs,
  hung: compareHung,
  fairness: compareFairness,
  etcd: compareEtcd,
  relay: compareRelay,
};
