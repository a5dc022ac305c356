/** Behind `etcd grpc-proxy`, which passes no request for progress on. */

import { assert, assertEquals } from "@std/assert";
import { behindProxy, sameFaults } from "./etcd_proxy.ts";
import { lasts, type Situation, situations } from "./situation.ts";

/** What the proxy writes for each request for progress, with a stack. */
const COMPLAINT = /not supported request type/;

/** How long the gateway is watched for what it costs the proxy, in milliseconds. */
const WATCHED_MS = 40_000;

/** Requests for progress that are made to find out that none is answered, with some to spare. */
const MAX_COMPLAINTS = 5;

const TABLE: readonly Situation[] = [
  behindProxy(
    "grpc-proxy",
    "with changes of other prefixes for 40 s: its log does not grow, no watch ends",
    async (world, proxy) => {
      await world.inStep();
      await world.ledger.pause();
      const until = performance.now() + WATCHED_MS;
      while (performance.now() < until) {
        await world.members[0]!.gateway.put("/elsewhere", "x");
        await lasts(1_000);
      }
      const complaints = proxy.lines.filter(({ text }) => COMPLAINT.test(text)).length;
      world.figures.push(`${complaints} complaints in the proxy's log`);
      assert(complaints <= MAX_COMPLAINTS, `${complaints} complaints`);
      assertEquals(await world.gateway.metric("cwm_etcd_disconnects_total"), 0);
    },
  ),
  ...sameFaults("grpc-proxy"),
];

situations(TABLE);
