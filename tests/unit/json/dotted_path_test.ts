import { assertEquals } from "@std/assert";
import { followPath } from "../../../src/json/dotted_path.ts";

const TEXT = `{
  "module": "log", "text": "a } \\" { b",
  "chain": [ {"module": "x"}, {"a.b": {"c": 1}, "a": {"b": {"c": 2}}, "\\u0061b": 3} ],
  "twice": 1, "twice": {"x": null}
}`;

/** What stands at the end of a path, and what is left of the path. */
function follow(path: string): [string, string, boolean] {
  const { at, rest, isInObject } = followPath(TEXT, path);
  return [TEXT.slice(at, at + 11).split("\n")[0]!, rest, isInObject];
}

Deno.test("a path leads to the member that it names, through objects and lists", () => {
  assertEquals(follow("module"), ['"module": "', "", false]);
  assertEquals(follow("chain.0.module"), ['"module": "', "", false]);
  assertEquals(follow("chain.1"), ['{"a.b": {"c', "", true]);
  assertEquals(follow("chain.1.ab"), ['"\\u0061b": ', "", false]);
  assertEquals(follow("twice.x"), ['"x": null}', "", false]);
});

Deno.test("a path means the longest name with dots that it begins with", () => {
  assertEquals(follow("chain.1.a.b.c"), ['"c": 1}, "a', "", false]);
});

Deno.test("a path that leads nowhere ends where the way does", () => {
  assertEquals(follow("chain.1.none.x"), ['{"a.b": {"c', "none.x", true]);
  assertEquals(follow("chain.7"), ['"chain": [ ', "7", false]);
  assertEquals(follow("text.x"), ['"text": "a ', "x", false]);
  assertEquals(follow("none"), ["{", "none", true]);
  assertEquals(follow(""), ["{", "", true]);
});
