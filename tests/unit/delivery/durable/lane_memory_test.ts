import { assert, assertEquals } from "@std/assert";
import { type ClaimBounds, LaneMemory } from "../../../../src/delivery/durable/lane_memory.ts";
import { MemoryBudget } from "../../../../src/delivery/durable/memory_budget.ts";

const MIB = 1024 * 1024;
const BODY = 10 * MIB;

Deno.test("large events of any number of webhooks hold the budget and one event more, and small ones have room", () => {
  const budget = new MemoryBudget(32 * MIB);
  const holders = Array.from({ length: 50 }, () => new LaneMemory(budget)).filter((lane) => {
    const hasRoom = lane.hasRoom(0, BODY);
    if (hasRoom) lane.take(BODY);
    return hasRoom;
  });
  assertEquals(holders.length, 4);
  const other = new LaneMemory(budget);
  assert(other.hasRoom(0, 1_000));
  other.take(1_000);
  assert(!other.hasRoom(1, 1_000));
  holders[0]!.release(BODY);
  assert(new LaneMemory(budget).hasRoom(0, BODY));
});

Deno.test("of several claims at once only one may take an event that is larger than there is room for", async () => {
  const budget = new MemoryBudget(32 * MIB);
  const ends: (() => void)[] = [];
  const claim = (lane: LaneMemory) => {
    const { promise, resolve } = Promise.withResolvers<ClaimBounds>();
    void lane.claim(0, async (bounds) => {
      resolve(bounds);
      await new Promise<void>((end) => ends.push(end));
    });
    return promise;
  };
  const [first, second] = await Promise.all([claim(new LaneMemory(budget)), claim(new LaneMemory(budget))]);
  assert(first.largest > BODY);
  assertEquals([second.largest, second.bytes], [16 * MIB, 16 * MIB]);
  for (const end of ends) end();
  await Promise.resolve();
  const holder = new LaneMemory(budget);
  holder.take(40 * MIB);
  const last = await claim(new LaneMemory(budget));
  assertEquals([last.largest, last.bytes], [64 * 1024, 64 * 1024]);
  for (const end of ends) end();
});
