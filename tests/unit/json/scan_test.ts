import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_JSON_BOUNDS, isWithinBounds, type JsonBounds, JsonScanner } from "../../../src/json/scan.ts";

const encoder = new TextEncoder();

/** The verdict, found in pieces of so many bytes. */
function scan(json: string, bounds: JsonBounds = DEFAULT_JSON_BOUNDS, pieceBytes = Infinity) {
  const bytes = encoder.encode(json);
  const scanner = new JsonScanner(bytes, bounds);
  for (let piece = 0; piece <= bytes.byteLength; piece++) {
    const verdict = scanner.advance(pieceBytes);
    if (verdict !== undefined) return verdict;
  }
  return "not_json";
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

Deno.test("a text is JSON exactly where JSON.parse takes it, in pieces of any size", () => {
  // Most are nearly JSON: a document of which one character was taken out, replaced or repeated.
  const character = fc.constantFrom(
    ...'{}[]:,"\\/-+.0123456789eEaftnulrs \t\n\r\f\u0000\u001f\u007fé😀\u2028',
  );
  const nearly = fc.tuple(fc.json(), fc.nat(), fc.nat(2), fc.array(character, { maxLength: 3 })).map(
    ([json, place, length, inserted]) => {
      const at = place % (json.length + 1);
      return json.slice(0, at) + inserted.join("") + json.slice(at + length);
    },
  );
  const made = fc.array(
    fc.oneof(character, fc.constantFrom("true", "false", "null", '"a":', "[]", "\\u00e9", "1e5")),
    { maxLength: 12 },
  ).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(nearly, made, fc.json()), fc.integer({ min: 1, max: 9 }), (text, pieceBytes) => {
      const wellFormed = text.toWellFormed();
      const expected = isJson(wellFormed) ? "json" : "not_json";
      assertEquals(scan(wellFormed), expected, wellFormed);
      assertEquals(scan(wellFormed, DEFAULT_JSON_BOUNDS, pieceBytes), expected, wellFormed);
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("what is easily taken for JSON is none, and what looks odd may be JSON", () => {
  const none = [
    "",
    " ",
    "\ufeff",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "1e+",
    "+1",
    "NaN",
    "tru",
    "nulll",
    "'a'",
    "[1,]",
  ];
  none.push(
    '{"a":1,}',
    "{a:1}",
    '{"a"}',
    "[1 2]",
    '"\t"',
    '"\\x"',
    '"\\u00g0"',
    '"\\u12',
    '"',
    "[",
    "]",
    "1 1",
  );
  for (const text of none) assertEquals(scan(text), "not_json", text);
  const json = [
    "\ufeff[]",
    "-0",
    "1E+2",
    "0.10",
    '"\\ud800"',
    '"\u2028"',
    " \t\r\n1\n",
    '{"":{"":[]}}',
    "[[],{}]",
  ];
  for (const text of json) assertEquals(scan(text), "json", text);
});

Deno.test("a document may be as deep as the bound and hold as many values, and not one more", () => {
  const bounds = { maxDepth: 3, maxValues: 6 };
  for (
    const json of ["[[[1]]]", '{"a":{"b":{}}}', "[1,2,3,4,5]", "[[],[],[],{},{}]", '{"a":1,"b":2,"c":[""]}']
  ) {
    assertEquals(scan(json, bounds), "json", json);
  }
  for (const json of ["[[[[]]]]", '[{"a":[{}]}]', "[1,2,3,4,5,6]", '{"a":[],"b":[],"c":[null,true,0]}']) {
    assertEquals(scan(json, bounds), "too_complex", json);
    assertEquals(scan(json, bounds, 1), "too_complex", json);
  }
});

Deno.test("a length that says that a document is within the bounds is true of every document", () => {
  const bounds = { maxDepth: 4, maxValues: 9 };
  const worst = ["[[[[]]]]", "[1,1,1,1]", "[[],[],[]", "[[[[]]],1"];
  for (const json of worst) {
    assertEquals(isWithinBounds(json.length, bounds), json.length <= 8);
    if (json.length <= 8) assertEquals(scan(json, bounds) === "too_complex", false, json);
  }
});

Deno.test("a million levels are looked at without a stack", () => {
  const levels = 1_000_000;
  const unbounded = { maxDepth: Infinity, maxValues: Infinity };
  for (const [open, close] of [["[", "]"], ['{"":', "}"]] as const) {
    const json = open.repeat(levels) + "1" + close.repeat(levels);
    assertEquals([scan(json, unbounded), scan(json)], ["json", "too_complex"]);
  }
});
