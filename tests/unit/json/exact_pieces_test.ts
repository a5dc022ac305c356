import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseExactly } from "../../../src/json/exact_numbers.ts";
import { parseInPieces } from "../../../src/json/exact_pieces.ts";

/** The value, and into how many pieces the work was divided. */
function read(json: string): { readonly value: unknown; readonly pieces: number } {
  const steps = parseInPieces(json);
  let pieces = 1;
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) pieces++;
  return { value: step.value, pieces };
}

const LONG = `"${'a\\"\\\\\\u00e4'.repeat(20_000)}"`;
const PLAIN = `"${"é".repeat(300_000)}"`;
const ZEROS = `[${"0,".repeat(100_000)}0]`;

Deno.test("a large document is read in pieces, and is what it is when it is read at once", () => {
  const documents = [
    ZEROS,
    `{"a":${LONG},"b":${ZEROS},"a":${ZEROS},"c":{"d":[${ZEROS},1,{"e":${LONG}}],"f":null}}`,
    `[${"[".repeat(900)}${ZEROS}${"]".repeat(900)}]`,
    `  ${" ".repeat(100_000)}{"x" :${" ".repeat(100_000)}[ ] , "y":${"9".repeat(40_000)} }  `,
    LONG,
    `{"a":${PLAIN},"b" : ${PLAIN} ,"c":1,"a":2}`,
    `[1,${PLAIN},[${PLAIN}], 2]`,
    ` ${ZEROS} `,
    `{${LONG}:1,"__proto__":${ZEROS},"constructor":{"__proto__":1},"id":12345678901234567890}`,
  ];
  for (const json of documents) {
    const { value, pieces } = read(json);
    assertEquals(value, parseExactly(json));
    assertEquals(pieces >= json.length / 100_000, true);
  }
});

Deno.test("small documents are read in pieces as well", () => {
  fc.assert(fc.property(fc.json({ maxDepth: 4 }), (json) => {
    assertEquals(read(json).value, parseExactly(json));
  }));
});

Deno.test("strings are cut between their characters, whatever is escaped", () => {
  const parts = fc.array(fc.constantFrom("a", "é", "\\\\", '\\"', "\\u0061", "\\n", "\\ud83d\\ude00", "😀"), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(parts, fc.nat(8), (repeated, shift) => {
      const json = `"${"x".repeat(shift)}${
        repeated.join("").repeat(Math.ceil(40_000 / repeated.join("").length))
      }"`;
      assertEquals(read(json).value, JSON.parse(json));
    }),
    { numRuns: 50 },
  );
});
