/** The etcd backend at scale, against the least programs that do the same with the same client. */

import { EtcdServer } from "../support/etcd_server.ts";
import { benchBlocks } from "./etcd_blocks.ts";
import { fillEtcd } from "./etcd_data.ts";
import { benchEvent } from "./etcd_event.ts";
import { benchLoad } from "./etcd_load.ts";
import { progress } from "./etcd_report.ts";
import { benchRoutable } from "./etcd_routable.ts";

export interface EtcdBenchOptions {
  /** The sizes of the data sets, in keys, smallest first. */
  readonly sizes: readonly number[];
  readonly rounds: number;
}

/** Measures every claim in turn, each against a real etcd server of its own data. */
export async function benchEtcd({ sizes, rounds }: EtcdBenchOptions): Promise<void> {
  await using etcd = await EtcdServer.start();
  for (const keys of sizes) {
    progress(`filling etcd with ${keys} keys`);
    await fillEtcd(etcd.endpoint, keys, keys, 0);
  }
  await benchLoad(etcd.endpoint, sizes, rounds);
  await benchBlocks(etcd.endpoint, sizes, rounds);
  await benchRoutable(etcd.endpoint, sizes[0]!, rounds);
  benchEvent(sizes);
}
