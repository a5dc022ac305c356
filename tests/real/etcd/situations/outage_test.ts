/** An etcd that is away for long, and endpoints that swallow connections. */

import { assert } from "@std/assert";
import { EtcdServer } from "../../../support/etcd/server.ts";
import { TcpProxy } from "../../../support/http/tcp_proxy.ts";
import { ObservedGateway } from "./observed_gateway.ts";
import { lasts, seconds, type Situation, situations, type World } from "./situation.ts";

/** The back-off has grown to some forty seconds by then. */
const OUTAGE_MS = 130_000;

/** The first of the endpoints is chosen by chance, so one start shows little. */
const STARTS = 4;

function blackHoles({ members, resources }: World): string {
  const holes = [1, 2].map(() => resources.use(TcpProxy.start({ port: members[0]!.port })));
  for (const hole of holes) hole.freeze();
  return [...holes.map(({ address }) => `http://${address}`), members[0]!.endpoint].join(",");
}

/** A situation in which one of two endpoints does not serve when gateways start. */
function besideOne(kind: string, stop: (member: EtcdServer) => Promise<void> | void): Situation {
  return {
    name: `one of two endpoints is ${kind}: the gateway starts with the other`,
    members: 1,
    act: async (world) => {
      const other = world.resources.use(await EtcdServer.start());
      await stop(other);
      const { endpoint } = world.members[0]!;
      world.figures.push(await starts(world, () => `${other.endpoint},${endpoint}`));
      await world.inStep();
    },
  };
}

/** Starts gateways one after the other, and returns how long each took, for people. */
async function starts(world: World, endpoints: () => string): Promise<string> {
  const durations: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const begun = performance.now();
    await using other = await ObservedGateway.start({ ETCD_ENDPOINTS: endpoints() }, world.ledger);
    await other.process.waitUntilReady({ timeoutMs: 60_000 });
    durations.push(performance.now() - begun);
  }
  return `ready after ${durations.map(seconds).join(", ")}`;
}

const TABLE: readonly Situation[] = [
  {
    name: "etcd is down for 130 s: the first change is live long before the pause would have ended",
    members: 1,
    limitMs: OUTAGE_MS + 120_000,
    act: async (world) => {
      await world.ledger.pause();
      await world.members[0]!.kill();
      await lasts(OUTAGE_MS);
      await world.members[0]!.restart();
      const tookMs = await world.inStep();
      world.figures.push(`first change live after ${seconds(tookMs)}`);
      assert(tookMs < 30_000, `The first change was live after ${tookMs} ms`);
    },
  },
  {
    name: "two of three endpoints swallow connections: the gateway starts with the third",
    members: 1,
    prepare: (world) => Promise.resolve({ ETCD_ENDPOINTS: blackHoles(world) }),
    act: async (world) => {
      world.figures.push(await starts(world, () => blackHoles(world)));
      await world.inStep();
    },
  },
  besideOne("frozen", (member) => member.freeze()),
  besideOne("dead", (member) => member.kill()),
];

situations(TABLE);
