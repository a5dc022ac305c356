import { assert, assertEquals, assertThrows } from "@std/assert";
import { StartupError } from "../../../src/errors.ts";
import { loadSettings } from "../../../src/settings/load.ts";

const load = (env: Readonly<Record<string, string>>) => loadSettings(env, { logIsTerminal: false });

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  return assertThrows(() => load(env), StartupError).problems;
}

Deno.test("settings take several files of a kind in their order, and not beside a single one", () => {
  const files = loadSettings({ CONFIG_DIR: "/config", WEBHOOKS_CONFIG_FILES: "base.json, a/prod.json" }, {
    logIsTerminal: false,
  });
  assertEquals(files.files, {
    webhooks: "base.json",
    connections: "/config/connections.json",
    overlays: { webhooks: ["a/prod.json"], connections: [] },
    named: ["webhooks"],
  });
  assert(files.secrets.ownFiles.includes("a/prod.json"));
  assertEquals(load({ CONNECTIONS_CONFIG_FILES: "c.json" }).files, {
    webhooks: "webhooks.json",
    connections: "c.json",
    named: ["connections"],
  });
  assertEquals(problemsOf({ WEBHOOKS_CONFIG_FILES: "a.json,,b.json" }), [
    'WEBHOOKS_CONFIG_FILES entry 2 must be the path of a file: current value is ""',
  ]);
  assertEquals(problemsOf({ CONNECTIONS_CONFIG_FILE: "a.json", CONNECTIONS_CONFIG_FILES: "b.json" }), [
    "CONNECTIONS_CONFIG_FILE and CONNECTIONS_CONFIG_FILES must not be set together: remove one of them",
  ]);
});
