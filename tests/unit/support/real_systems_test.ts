import { assertEquals, assertMatch } from "@std/assert";
import { ChildProcess } from "../../support/child_process.ts";
import { REPOSITORY } from "../../support/repository.ts";

/** Runs `deno task test:real` without any of the variables that name a system. */
async function run(...names: readonly string[]): Promise<{ code: number; output: string }> {
  const args = ["run", "--allow-all", "--no-check", "tests/real/main.ts", ...names];
  await using child = ChildProcess.spawn(Deno.execPath(), { args, cwd: REPOSITORY });
  const { code } = await child.exited;
  return { code, output: child.output };
}

Deno.test("test:real has a row for each system, and says which are not there", async () => {
  const { code, output } = await run();
  assertMatch(output, /^system +version +passed +failed\n/m);
  assertMatch(output, /^vault +not run: VAULT_BIN is not set +- +-$/m);
  assertEquals(code, 0);
});

Deno.test("test:real fails for a system that is asked for and not there, or not known", async () => {
  assertEquals((await run("vault")).code, 1);
  const { code, output } = await run("postgres");
  assertEquals(code, 2);
  assertMatch(output, /There are: .*\bvault\b/);
});
