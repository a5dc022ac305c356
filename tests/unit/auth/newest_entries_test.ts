import { assertEquals } from "@std/assert";
import { NewestEntries } from "../../../src/auth/newest_entries.ts";

Deno.test("of too many entries the oldest are forgotten", () => {
  const entries = new NewestEntries<number>(2, 100);
  for (const [index, key] of ["a", "b", "c"].entries()) entries.set(key, index, 1);
  assertEquals(["a", "b", "c"].map((key) => entries.get(key)), [undefined, 1, 2]);
  entries.set("b", 3, 1);
  entries.set("d", 4, 1);
  assertEquals(["b", "c", "d"].map((key) => entries.get(key)), [3, undefined, 4]);
});

Deno.test("of entries that weigh too much together the oldest are forgotten", () => {
  const entries = new NewestEntries<number>(100, 10);
  entries.set("a", 1, 4);
  entries.set("b", 2, 4);
  entries.set("a", 3, 6);
  assertEquals([entries.get("a"), entries.get("b")], [3, 2]);
  entries.set("c", 4, 7);
  assertEquals([entries.get("a"), entries.get("b"), entries.get("c")], [undefined, undefined, 4]);
  entries.delete("c");
  entries.set("d", 5, 10);
  assertEquals(entries.get("d"), 5);
  entries.set("e", 6, 11);
  assertEquals([entries.get("d"), entries.get("e")], [undefined, undefined]);
});

Deno.test("entries that were cleared weigh nothing", () => {
  const entries = new NewestEntries<number>(2, 10);
  entries.set("a", 1, 10);
  entries.clear();
  entries.set("b", 2, 10);
  assertEquals([entries.get("a"), entries.get("b")], [undefined, 2]);
});
