import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  compactJson,
  formatJson,
  formatJsonWithin,
  formatMembers,
  splitMembers,
} from "../../../src/json/members.ts";

/** Texts as people and programs write them: indented in some way, or not at all. */
const jsonText = fc.tuple(fc.json(), fc.constantFrom(undefined, 1, "\t", "   \r\n"))
  .map(([json, space]) => JSON.stringify(JSON.parse(json), null, space));

Deno.test("JSON is laid out as JSON.stringify does it", () => {
  fc.assert(fc.property(jsonText, (json) => {
    assertEquals(formatJson(json), JSON.stringify(JSON.parse(json), null, 2));
    assertEquals(compactJson(json), JSON.stringify(JSON.parse(json)));
  }));
});

Deno.test("numbers, escapes and the order of keys survive every change of layout", () => {
  const json = '{"10":12345678901234567890,"2":1.0,"a":1e400,"b":"\\u0041\\"{ [","c":[],"d":{ },"2":-0}';
  const formatted = [
    "{",
    '  "10": 12345678901234567890,',
    '  "2": 1.0,',
    '  "a": 1e400,',
    '  "b": "\\u0041\\"{ [",',
    '  "c": [],',
    '  "d": {},',
    '  "2": -0',
    "}",
  ].join("\n");
  assertEquals(formatJson(json), formatted);
  assertEquals(compactJson(formatted), compactJson(json));
});

Deno.test("members of an object are split with their own texts and in their own order", () => {
  const json = '{ "b" : {"x": [1, {"b": 2}], "y": "a,b:c"} ,\n"10": 1.50, "\\u0062": null, "":"" }';
  assertEquals(splitMembers(json), [
    { name: "b", text: '{"x":[1,{"b":2}],"y":"a,b:c"}' },
    { name: "10", text: "1.50" },
    { name: "b", text: "null" },
    { name: "", text: '""' },
  ]);
  assertEquals(splitMembers(" { } "), []);
});

Deno.test("members that were split and put together again are the same object", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (object, space) => {
      const json = JSON.stringify(object, null, space);
      assertEquals(formatMembers(splitMembers(json)), `${JSON.stringify(JSON.parse(json), null, 2)}\n`);
    }),
  );
});

Deno.test("a string of megabytes of escapes does not exhaust the stack", () => {
  const json = JSON.stringify({ key: '\\"\n'.repeat(1_000_000) });
  assertEquals(compactJson(formatJson(json)) === json, true);
});

Deno.test("JSON is laid out up to a length, and not at all beyond it", () => {
  assertEquals(formatJsonWithin("[1,{}]", 13), "[\n  1,\n  {}\n]");
  assertEquals(formatJsonWithin("[1,{}]", 12), undefined);
  assertEquals(formatJsonWithin("[".repeat(5_000) + "]".repeat(5_000), 10_000), undefined);
});
