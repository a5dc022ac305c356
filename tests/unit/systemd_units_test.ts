import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { loadSettings } from "../../src/settings/load.ts";
import { SETTING_DEFINITIONS } from "../../src/settings/table.ts";
import { REPOSITORY } from "../support/repository.ts";

/** Lines in which the template may differ from the unit of a single gateway, and must. */
const OF_INSTANCES =
  /^(Description|Type|Environment|EnvironmentFile|TimeoutStartSec|User|StateDirectory|WorkingDirectory)=/;

async function linesOf(unit: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(join(REPOSITORY, "docker/systemd", unit));
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

function environmentOf(lines: readonly string[], instance: string): Record<string, string> {
  return Object.fromEntries(
    lines.flatMap((line) => line.startsWith("Environment=") ? line.slice(12).split(" ") : [])
      .map((assignment) => assignment.replaceAll("%i", instance).split("=", 2) as [string, string]),
  );
}

Deno.test("the units for one gateway and for several are locked down in the same way", async () => {
  const [single, template] = await Promise.all(["core-webhook-module.service", "cwm@.service"].map(linesOf));
  const common = (lines: readonly string[] = []) => lines.filter((line) => !OF_INSTANCES.test(line));
  assertEquals(common(template), common(single));
});

Deno.test("each instance of the template has its own data directory and port, and shares one", async () => {
  const lines = await linesOf("cwm@.service");
  const names = new Set(SETTING_DEFINITIONS.map(({ variable }) => variable));
  assertEquals(Object.keys(environmentOf(lines, "1")).filter((name) => !names.has(name)), []);
  const settings = ["1", "2"].map((instance) =>
    loadSettings(environmentOf(lines, instance), { logIsTerminal: false })
  );
  assertEquals(
    settings.map(({ sharesPort, port, instancePort, dataDir }) => ({
      sharesPort,
      port,
      instancePort,
      dataDir,
    })),
    [
      { sharesPort: true, port: 8000, instancePort: 8101, dataDir: "/var/lib/cwm/1" },
      { sharesPort: true, port: 8000, instancePort: 8102, dataDir: "/var/lib/cwm/2" },
    ],
  );
  // The system lets programs of one user alone share a port.
  assertEquals(lines.filter((line) => line.startsWith("User=")), ["User=cwm"]);
});
