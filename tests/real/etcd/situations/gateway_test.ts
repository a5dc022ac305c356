/** Behind `etcd gateway`, which passes on TCP connections and knows nothing of what is in them. */

import { assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { behindProxy, sameFaults } from "./etcd_proxy.ts";
import { lasts, situations } from "./situation.ts";

situations([
  ...sameFaults("gateway"),
  behindProxy(
    "gateway",
    "before members that are all frozen for 12 s: noticed, then followed",
    async (world) => {
      const { token } = world.ledger.last.get("w0")!;
      await world.ledger.pause();
      for (const member of world.members) member.freeze();
      await lasts(12_000);
      await eventually(async () => {
        assertEquals((await world.gateway.json("/admin/config"))["connected"], false);
      }, { timeoutMs: 60_000 });
      assertEquals(await world.gateway.send("w1", `${token}-of-another`), 401);
      for (const member of world.members) member.thaw();
      await world.inStep();
    },
    3,
  ),
]);
