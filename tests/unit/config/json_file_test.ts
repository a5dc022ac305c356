import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { findDuplicateKeys, parseJsonObject } from "../../../src/config/json_file.ts";

Deno.test("duplicate keys are found at the top level only, however they are spelt", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["{}", []],
    ['{"a": 1, "b": 2}', []],
    ['{"a": 1, "b": 2, "a": 3, "a": 4}', ["a"]],
    ['{"a": 1, "\\u0061": 2}', ["a"]],
    ['{"a": {"x": 1, "x": 2}, "b": {"a": 1}}', []],
    ['{"a": ["a", "a", {"a": [1, 2]}], "b": "a"}', []],
    ['{"a": "\\"a\\": {[", "b\\\\": "}", "b\\\\": "\\\\"}', ["b\\"]],
    [' \n{"": {}, "" : {}}\t', [""]],
    ['{"__proto__": 1, "constructor": 2, "__proto__": 3}', ["__proto__"]],
  ];
  for (const [text, duplicates] of cases) {
    JSON.parse(text);
    assertEquals([...findDuplicateKeys(text)], [...duplicates], text);
  }
});

Deno.test("duplicate keys are exactly those that were written twice, whatever the values hold", () => {
  const members = fc.array(fc.tuple(fc.string({ maxLength: 3, unit: "binary" }), fc.jsonValue()));
  fc.assert(fc.property(members, fc.integer({ min: 0, max: 2 }), (pairs, indent) => {
    const text = `{${
      pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value, null, indent)}`)
    }}`;
    const keys = pairs.map(([key]) => key);
    const twice = new Set(keys.filter((key, index) => keys.indexOf(key) < index));
    assertEquals([...findDuplicateKeys(text)].sort(), [...twice].sort());
  }));
});

Deno.test("a JSON file is parsed into its members, an own key __proto__ included", async () => {
  const parsed = await parseJsonObject(new TextEncoder().encode('\ufeff{"a": 1, "__proto__": 2, "a": 3}'));
  if ("problem" in parsed) throw new Error(parsed.problem.message);
  assertEquals(Object.entries(parsed.members), [["a", 3], ["__proto__", 2]]);
  assertEquals([...parsed.duplicateKeys], ["a"]);
});

Deno.test("a problem of a JSON file names the position and quotes nothing of it", async () => {
  const problemOf = async (text: string) => {
    const parsed = await parseJsonObject(new TextEncoder().encode(text));
    return "problem" in parsed ? parsed.problem.message : undefined;
  };
  const secret = "hunter2hunter2";
  assertEquals(await problemOf(""), "The file is empty");
  assertEquals(await problemOf(" \r\n"), "The file is empty");
  assertEquals(
    await problemOf(`{"a":\n ${secret}}`),
    "The file is not valid JSON: error at position 7 (line 2 column 2)",
  );
  assertEquals(
    await problemOf(`{"a": "${secret}`),
    "The file is not valid JSON: error at position 21 (line 1 column 22)",
  );
  assertEquals(await problemOf(`"${secret}"`), "The file must hold a JSON object at its top level");
});
