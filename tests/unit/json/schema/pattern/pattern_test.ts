/** That patterns mean what they mean to the runtime's own engine, and take no more time the more hostile they are. */

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Pattern, PatternError } from "../../../../../src/json/schema/pattern/pattern.ts";

const FREE = { spend: () => {} };

function matches(pattern: string, text: string): boolean {
  return new Pattern(pattern).test(text, FREE);
}

/** How much work a match takes, in steps. */
function stepsOf(pattern: string, text: string): number {
  let steps = 0;
  new Pattern(pattern).test(text, { spend: (more) => steps += more });
  return steps;
}

/** Patterns of everything that is taken, a few levels deep. */
const patterns = fc.letrec<{ pattern: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    fc.constantFrom(
      "a",
      "b",
      "c",
      ".",
      "\\d",
      "\\w",
      "\\s",
      "[ab]",
      "[^a]",
      "[a-c\\d]",
      "\\p{Lu}",
      "é",
      "😀",
    ),
    fc.constantFrom("^", "$", "\\b", "\\B", "\\u0061", "\\x62", "\\/", "\\."),
    tie("pattern").map((inner) => `(?:${inner})`),
    tie("pattern").map((inner) => `(${inner})`),
  ),
  pattern: fc.array(
    fc.tuple(
      tie("atom"),
      fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "|"),
    ),
    { maxLength: 4 },
  ).map((parts) =>
    parts.map(([atom, suffix]) => suffix === "|" ? `${atom}|` : isAssertion(atom) ? atom : atom + suffix)
      .join("")
  ),
})).pattern;

function isAssertion(atom: string): boolean {
  return ["^", "$", "\\b", "\\B"].includes(atom);
}

/** `undefined` for one that is refused since it would be too large, as a few of the random ones are. */
function patternOf(source: string): Pattern | undefined {
  try {
    return new Pattern(source);
  } catch (error) {
    assertInstanceOf(error, PatternError);
    return undefined;
  }
}

Deno.test("a pattern matches what the runtime's own engine matches", () => {
  const texts = fc.array(
    fc.constantFrom("a", "b", "c", "d", " ", "1", "É", "é", "😀", "\n", "\ud800", "/", "."),
    {
      maxLength: 8,
    },
  ).map((characters) => characters.join(""));
  fc.assert(
    fc.property(patterns, fc.array(texts, { minLength: 1, maxLength: 8 }), (pattern, examples) => {
      const own = patternOf(pattern);
      fc.pre(own !== undefined);
      const native = new RegExp(pattern, "u");
      for (const text of examples) {
        // V8 finds `\B` within a surrogate pair, where ECMA-262 has no place (section 22.2.2.4).
        if (pattern.includes("\\B") && text.includes("😀")) continue;
        assertEquals(
          own.test(text, FREE),
          native.test(text),
          `${JSON.stringify(pattern)} ${JSON.stringify(text)}`,
        );
      }
    }),
    { numRuns: 2_000 },
  );
});

for (
  const [pattern, text] of [
    ["^(a+)+$", "a".repeat(100_000) + "!"],
    ["^(a|a)*$", "a".repeat(100_000) + "!"],
    ["(.*)*x", "y".repeat(100_000)],
    ["a+b", "a".repeat(100_000)],
    ["^([a-zA-Z0-9_.-]+)*@example\\.com$", "a".repeat(100_000)],
    ["(\\s+)+$", " ".repeat(100_000) + "x"],
  ] as const
) {
  Deno.test(`a hostile pattern takes time in proportion to the text: ${pattern}`, () => {
    assertEquals(matches(pattern, text), false);
    const half = stepsOf(pattern, text.slice(text.length / 2));
    assert(stepsOf(pattern, text) < 2.1 * half + 1_000);
    assert(half < text.length, `${half} steps`);
  });
}

Deno.test("a pattern that needs thousands of states or classes of characters keeps few of them", () => {
  const apart = Array.from({ length: 400 }, (_, index) => `[${String.fromCodePoint(0x4e00 + index)}x]`).join(
    "|",
  );
  const text = Array.from({ length: 6_000 }, (_, index) => String.fromCodePoint(0x4e00 + index % 3_000)).join(
    "",
  );
  const pattern = new Pattern(`^(?:${apart})*$`);
  for (let round = 0; round < 3; round++) {
    assertEquals(pattern.test(text, FREE), false);
    assertEquals(pattern.test(text.slice(0, 400), FREE), true);
  }
  const states = new Pattern("(a|b)*a(a|b){10}$");
  const native = /(a|b)*a(a|b){10}$/u;
  for (let seed = 1; seed < 3_000; seed++) {
    const word = (seed * 2_654_435_761 % 2 ** 32).toString(2).replaceAll("0", "a").replaceAll("1", "b");
    assertEquals(states.test(word, FREE), native.test(word), word);
  }
});

Deno.test("signs that need no backslash may have one, as in patterns of other languages", () => {
  assertEquals(matches("^\\-\\@\\_\\ \\:[\\-\\@]$", "-@_ :-"), true);
  assertEquals(matches("^[\\w\\-\\.]+$", "a-b.c"), true);
});

for (
  const [pattern, reason] of [
    ["(a)\\1", "back references"],
    ["(?<n>a)\\k<n>", "back references"],
    ["(?=a)b", "ahead"],
    ["(?<!a)b", "behind"],
    ["(", "not a regular expression"],
    ["^a\\Z", "not a regular expression"],
    ["(?P<name>a)", "not a regular expression"],
    ["[b-a]", "not a regular expression"],
    ["(a{1000}){1000}", "too large"],
  ] as const
) {
  Deno.test(`a pattern that cannot be matched in a bounded time, or at all, is refused: ${pattern}`, () => {
    assertThrows(() => new Pattern(pattern), PatternError, reason);
  });
}
