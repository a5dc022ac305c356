import { assert, assertEquals } from "@std/assert";
import {
  Budget,
  type Expression,
  ExpressionFailure,
  ExpressionLanguage,
  MAX_STEPS,
  type Value,
} from "../../../src/expressions/expressions.ts";
import { parseInPieces } from "../../../src/json/exact_pieces.ts";
import { LARGE_MAP } from "../../../src/json/large_maps.ts";

const language = await ExpressionLanguage.load({ body: { kind: "json" } });

function expressionOf(text: string): Expression {
  const compilation = language.compile(text);
  assert("expression" in compilation, text);
  return compilation.expression;
}

function nested(depth: number): Value {
  let value: Value = "x";
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

const thousand = Array.from({ length: 1_000 }, (_, index) => index);
const body: Value = {
  thousand,
  words: thousand.map((index) => `w${index}`),
  deep: nested(10_000),
  alike: nested(10_000),
  zeros: new Array(5_000_000).fill(0),
  long: "a".repeat(1_000_000),
  commas: ",".repeat(1_000_000),
  wide: Object.fromEntries(Array.from({ length: 15_000 }, (_, index) => [`k${index}`, index])),
};

/** Expressions by what ends them. */
const EXCESSIVE: Readonly<Record<string, readonly string[]>> = {
  steps: [
    "body.thousand.all(a, body.thousand.all(b, body.thousand.all(c, a + b + c >= 0.0)))",
    "body.thousand.all(a, a in body.thousand)",
    "body.thousand.exists(a, body.thousand.exists(b, a < 0 && b < 0))",
    "body.thousand.map(a, body.thousand.map(b, [a, b])) == []",
    "body.words.all(a, body.words.exists_one(b, a == b))",
    "body.thousand.all(a, body.absent == 1 || body.thousand.exists(b, body.absent == b))",
    "body.zeros.all(zero, zero == 0)",
    "1 in body.zeros",
    "body.zeros == body.zeros + []",
    "body.zeros.map(zero, zero + zero)",
    "body.words.all(word, body.long.contains(word + 'b') == false)",
    "body.words.all(word, body.long.lastIndexOf('aaab') < 0)",
    "body.words.all(word, body.long + 'a' < body.long + 'b')",
    "body.words.all(word, size(body.wide) > 0 && size(body.long) > 0)",
    "body.commas.split(',').size() > 0",
    "body.long.matches('^(a+)+$')",
    "body.words.all(word, body.long.matches('(a|aa)+b'))",
  ],
  text: [
    `['x']${".map(text, text + text)".repeat(25)}`,
    "body.commas.replace(',', body.words.join('')).size() == 1",
    "body.words.join(body.long)",
    "body.long + body.long",
  ],
  depth: ["body.deep == body.alike", "body.deep in [body.alike]"],
};

Deno.test("an expression that asks for too much ends, and nothing in it goes on without a budget", () => {
  for (const [limit, texts] of Object.entries(EXCESSIVE)) {
    for (const text of texts) {
      for (
        const whole of [text, `dyn(${text}) == true || true`, `[1].exists(x, dyn(${text}) == true || x == 1)`]
      ) {
        const budget = new Budget();
        const result = expressionOf(whole).evaluate({ body }, budget);
        assert(result instanceof ExpressionFailure, whole);
        assertEquals([result.kind, result.limit, budget.used <= MAX_STEPS], ["budget", limit, true], whole);
        assertEquals(expressionOf("body.words[1] == 'w1'").evaluate({ body }, new Budget()), true);
      }
    }
  }
});

Deno.test("a budget is shared by the expressions that are given it", () => {
  const budget = new Budget(50);
  const expression = expressionOf("body.words.filter(word, word == 'w1').size() == 1");
  const few = { body: { words: ["w1", "w2", "w3"] } };
  assertEquals(expression.evaluate(few, budget), true);
  const once = budget.used;
  assertEquals(expression.evaluate(few, budget), true);
  assertEquals(budget.used, 2 * once);
  let result = expression.evaluate(few, budget);
  while (result === true) result = expression.evaluate(few, budget);
  assert(result instanceof ExpressionFailure);
  assertEquals([result.limit, budget.used], ["steps", 50]);
});

Deno.test("an expression that ended for its budget is evaluated again from the beginning", () => {
  const expression = expressionOf("body.words.all(a, body.words.all(b, a != b || a == b))");
  assert(expression.evaluate({ body }, new Budget()) instanceof ExpressionFailure);
  assertEquals(expression.evaluate({ body: { words: ["a"] } }, new Budget()), true);
});

Deno.test("the names of a map with more members than can be listed in time are never listed", () => {
  const members = Array.from({ length: LARGE_MAP }, (_, index) => `"member-${index}":${index}`);
  const steps = parseInPieces(`{"a":1,"map":{${members.join(",")}}}`);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  const variables = { body: step.value };
  for (
    const text of ["size(body.map)", "body.map.all(name, true)", "body.map == {}", "body.map.map(name, name)"]
  ) {
    const result = expressionOf(text).evaluate(variables, new Budget());
    assertEquals(result instanceof ExpressionFailure && result.limit, "steps", text);
  }
  const text = "body.map['member-7'] == 7 && 'member-8' in body.map && size(body) == 2";
  assertEquals(expressionOf(text).evaluate(variables, new Budget()), true);
});

Deno.test("an expression has bounds of its own: length, parts, nesting, and those of its patterns", () => {
  const texts = [
    `${"(".repeat(1_000)}body${")".repeat(1_000)}`,
    "!".repeat(4_000) + "body",
    `${"[".repeat(40)}1${"]".repeat(40)}`,
    `body == '${"x".repeat(4_096)}'`,
    Array.from({ length: 300 }, () => "body").join(" == "),
    `[${Array.from({ length: 201 }, () => "1").join(",")}]`,
    `body.matches('${"x".repeat(257)}')`,
    "body.matches('(a{100}){11}')",
    "body.matches('a{1,30}{1,40}')",
    "body.matches(body)",
    "body.matches('x' + 'y')",
    "body.matches('(?=x)')",
    "body.matches('\\\\1')",
  ];
  for (const text of texts) assert("problems" in language.compile(text), text.slice(0, 60));
  const longest = `body == '${"x".repeat(4_000)}'`;
  assertEquals(expressionOf(longest).evaluate({ body: "x" }, new Budget()), false);
});
