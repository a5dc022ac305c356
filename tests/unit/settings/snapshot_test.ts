import { assertEquals } from "@std/assert";
import { loadSettings } from "../../../src/settings/load.ts";

Deno.test("the last good configuration is kept in the data directory, elsewhere, or not at all", () => {
  const kept = (env: Readonly<Record<string, string>>) =>
    loadSettings({ DATA_DIR: "/data", ...env }, { logIsTerminal: false }).snapshot;
  assertEquals(kept({}), { file: "/data/config/file.snapshot", makesDirectory: true });
  assertEquals(kept({ CONFIG_BACKEND: "etcd" }), {
    file: "/data/config/etcd.snapshot",
    makesDirectory: true,
  });
  assertEquals(kept({ CONFIG_SNAPSHOT_FILE: "/else/where" }), { file: "/else/where", makesDirectory: false });
  assertEquals([kept({ CONFIG_SNAPSHOT_FILE: "none" }), kept({ CONFIG_SNAPSHOT_FILE: "None" })], [
    undefined,
    undefined,
  ]);
});
