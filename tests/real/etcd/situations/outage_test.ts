/** An etcd that is away for long, and endpoints that swallow connections. */

import { assert } from "@std/assert";
import { TcpProxy } from "../../../support/tcp_proxy.ts";
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
      const starts: number[] = [];
      for (let start = 0; start < STARTS; start++) {
        const begun = performance.now();
        await using other = await ObservedGateway.start(
          { ETCD_ENDPOINTS: blackHoles(world) },
          world.ledger,
        );
        await other.process.waitUntilReady({ timeoutMs: 60_000 });
        starts.push(performance.now() - begun);
      }
      world.figures.push(`ready after ${starts.map(seconds).join(", ")}`);
      await world.inStep();
    },
  },
];

situations(TABLE);
