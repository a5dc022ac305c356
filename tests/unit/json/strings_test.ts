import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { endOfString } from "../../../src/json/strings.ts";

Deno.test("a string of JSON ends at its quote, whatever is escaped in it", () => {
  assertEquals(endOfString('""', 0), 2);
  assertEquals(endOfString('["a\\"b", 1]', 1), 7);
  assertEquals(endOfString('{"a\\\\":"b"}', 1), 6);
  assertEquals(endOfString('"\\\\\\"" , "x"', 0), 6);
});

Deno.test("a string of JSON that is cut off ends where the text does", () => {
  for (const text of ['"', '"abc', '"abc\\', '"abc\\"', '"abc\\\\\\"']) {
    assertEquals(endOfString(text, 0), text.length, text);
  }
});

Deno.test("the end of every string is found between any texts", () => {
  const texts = fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }));
  fc.assert(fc.property(texts, ([first, second]) => {
    const json = `[${JSON.stringify(first)},${JSON.stringify(second)}]`;
    assertEquals(JSON.parse(json.slice(1, endOfString(json, 1))), first);
  }));
});
