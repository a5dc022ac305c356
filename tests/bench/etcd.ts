/** The etcd backend at scale, against the least programs that do the same with the same client. */

import { EtcdServer } from "../support/etcd/server.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { benchBlocks } from "./etcd_blocks.ts";
import { fillEtcd } from "./etcd_data.ts";
import { benchEvent } from "./etcd_event.ts";
import { benchLoad, benchPolicy, compareLoad } from "./etcd_load.ts";
import { progress } from "./etcd_report.ts";
import { benchRoutable, compareRoutable } from "./etcd_routable.ts";

/** The parts of the benchmark, in the order of their runs. */
const PARTS = ["load", "policy", "blocks", "routable", "event"] as const;

export interface EtcdBenchOptions {
  /** The sizes of the data sets, in keys, smallest first. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** The one part to run. @default all */
  readonly only: string | undefined;
}

/**
 * Measures every claim in turn, each against a real etcd server of its own data.
 *
 * @throws {TypeError} when there is no such part
 */
export async function benchEtcd({ sizes, rounds, only }: EtcdBenchOptions): Promise<void> {
  const parts = PARTS.filter((part) => only === undefined || part === only);
  if (parts.length === 0) {
    throw new TypeError(`Cannot run a part '${only}': expected one of ${PARTS.join(", ")}`);
  }
  await using etcd = await EtcdServer.start();
  for (const keys of sizes) {
    progress(`filling etcd with ${keys} keys`);
    await fillEtcd(etcd.endpoint, keys, keys, 0);
  }
  if (parts.includes("load")) await benchLoad(etcd.endpoint, sizes, rounds);
  if (parts.includes("policy")) await benchPolicy(etcd.endpoint, sizes, rounds);
  if (parts.includes("blocks")) await benchBlocks(etcd.endpoint, sizes, rounds);
  if (parts.includes("routable")) await benchRoutable(etcd.endpoint, sizes[0]!, rounds);
  if (parts.includes("event")) benchEvent(sizes);
}

/** The first load, and changes under load. */
export async function compareEtcd(
  { keys }: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const etcd = resources.use(await EtcdServer.start());
  progress(`filling etcd with ${keys} keys`);
  await fillEtcd(etcd.endpoint, keys, keys, 0);
  return [compareLoad(etcd.endpoint, keys), compareRoutable(etcd.endpoint, keys)];
}
