import { assert, assertEquals } from "@std/assert";
import { type ClaimBounds, ClaimWindow } from "../../../../src/delivery/durable/claim_window.ts";
import { MemoryBudget } from "../../../../src/delivery/durable/memory_budget.ts";

const MIB = 1024 * 1024;
const BODY = 10 * MIB;

Deno.test("large events of many webhooks hold the budget and one event more, and small ones have room", () => {
  const budget = new MemoryBudget(32 * MIB);
  const holders = Array.from({ length: 50 }, () => new ClaimWindow(budget)).filter((window) => {
    const hasRoom = window.hasRoomFor(BODY);
    if (hasRoom) window.take(BODY);
    return hasRoom;
  });
  assertEquals(holders.length, 4);
  const other = new ClaimWindow(budget);
  assert(other.hasRoomFor(1_000));
  other.take(1_000);
  assert(!other.hasRoomFor(1_000));
  holders[0]!.release(BODY);
  assert(new ClaimWindow(budget).hasRoomFor(BODY));
});

Deno.test("of several claims at once only one may take an event that is larger than there is room for", async () => {
  const budget = new MemoryBudget(32 * MIB);
  const ends: (() => void)[] = [];
  const claim = (window: ClaimWindow) => {
    const { promise, resolve } = Promise.withResolvers<ClaimBounds>();
    void window.claim(async (bounds) => {
      resolve(bounds);
      await new Promise<void>((end) => ends.push(end));
    });
    return promise;
  };
  const [first, second] = await Promise.all([claim(new ClaimWindow(budget)), claim(new ClaimWindow(budget))]);
  assert(first.largest > BODY);
  assertEquals([second.largest, second.bytes], [16 * MIB, 16 * MIB]);
  for (const end of ends) end();
  await Promise.resolve();
  const holder = new ClaimWindow(budget);
  holder.take(40 * MIB);
  const last = await claim(new ClaimWindow(budget));
  assertEquals([last.largest, last.bytes], [64 * 1024, 64 * 1024]);
  for (const end of ends) end();
});
