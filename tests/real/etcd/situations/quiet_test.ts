/** A large store in which nobody writes: what a gateway costs etcd there. */

import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { keyOf } from "./ledger.ts";
import { sumOf } from "./observed_gateway.ts";
import { lasts, type Situation, situations, type World } from "./situation.ts";

const KEYS = 25_000;
const VALUE = JSON.stringify({ module: "log", "x-filling": "x".repeat(1_000) });

/** How long nobody writes, in milliseconds. */
const QUIET_MS = 40_000;

/** Bytes that etcd has sent to all its clients since its start. */
async function sentBytes({ members }: World): Promise<number> {
  const answer = await fetch(`${members[0]!.endpoint}/metrics`);
  return sumOf(await answer.text(), "etcd_network_client_grpc_sent_bytes_total");
}

const TABLE: readonly Situation[] = [
  {
    name: "25,000 keys are quiet for 40 s after a restart of etcd: one list, and nothing more is sent",
    members: 1,
    limitMs: 240_000,
    prepare: async ({ members }) => {
      const entries = Array.from({ length: KEYS }, (_, id) => [keyOf(`quiet-${id}`), VALUE] as const);
      await members[0]!.gateway.fill(entries);
      return {};
    },
    act: async (world) => {
      const { gateway, members, ledger } = world;
      const lists = () => gateway.metric("cwm_etcd_relists_total");
      await world.inStep();
      // Long enough for the member to have answered a request for progress.
      await lasts(11_000);
      await ledger.pause();
      await members[0]!.restart();
      await eventually(async () => {
        assertEquals((await gateway.json("/admin/config"))["connected"], true);
        assertEquals(await gateway.metric("cwm_etcd_relists_total", `"reconnected"`), 1);
      }, { timeoutMs: 60_000 });
      const before = { sent: await sentBytes(world), lists: await lists() };
      await lasts(QUIET_MS);
      const sent = await sentBytes(world) - before.sent;
      const more = await lists() - before.lists;
      world.figures.push(`${(sent / 1e6).toFixed(2)} MB sent`, `${1 + more} lists since the restart`);
      assertEquals(await gateway.metric("cwm_etcd_disconnects_total", `"silent"`), 0);
      assertEquals(more, 0);
      assert(sent < 1e6, `etcd has sent ${sent} bytes`);
    },
  },
];

situations(TABLE);
