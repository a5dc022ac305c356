import { assertEquals, assertRejects } from "@std/assert";
import { within } from "../../../src/time/within.ts";

const REASON = new Error("the reason");
const LONG_MS = 3_600_000;

const never = () => new Promise<never>(() => {});

Deno.test("within says whether the work ended in time, and leaves no timer behind", async () => {
  assertEquals(await within(LONG_MS, Promise.resolve()), true);
  assertEquals(await within(1, never()), false);
});

Deno.test("within throws what the work throws in time, and ignores what it throws later", async () => {
  await assertRejects(() => within(LONG_MS, Promise.reject(REASON)), Error, REASON.message);
  const work = Promise.withResolvers<void>();
  assertEquals(await within(1, work.promise), false);
  work.reject(REASON);
});

Deno.test("a signal ends the wait for work that has time left", async () => {
  const controller = new AbortController();
  const waiting = within(LONG_MS, never(), controller.signal);
  controller.abort(REASON);
  assertEquals(await waiting.catch((error) => error), REASON);
});
