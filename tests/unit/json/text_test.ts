import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { countStrings, describeErrorPosition, forEachDuplicateKey } from "../../../src/json/text.ts";

function duplicateKeys(text: string): string[] {
  const found: string[] = [];
  forEachDuplicateKey(text, (path) => found.push(path.join("/")));
  return found;
}

/** JSON text of members, in which a key may stand more than once. */
function objectText(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([key, text]) => `${JSON.stringify(key)}:${text}`)}}`;
}

Deno.test("duplicate keys are found at every depth, however they are spelt", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["{}", []],
    ['{"a": 1, "b": 2}', []],
    ['{"a": 1, "b": 2, "a": 3, "a": 4}', ["a", "a"]],
    ['{"a": 1, "\\u0061": 2}', ["a"]],
    ['{"a": {"x": 1, "x": 2}, "b": {"a": 1}}', ["a/x"]],
    ['{"a": ["a", "a", {"a": [1, 2]}], "b": "a"}', []],
    ['{"a": [1, [{}, {"b": [], "c": "d", "b": 2}], {"b": 1}], "a": 3}', ["a/1/1/b", "a"]],
    ['{"a": "\\"a\\": {[", "b\\\\": "}", "b\\\\": "\\\\"}', ["b\\"]],
    [' \n{"": {}, "" : {}}\t', [""]],
    ['{"__proto__": 1, "constructor": 2, "__proto__": 3}', ["__proto__"]],
    ['[{"a": 1, "a": 2}, 3]', ["0/a"]],
    ['"a"', []],
  ];
  for (const [text, duplicates] of cases) {
    JSON.parse(text);
    assertEquals(duplicateKeys(text), [...duplicates], text);
  }
});

Deno.test("duplicate keys are exactly those that were written twice, whatever the values hold", () => {
  const members = fc.array(
    fc.tuple(fc.string({ maxLength: 3, unit: "binary" }), fc.jsonValue({ maxDepth: 3 })),
    { maxLength: 6 },
  );
  fc.assert(fc.property(members, fc.integer({ min: 0, max: 2 }), (pairs, indent) => {
    const text = objectText(pairs.map(([key, value]) => [key, JSON.stringify(value, null, indent)]));
    const keys = pairs.map(([key]) => key);
    const repeated = keys.filter((key, index) => keys.indexOf(key) < index);
    assertEquals(duplicateKeys(text), repeated);
    assertEquals(duplicateKeys(`{"a": [${text}]}`), repeated.map((key) => `a/0/${key}`));
  }));
});

Deno.test("a text has more strings than what it is parsed to exactly when it has duplicate keys", () => {
  const strings = (value: unknown): number => {
    if (typeof value === "string") return 1;
    if (typeof value !== "object" || value === null) return 0;
    const inside = Object.values(value).reduce((sum, child) => sum + strings(child), 0);
    return inside + (Array.isArray(value) ? 0 : Object.keys(value).length);
  };
  // No key ends with a backslash: V8 would mistake escaped keys of later texts for it.
  const key = fc.constantFrom("a", "b", '"', '\n"');
  const text = fc.letrec<{ readonly value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom("1", "null", '"a"', '"\\""', '"\\\\"', "[]", '{"a":"b"}'),
      fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items}]`),
      fc.array(fc.tuple(key, tie("value")), { maxLength: 3 }).map(objectText),
    ),
  })).value;
  fc.assert(fc.property(text, (json) => {
    assertEquals(countStrings(json) > strings(JSON.parse(json)), duplicateKeys(json).length > 0, json);
  }));
});

Deno.test("a text of 100,000 levels that has a key twice at each is looked through", () => {
  let found = 0;
  forEachDuplicateKey('{"a":1,"a":'.repeat(100_000) + "1" + "}".repeat(100_000), () => found++);
  assertEquals(found, 100_000);
});

Deno.test("the position of an error is found for every common mistake", () => {
  const cases: Readonly<Record<string, string>> = {
    '{"a": 1,}': ": error at position 8 (line 1 column 9)",
    '{"a": 1 "b": 2}': ": error at position 8 (line 1 column 9)",
    '{\n  // remark\n  "a": 1}': ": error at position 4 (line 2 column 3)",
    "{\n  'a': 1}": ": error at position 4 (line 2 column 3)",
    '{\n  "a": True}': ": error at position 9 (line 2 column 8)",
    '{"a": "\\"", "b": hunter2}': ": error at position 17 (line 1 column 18)",
    '{"a": [1, 2,\n]}': ": error at position 13 (line 2 column 1)",
    '{"a": }': ": error at position 6 (line 1 column 7)",
    '{"a": [,1]}': ": error at position 7 (line 1 column 8)",
    '{"a": [], "b": nullable}': ": error at position 19 (line 1 column 20)",
    "hello": ": error at position 0 (line 1 column 1)",
    '{"a": [': "",
  };
  for (const [text, expected] of Object.entries(cases)) {
    const error = assertThrows(() => JSON.parse(text), SyntaxError);
    assertEquals(describeErrorPosition(text, error), expected, text);
  }
});

Deno.test("the position of an error is within the text, whatever that is", () => {
  const piece = fc.constantFrom("{", "}", "[", "]", ",", ":", '"', "\\", "a", "1", "-", "true", " ", "\n");
  fc.assert(fc.property(fc.array(piece).map((pieces) => pieces.join("")), (text) => {
    try {
      JSON.parse(text);
    } catch (error) {
      const told = /position (\d+) \(line (\d+) column (\d+)\)/.exec(describeErrorPosition(text, error));
      if (told === null) return;
      const [position = NaN, line = NaN, column = NaN] = told.slice(1).map(Number);
      assertEquals(position <= text.length, true);
      const lines = text.split("\n");
      const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
      assertEquals(before + column - 1, position);
    }
  }));
});
