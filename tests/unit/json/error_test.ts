import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { describeJsonError, findJsonError } from "../../../src/json/error.ts";

const cases: readonly [text: string, position: number][] = [
  ["", 0],
  [" \n", 2],
  ["hello", 0],
  ["{a:1}", 1],
  [`{"a" 1}`, 5],
  [`{"a":1,}`, 7],
  ["[1,]", 3],
  ["[1 2]", 3],
  ["[1]]", 3],
  ["trux", 3],
  ["nul", 3],
  ["01", 1],
  ["-x", 1],
  ["1.", 2],
  ["1.x", 2],
  ["1.5e+x", 5],
  ["+1", 0],
  [`"a\n"`, 2],
  [`"\\x"`, 2],
  [`"\\u12g4"`, 5],
  [`"a`, 2],
  [`[{"a":[`, 7],
];
for (const [text, position] of cases) {
  Deno.test(`the place where ${JSON.stringify(text)} stops being JSON is ${position}`, () => {
    assertEquals(findJsonError(text), position);
  });
}

Deno.test("the reason for malformed JSON is a sentence with the place, and holds nothing of the text", () => {
  assertEquals(describeJsonError(`{"a":secret}`), "The body is not valid JSON from character 6 on");
  assertEquals(describeJsonError(`{"a":`), "The body is incomplete JSON: it ends after character 5");
});

Deno.test("the place is searched in the first 64 Ki characters, however long and deep the text is", () => {
  const long = `["${"x".repeat(70_000)}\n"]`;
  assertEquals(findJsonError(long), undefined);
  assertStringIncludes(describeJsonError(long), "somewhere after character 65536");
  assertEquals(findJsonError("[".repeat(60_000)), 60_000);
});

Deno.test("a place is found exactly where the parser finds no JSON, and is the parser's where it says", () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...`{}[]:," \\untrfalse0123456789.eE+-\n`), maxLength: 12 }),
    fc.tuple(fc.json(), fc.nat(), fc.nat(3), fc.string({ maxLength: 2 })).map(([json, at, cut, put]) => {
      const start = at % (json.length + 1);
      return json.slice(0, start) + put + json.slice(start + cut);
    }),
  );
  fc.assert(
    fc.property(text, (json) => {
      const position = findJsonError(json);
      let message: string | undefined;
      try {
        JSON.parse(json);
      } catch (error) {
        message = (error as SyntaxError).message;
      }
      assertEquals(position === undefined, message === undefined);
      const named = /at position (\d+)/.exec(message ?? "")?.[1];
      if (named !== undefined) assertEquals(position, Number(named));
      // What stands before the place is the beginning of a document.
      if (position !== undefined) assertEquals(findJsonError(json.slice(0, position)) ?? position, position);
    }),
    { numRuns: 5_000 },
  );
});
