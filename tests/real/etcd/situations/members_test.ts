/** Members that die, freeze, come back, and are replaced by another version. */

import { assert, assertEquals } from "@std/assert";
import { EtcdServer } from "../../../support/etcd/server.ts";
import { eventually } from "../../../support/eventually.ts";
import { isLeader, promote, takesTheLead } from "./cluster.ts";
import { ObservedGateway } from "./observed_gateway.ts";
import { lasts, type Situation, situations, type World } from "./situation.ts";

/** Ends a member and waits until the gateway is elsewhere. */
async function killAndLeave(world: World, member: EtcdServer): Promise<void> {
  await member.kill();
  await eventually(() => world.gateway.watchedPort !== member.port, { timeoutMs: 60_000 });
}

const TABLE: readonly Situation[] = [
  {
    name: "the leader is killed, which is watched: the gateway goes to another member",
    act: async (world) => {
      await takesTheLead(world.watched(), world.members);
      const leader = world.watched();
      await killAndLeave(world, leader);
      await world.inStep();
      await leader.restart();
    },
  },
  {
    name: "a follower is killed, which is watched: the gateway goes to another member",
    act: async (world) => {
      const follower = world.watched();
      if (await isLeader(follower)) {
        await takesTheLead(world.members.find((member) => member !== follower)!, world.members);
      }
      await killAndLeave(world, follower);
      await world.inStep();
      await follower.restart();
    },
  },
  {
    name: "the watched member is frozen for 20 s: the gateway notices and goes to another",
    act: async (world) => {
      const frozen = world.watched();
      frozen.freeze();
      await lasts(20_000);
      assert(world.watched() !== frozen);
      await world.inStep();
      frozen.thaw();
    },
  },
  {
    name: "the quorum is lost for 20 s: the gateway serves on and follows again",
    act: async (world) => {
      const [first, ...others] = world.members;
      const { token } = world.ledger.last.get("w0")!;
      await world.ledger.pause();
      for (const other of others) other.freeze();
      await lasts(20_000);
      const { connected } = await world.gateway.json("/admin/config");
      assertEquals(connected, false);
      assert([200, 401].includes(await world.gateway.send("w0", token)));
      for (const other of others) other.thaw();
      await eventually(() => first!.gateway.revision(), { timeoutMs: 30_000 });
    },
  },
  {
    name: "history is compacted 8 times and all members are defragmented: the gateway notices nothing",
    act: async (world) => {
      for (let time = 0; time < 8; time++) {
        await lasts(300);
        const etcd = world.members[0]!.gateway;
        await etcd.compact(await etcd.revision());
      }
      for (const member of world.members) await member.ctl("defrag");
      await world.inStep();
      assertEquals(await world.gateway.metric("cwm_etcd_relists_total"), 1);
      assertEquals(await world.gateway.metric("cwm_etcd_disconnects_total"), 0);
    },
  },
  {
    name: "the watched member is frozen and history is compacted meanwhile: everything is listed again",
    act: async (world) => {
      const frozen = world.watched();
      frozen.freeze();
      const other = world.members.find((member) => member !== frozen)!;
      // The writer goes on with the others, so the gateway's revision is soon one of the past.
      await eventually(async () => {
        const before = await other.gateway.revision();
        await lasts(1_000);
        const { revision: applied } = await world.gateway.json("/admin/config");
        assert(await other.gateway.revision() > before && Number(applied) < before);
      }, { timeoutMs: 30_000 });
      await other.gateway.compact(await other.gateway.revision());
      await world.inStep();
      frozen.thaw();
      assertEquals(await world.gateway.metric("cwm_etcd_relists_total", `"compacted"`), 1);
    },
  },
  {
    name: "a learner is the only endpoint: the gateway says so and serves nothing until it is promoted",
    members: 1,
    act: async (world) => {
      const [voter] = world.members;
      const learner = world.resources.use(await EtcdServer.startLearner(voter!));
      await using other = await ObservedGateway.start({ ETCD_ENDPOINTS: learner.endpoint }, world.ledger);
      await eventually(async () => {
        const { outage } = await other.json("/health") as { outage?: { readonly reason: string } };
        assertEquals(outage?.reason, "learner");
      }, { timeoutMs: 60_000 });
      assertEquals(await other.send("w0", "any"), 503);
      await promote(voter!, learner);
      await other.process.waitUntilReady({ timeoutMs: 90_000 });
      await world.ledger.pause();
      await eventually(async () => {
        assertEquals(await other.send("w0", world.ledger.last.get("w0")!.token), 200);
      }, { timeoutMs: 60_000 });
    },
  },
  {
    name: "a learner stands among the endpoints: the gateway is served by a voter",
    members: 1,
    prepare: async ({ members, resources }) => {
      const learner = resources.use(await EtcdServer.startLearner(members[0]!));
      return { ETCD_ENDPOINTS: `${learner.endpoint},${members[0]!.endpoint}` };
    },
    act: async (world) => {
      await world.inStep();
      assertEquals(world.watched(), world.members[0]);
    },
  },
];

situations(TABLE);
