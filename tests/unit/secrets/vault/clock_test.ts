import { assertEquals } from "@std/assert";
import { systemClock } from "../../../../src/secrets/vault/clock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

Deno.test("the system's clock waits longer than a timer of the runtime can, and stops when aborted", async () => {
  const abort = new AbortController();
  const reason = new Error("stopped");
  let hasFired = false;
  const waiting = systemClock.wait(60 * DAY_MS, abort.signal).then(() => hasFired = true);
  // A timer that was set too far away fires at once, so before this one.
  await systemClock.wait(5, new AbortController().signal);
  assertEquals(hasFired, false);
  abort.abort(reason);
  assertEquals(await waiting.catch((error: unknown) => error), reason);
});
