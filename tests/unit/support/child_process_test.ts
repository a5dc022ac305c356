import { assertEquals, assertRejects } from "@std/assert";
import { ChildProcess } from "../../support/process/child_process.ts";

/** A program that waits for a signal after what it does first. */
function shell(script: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  return ChildProcess.spawn("sh", { args: ["-c", script], env });
}

Deno.test("child process finds lines that were printed before and after it was asked", async () => {
  await using child = shell("echo one; echo two >&2; exec sleep 600");
  assertEquals((await child.waitForLine(/^t(w)o$/))[1], "w");
  assertEquals((await child.waitForLine(/^one$/)).input, "one");
  assertEquals(child.lines.toSorted((a, b) => a.text < b.text ? -1 : 1), [
    { stream: "stdout", text: "one" },
    { stream: "stderr", text: "two" },
  ]);
});

Deno.test("child process looks only at lines from the given one on", async () => {
  await using child = shell("echo ready 1; echo ready 2; exec sleep 600");
  assertEquals((await child.waitForLine(/ready \d/, { from: 1 })).input, "ready 2");
});

Deno.test("child process reports the output when the program ends without the line", async () => {
  await using child = shell("echo cannot open the file; exit 3");
  await assertRejects(() => child.waitForLine(/ready/), Error, "cannot open the file");
  assertEquals((await child.exited).code, 3);
});

Deno.test("child process reports the output when the line does not come in time", async () => {
  await using child = shell("echo still loading; exec sleep 600");
  await child.waitForLine(/loading/);
  await assertRejects(() => child.waitForLine(/ready/, { timeoutMs: 1 }), Error, "still loading");
});

Deno.test("child process passes signals on and tells how the program ended", async () => {
  await using child = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  await child.waitForLine(/ready/);
  child.kill("SIGTERM");
  assertEquals((await child.exited).code, 7);
  child.kill("SIGTERM");
});

Deno.test("child process is killed on disposal even when it is frozen", async () => {
  const child = shell("exec sleep 600");
  child.kill("SIGSTOP");
  await child[Symbol.asyncDispose]();
  assertEquals((await child.exited).signal, "SIGKILL");
});

Deno.test("child process sees the variables it is given and none of the caller's settings", async () => {
  Deno.env.set("CWM_CHILD_PROCESS_TEST", "leaked");
  try {
    await using child = shell('echo "<$CWM_CHILD_PROCESS_TEST><$GIVEN>"', { GIVEN: "given" });
    await child.waitForLine(/^<><given>$/);
  } finally {
    Deno.env.delete("CWM_CHILD_PROCESS_TEST");
  }
});
