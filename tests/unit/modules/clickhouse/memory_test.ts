import { assertEquals } from "@std/assert";
import { Block, Row } from "../../../../src/modules/clickhouse/block.ts";
import { clickhouseConfigSchema } from "../../../../src/modules/clickhouse/config.ts";
import { RetryMemory } from "../../../../src/modules/clickhouse/memory.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const CONFIG = clickhouseConfigSchema.parse({});

function blockOf(...ids: readonly string[]): Block {
  return new Block(ids.map((id) => new Row({ event: verifiedEvent({ id }), config: CONFIG })));
}

/** A memory of an hour on a clock that the test moves. */
function setUp(limits: { readonly bytes?: number; readonly verdicts?: number } = {}) {
  const clock = { now: 0 };
  const memory = new RetryMemory({ ageMs: 3600, bytes: 1_000_000, verdicts: 10, ...limits }, () => clock.now);
  return { clock, memory };
}

Deno.test("clickhouse memory has a block until it is taken", () => {
  const { memory } = setUp();
  const block = blockOf("a", "b");
  memory.keepBlock(block);
  assertEquals([memory.has(block), memory.isEmpty], [true, false]);
  memory.takeBlock(block);
  assertEquals([memory.has(block), memory.isEmpty], [false, true]);
});

Deno.test("clickhouse memory tells a verdict once", () => {
  const { memory } = setUp();
  memory.keepVerdict("a", "delivered");
  assertEquals([memory.takeVerdict("a"), memory.takeVerdict("a")], ["delivered", undefined]);
  assertEquals(memory.isEmpty, true);
});

Deno.test("clickhouse memory forgets what is too old", () => {
  const { clock, memory } = setUp();
  const [old, young] = [blockOf("old"), blockOf("young")];
  memory.keepBlock(old);
  memory.keepVerdict("past", "delivered");
  clock.now = 1;
  memory.keepBlock(young);
  assertEquals(memory.forgetOld(), []);
  clock.now = 3600;
  assertEquals(memory.forgetOld(), [old]);
  assertEquals([memory.has(old), memory.has(young)], [false, true]);
  assertEquals(memory.takeVerdict("past"), undefined);
});

Deno.test("clickhouse memory forgets the oldest when it holds too much", () => {
  const [a, b, c] = [blockOf("a"), blockOf("b"), blockOf("c")];
  const { memory } = setUp({ bytes: a.size * 2, verdicts: 2 });
  for (const block of [a, b, c]) memory.keepBlock(block);
  for (const id of ["a", "b", "c"]) memory.keepVerdict(id, "delivered");
  assertEquals(memory.forgetOld(), [a]);
  assertEquals([memory.has(b), memory.has(c)], [true, true]);
  assertEquals([memory.takeVerdict("a"), memory.takeVerdict("b")], [undefined, "delivered"]);
});

Deno.test("clickhouse blocks have equal tokens exactly when they have equal events in equal order", () => {
  const { token } = blockOf("a", "b");
  assertEquals(blockOf("a", "b").token, token);
  const others = [blockOf("b", "a"), blockOf("a"), blockOf("ab"), blockOf("a", "b", "c")];
  assertEquals(new Set([token, ...others.map((other) => other.token)]).size, 5);
});
