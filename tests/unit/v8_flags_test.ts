import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { V8_FLAGS } from "../support/v8_flags.ts";

const FLAG = `--v8-flags=${V8_FLAGS}`;

Deno.test("every task that starts or builds the program sets V8's flags", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json"))) as {
    tasks: Record<string, { command: string }>;
  };
  const starts = Object.entries(tasks).filter(([, { command }]) => command.includes("src/main.ts"));
  assertEquals(starts.map(([name]) => name), ["start", "dev", "compile", "connector"]);
  for (const [, { command }] of starts) assertStringIncludes(command, FLAG);
});

Deno.test("the image's cache of compiled code, entry point and health check have the same V8 flags", async () => {
  const dockerfile = await Deno.readTextFile(join(REPOSITORY, "docker/Dockerfile"));
  assertEquals(dockerfile.split(FLAG).length - 1, 3);
});
