import { assertEquals } from "@std/assert";
import { ChildProcess } from "../../support/process/child_process.ts";
import { eventually } from "../../support/eventually.ts";
import { findLeftoverProcesses, RUN_VARIABLE } from "../../support/process/leftover_processes.ts";

Deno.test({
  name: "leftover processes of a run are found by its mark until they end",
  fn: async () => {
    const run = crypto.randomUUID();
    await using child = ChildProcess.spawn("sh", {
      args: ["-c", "echo started; exec sleep 600"],
      env: { [RUN_VARIABLE]: run },
    });
    await child.waitForLine(/started/);
    // While one program becomes another, for a moment, its environment cannot be seen.
    await eventually(async () => assertEquals((await findLeftoverProcesses(run))[0]?.pid, child.pid));
    child.kill("SIGKILL");
    await child.exited;
    assertEquals(await findLeftoverProcesses(run), []);
  },
});
