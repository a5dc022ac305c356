/**
 * A cluster goes to the next minor version and back, member by member, on the data that it has.
 * `CWM_ETCD_BEFORE` is the etcd of the version before the one of `PATH`.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { type Situation, situations, type World } from "./situation.ts";

const BEFORE = Deno.env.get("CWM_ETCD_BEFORE") ?? "CWM_ETCD_BEFORE is not set";
const [from, to] = [await minorOf(BEFORE), await minorOf("etcd")];

interface Version {
  readonly etcdcluster: string;
  /** From etcd 3.6 on. */
  readonly storage?: string;
}

/** The minor version of a program, such as `3.6`. */
async function minorOf(program: string): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args: ["--version"] }).output();
  return /etcd Version: (\d+\.\d+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? "unknown";
}

async function roll(world: World, program: string): Promise<void> {
  for (const member of world.members) {
    await member.stop();
    await member.restart(program);
    await world.inStep();
  }
}

/** Waits until all members say that cluster and storage are of this minor version. */
async function agree({ members }: World, minor: string): Promise<void> {
  const version = `${minor}.0`;
  await eventually(async () => {
    for (const { endpoint } of members) {
      const answer = await (await fetch(`${endpoint}/version`)).json() as Version;
      const { etcdcluster, storage = version } = answer;
      assertEquals({ etcdcluster, storage }, { etcdcluster: version, storage: version });
    }
  }, { timeoutMs: 60_000 });
}

const UPGRADE: Situation = {
  name: `a cluster of etcd ${from} is upgraded to ${to}, member by member: it is followed`,
  etcd: () => Promise.resolve({ program: BEFORE }),
  act: async (world) => {
    await agree(world, from);
    await roll(world, "etcd");
    await agree(world, to);
  },
};

/** From etcd 3.6 on. */
const DOWNGRADE: Situation = {
  name: `a cluster of etcd ${to} is downgraded to ${from}, once it is allowed to be: it is followed`,
  limitMs: 240_000,
  act: async (world) => {
    await agree(world, to);
    const [member] = world.members;
    await assertRejects(() => member!.restart(BEFORE), Error, "ended without printing");
    await member!.restart("etcd");
    await world.inStep();
    await member!.ctl("downgrade", "enable", from);
    await agree(world, from);
    await roll(world, BEFORE);
  },
};

situations(to === "3.5" ? [UPGRADE] : [UPGRADE, DOWNGRADE]);
