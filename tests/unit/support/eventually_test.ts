import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../../support/eventually.ts";

Deno.test("eventually returns what the condition returns once it stops throwing", async () => {
  let looks = 0;
  const value = await eventually(() => {
    looks++;
    if (looks < 3) throw new Error("not yet");
    return looks;
  }, { intervalMs: 0 });
  assertEquals(value, 3);
});

Deno.test("eventually waits while an asynchronous condition answers false", async () => {
  let looks = 0;
  await eventually(() => Promise.resolve(++looks === 3), { intervalMs: 0 });
  assertEquals(looks, 3);
});

Deno.test("eventually throws the last error when time is up", async () => {
  let looks = 0;
  const error = await assertRejects(
    () =>
      eventually(() => {
        throw new Error(`look ${++looks}`);
      }, { timeoutMs: 20, intervalMs: 1 }),
    Error,
  );
  assertEquals(error.message, `look ${looks}`);
});

Deno.test("eventually throws when the condition stays false until time is up", async () => {
  await assertRejects(() => eventually(() => false, { timeoutMs: 0 }), Error, "did not hold within 0 ms");
});
