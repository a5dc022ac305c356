import { assert, assertEquals } from "@std/assert";
import { KeyMemory } from "../../../src/delivery/repeats/key_memory.ts";

const HOUR_MS = 3_600_000;

/** Adds keys `0` and on to a webhook. */
function fill(memory: KeyMemory, path: string, count: number, now = 0): void {
  for (let key = 0; key < count; key++) memory.add(path, `${key}`, `event-${key}`, now + HOUR_MS, now);
}

Deno.test("a key is known until its time is over, to its webhook alone", () => {
  const memory = new KeyMemory();
  memory.add("default/orders", "a", "event-1", 1_000, 0);
  assertEquals(memory.find("default/orders", "a", 999), "event-1");
  assertEquals(memory.find("default/orders", "a", 1_000), undefined);
  for (const other of ["default/refunds", "shop/orders"]) assertEquals(memory.find(other, "a", 0), undefined);
});

Deno.test("of more keys than there is room for a webhook knows the newest ones", () => {
  const memory = new KeyMemory(1_000);
  fill(memory, "default/orders", 10_000);
  assertEquals(memory.size, 500);
  for (let key = 0; key < 10_000; key++) {
    const isKnown = memory.find("default/orders", `${key}`, 0) !== undefined;
    assertEquals(isKnown, key >= 9_500, `${key}`);
  }
});

Deno.test("a webhook with many keys leaves room for those of all others", () => {
  const memory = new KeyMemory(1_000);
  fill(memory, "default/quiet", 3);
  fill(memory, "default/busy", 10_000);
  fill(memory, "default/later", 100);
  fill(memory, "default/busy", 10_000);
  for (const [path, count] of [["default/quiet", 3], ["default/later", 100]] as const) {
    for (let key = 0; key < count; key++) {
      assert(memory.find(path, `${key}`, 0) !== undefined, `${path} ${key}`);
    }
  }
  assert(memory.size <= 1_000);
});

Deno.test("however many webhooks there are, no more keys are kept than there is room for", () => {
  const memory = new KeyMemory(1_000);
  for (let webhook = 0; webhook < 5_000; webhook++) fill(memory, `default/${webhook}`, 3);
  assert(memory.size <= 1_000);
  assertEquals(memory.find("default/4999", "2", 0), "event-2");
});

Deno.test("what is over goes, also that of webhooks that nobody sends to any more", () => {
  const memory = new KeyMemory();
  for (let webhook = 0; webhook < 100; webhook++) fill(memory, `default/${webhook}`, 10);
  fill(memory, "default/orders", 200, HOUR_MS);
  assertEquals(memory.size, 200);
});

Deno.test("a key that comes again is the newest one, and counts once", () => {
  const memory = new KeyMemory(4);
  memory.add("default/orders", "a", "event-1", HOUR_MS, 0);
  memory.add("default/orders", "b", "event-2", HOUR_MS, 0);
  memory.add("default/orders", "a", "event-3", HOUR_MS, 0);
  assertEquals(memory.size, 2);
  memory.add("default/orders", "c", "event-4", HOUR_MS, 0);
  assertEquals(memory.find("default/orders", "a", 0), "event-3");
  assertEquals(memory.find("default/orders", "b", 0), undefined);
});
