import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Budget, ExpressionFailure, type Value } from "../../../src/expressions/expressions.ts";
import { evaluate, language } from "../../support/expressions/language.ts";
import { documents, expressions } from "../../support/expressions/random_expressions.ts";
import { evaluateByReference } from "../../support/expressions/reference.ts";

Deno.test("random expressions over random documents have the value that another CEL gives them", () => {
  const counts = { values: 0, failures: 0 };
  fc.assert(
    fc.property(documents, expressions, (document, text) => {
      const body = JSON.parse(JSON.stringify(document)) as Value;
      const compilation = language.compile(text);
      if ("problems" in compilation) return;
      const result = compilation.expression.evaluate({ body }, new Budget());
      const reference = evaluateByReference(text, body);
      if (result instanceof ExpressionFailure) {
        counts.failures++;
        assertEquals(reference, "error", text);
      } else {
        counts.values++;
        assertEquals({ value: result }, reference === "error" ? reference : { value: reference.value }, text);
      }
    }),
    { numRuns: 1_000 },
  );
  assert(counts.values > 200 && counts.failures > 100, JSON.stringify(counts));
});

/** Where the two differ on purpose: an expression, a body, what it is here and there. The page says why. */
const DIFFERENCES: readonly (readonly [string, string, Value | "error", Value | "error"])[] = [
  ["'a' in body", '{"a":null}', true, false],
  ["has(body.a)", '{"a":null}', true, false],
  ["body.a", '{"constructor":1,"a":2}', 2, "error"],
  ["body.constructor", '{"constructor":1}', 1, "error"],
  ["body.n + 1", '{"n":5}', 6n, "error"],
  ["body.n * 2", '{"n":19.5}', 39, "error"],
  ["has(body.a.b)", "{}", false, "error"],
  ['double("")', "{}", "error", 0],
  ['double("abc")', "{}", "error", NaN],
  ['int("0x1F")', "{}", "error", 31n],
  ['"😀b".substring(1)', "{}", "b", "\ude00b"],
  ['"😀b".indexOf("b")', "{}", 1n, 2n],
  ['"\uffff" < "😀"', "{}", true, false],
  ['"ab".replace("", "-")', "{}", "-a-b-", "--ab"],
];

Deno.test("the differences from another CEL are the listed ones", () => {
  for (const [text, body, here, there] of DIFFERENCES) {
    const result = evaluate(text, { body });
    assertEquals(result instanceof ExpressionFailure ? "error" : result, here, text);
    const reference = evaluateByReference(text, JSON.parse(body));
    assertEquals(reference === "error" ? reference : reference.value, there, text);
  }
});
