import { assert, assertEquals } from "@std/assert";
import { runCrashes } from "../crash/crash_run.ts";

// The long version is `deno task test:crash`.
const SHORT = { seed: 1, connections: 24, longestLifeMs: 500, leastAccepted: 50 } as const;

Deno.test("no event that was answered 200 is missing after kill -9 under load, and its order holds", async () => {
  const report = await runCrashes({ ...SHORT, rounds: 4, signal: "SIGKILL" });
  assertEquals(report.violations, []);
  assert(report.accepted > 100, `only ${report.accepted} events were accepted`);
});

Deno.test("a gateway that is ended under load answers what it took up and delivers nothing twice", async () => {
  const report = await runCrashes({ ...SHORT, rounds: 2, signal: "SIGTERM" });
  assertEquals(report.violations, []);
  assert(report.accepted > 100, `only ${report.accepted} events were accepted`);
});
