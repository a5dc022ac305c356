import { assertEquals, assertThrows } from "@std/assert";
import { StartupError } from "../../../src/errors.ts";
import { loadSettings } from "../../../src/settings/load.ts";

function load(env: Readonly<Record<string, string>>) {
  return loadSettings(env, { logIsTerminal: false });
}

Deno.test("settings share a port where all instances ask for it, and know an instance's own one", () => {
  const { port, sharesPort, instancePort } = load({ REUSE_PORT: "on", PORT: "8000", INSTANCE_PORT: "8101" });
  assertEquals({ port, sharesPort, instancePort }, { port: 8000, sharesPort: true, instancePort: 8101 });
});

Deno.test("settings do not take the shared port as an instance's own one", () => {
  const error = assertThrows(() => load({ REUSE_PORT: "on", INSTANCE_PORT: "8000" }), StartupError);
  assertEquals(error.problems, ["INSTANCE_PORT must not be PORT: it is the port of this instance alone"]);
  // Any free port is never the same one twice.
  assertEquals(load({ PORT: "0", INSTANCE_PORT: "0" }).instancePort, 0);
});
