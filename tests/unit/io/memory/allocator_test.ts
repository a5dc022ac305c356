import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { ChildProcess } from "../../../support/process/child_process.ts";
import { REPOSITORY } from "../../../support/repository.ts";

const MIB = 1024 * 1024;
const PROGRAM = join(REPOSITORY, "tests/support/process/freed_memory_program.ts");

Deno.test("large pieces of memory go back to the system when freed, also those between others", async () => {
  await using program = ChildProcess.spawn(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", PROGRAM],
    cwd: REPOSITORY,
  });
  const [line] = await program.waitForLine(/^\{.*\}$/);
  const { returned, kept } = JSON.parse(line) as { readonly returned: number; readonly kept: number };
  assert(returned > 50 * MIB, `${returned} of ${64 * MIB} bytes were returned`);
  assertEquals(kept, 64);
  assertEquals((await program.exited).code, 0);
});
