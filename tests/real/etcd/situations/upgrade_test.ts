/**
 * A cluster goes to the next minor version and back, member by member. `CWM_ETCD_BEFORE` is the etcd of the
 * version before the one of `PATH`.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { type Situation, situations, type World } from "./situation.ts";

const BEFORE = Deno.env.get("CWM_ETCD_BEFORE") ?? "CWM_ETCD_BEFORE is not set";

interface Version {
  readonly etcdcluster: string;
  readonly storage?: string;
}

async function roll(world: World, program: string): Promise<void> {
  for (const member of world.members) {
    await member.restart(program);
    await world.inStep();
  }
}

/** Waits until all members say that cluster and storage are of this version. */
async function agree({ members }: World, version: string): Promise<void> {
  await eventually(async () => {
    for (const { endpoint } of members) {
      const { etcdcluster, storage } = await (await fetch(`${endpoint}/version`)).json() as Version;
      assertEquals({ etcdcluster, storage }, { etcdcluster: version, storage: version });
    }
  }, { timeoutMs: 60_000 });
}

const TABLE: readonly Situation[] = [
  {
    name: "a cluster of etcd 3.5 is upgraded to 3.6 and downgraded again, member by member: it is followed",
    etcd: () => Promise.resolve({ program: BEFORE }),
    act: async (world) => {
      await roll(world, "etcd");
      await agree(world, "3.6.0");
      await world.members[0]!.ctl("downgrade", "enable", "3.5");
      await agree(world, "3.5.0");
      await roll(world, BEFORE);
    },
  },
];

situations(TABLE);
