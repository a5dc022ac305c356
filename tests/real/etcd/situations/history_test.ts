/** Data that goes back in time, is lost, is too large, or has no room. */

import { assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { keyOf } from "./ledger.ts";
import { lasts, type Situation, situations, withArguments, type World } from "./situation.ts";

/** Restores a backup from before the puts of the last two seconds. */
async function restore(world: World, ...args: readonly string[]): Promise<void> {
  const etcd = world.members[0]!;
  const backup = await etcd.backUp();
  await lasts(2_000);
  await world.ledger.pause();
  await etcd.restore(backup, { args });
  world.ledger.forget();
  await world.inStep();
}

const TABLE: readonly Situation[] = [
  {
    name: "a backup is restored as it is: the gateway notices that history went back",
    members: 1,
    act: async (world) => {
      await restore(world);
      assertEquals(await world.gateway.metric("cwm_etcd_relists_total", `"revision_regressed"`), 1);
    },
  },
  {
    name: "a backup is restored with --bump-revision and --mark-compacted: every watcher notices",
    members: 1,
    act: async (world) => {
      await restore(world, "--bump-revision", "1000000000", "--mark-compacted");
      assertEquals(await world.gateway.metric("cwm_etcd_relists_total", `"compacted"`), 1);
    },
  },
  {
    name: "the data folder is empty: what most keys stand for is served until a second list confirms it",
    members: 1,
    prepare: async ({ members }) => {
      const others = Array.from(
        { length: 20 },
        (_, id) => [keyOf(`more-${id}`), `{"module":"log"}`] as const,
      );
      await members[0]!.gateway.fill(others);
      return {};
    },
    act: async (world) => {
      await world.ledger.pause();
      await world.members[0]!.wipe();
      world.ledger.forget();
      await eventually(async () => {
        assertEquals(await world.gateway.metric("cwm_etcd_mass_deletes_held_total"), 1);
      }, { timeoutMs: 60_000 });
      assertEquals(await world.gateway.send("more-1", "any"), 200);
      await world.inStep();
      await eventually(async () => assertEquals(await world.gateway.send("more-1", "any"), 404), {
        timeoutMs: 60_000,
      });
    },
  },
  {
    name: "a value of 8 MiB is taken, and so are the changes after it",
    members: 1,
    etcd: withArguments("--max-request-bytes", String(12 * 1024 * 1024)),
    act: async (world) => {
      const value = { module: "log", "x-large": "x".repeat(8 * 1024 * 1024) };
      await eventually(() => world.members[0]!.gateway.putJson(keyOf("large"), value));
      await world.inStep();
      assertEquals(await world.gateway.send("large", "any"), 200);
    },
  },
  {
    name: "etcd has no space: the gateway serves on, and follows when the alarm is disarmed",
    members: 1,
    etcd: withArguments("--quota-backend-bytes", String(16 * 1024 * 1024)),
    act: async (world) => {
      const etcd = world.members[0]!;
      const fill = "x".repeat(1024 * 1024);
      await eventually(async () => {
        const isFull = (await etcd.ctl("alarm", "list")).includes("NOSPACE");
        if (!isFull) await etcd.gateway.put("/elsewhere", fill);
        return isFull;
      }, { timeoutMs: 60_000 });
      const { failed } = world.ledger;
      await eventually(() => world.ledger.failed > failed);
      assertEquals(await world.gateway.send("w0", "no-token"), 401);
      await etcd.gateway.compact(await etcd.gateway.revision());
      await etcd.ctl("defrag");
      await etcd.ctl("alarm", "disarm");
      await world.inStep();
      assertEquals(await world.gateway.metric("cwm_etcd_relists_total"), 1);
    },
  },
];

situations(TABLE);
