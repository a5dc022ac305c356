import { assertEquals } from "@std/assert";
import { Budget } from "../../../src/expressions/expressions.ts";
import {
  compiled,
  evaluate,
  failureOf,
  problemsOf,
  variablesOf,
} from "../../support/expressions/language.ts";

const PUSH = JSON.stringify({
  ref: "refs/heads/main",
  pull_request: null,
  commits: [{ added: ["src/a.ts"], modified: [] }, { added: [], modified: ["db/1.sql"] }],
});

Deno.test("conditions over headers and a body are evaluated", () => {
  const world = { body: PUSH, headers: { "x-github-event": "push" } };
  const conditions: readonly [string, boolean][] = [
    ["headers['x-github-event'] == 'push' && body.ref.startsWith('refs/heads/main')", true],
    ["headers['x-github-event'] == 'ping' || body.ref == 'refs/heads/dev'", false],
    ["body.commits.exists(c, c.added.exists(f, f.startsWith('src/')))", true],
    ["body.commits.exists(c, c.modified.exists(f, f.endsWith('.sql')))", true],
    ["body.commits.all(c, size(c.added) == 1)", false],
    ["body.commits.exists_one(c, c.added == [])", true],
    ["has(body.ref) && !has(body.zen) && !has(body.a.b.c) && has(body.pull_request)", true],
    ["'x-github-event' in headers && !('x-other' in headers) && has(headers.host) == false", true],
    ["event.id == 'e-1' && event.size > 11", true],
    ["body.ref.matches('^refs/heads/(main|release-[0-9]+)$')", true],
  ];
  for (const [text, expected] of conditions) assertEquals(evaluate(text, world), expected, text);
});

Deno.test("an absent member is a failure of its own, and || and && go on without it", () => {
  assertEquals(failureOf("body.zen == 'x'", { body: PUSH }), "missing_field");
  assertEquals(failureOf("body.pull_request.merged", { body: PUSH }), "missing_field");
  assertEquals(failureOf("headers['x-none'] == 'x'"), "missing_field");
  assertEquals(evaluate("body.zen == 'x' || body.ref != ''", { body: PUSH }), true);
  assertEquals(evaluate("body.ref == '' && body.zen", { body: PUSH }), false);
  assertEquals(failureOf("body.zen == 'x' || body.ref > 1", { body: PUSH }), "wrong_type");
  assertEquals(failureOf("body.commits[2]", { body: PUSH }), "index_out_of_range");
});

Deno.test("an expression says what it reads, and asks for no other header", () => {
  const expression = compiled("headers['x-event'] == 'push' && ('x-id' in headers || has(headers.host))");
  const variables = variablesOf({ headers: { "x-event": "push", other: "1" } });
  assertEquals(expression.evaluate(variables, new Budget()), false);
  assertEquals([...expression.reads.variables], ["headers"]);
  assertEquals([...expression.reads.texts.get("headers") ?? []], ["x-event", "x-id", "host"]);
  assertEquals(variables.headers.asked, ["x-event", "x-id", "host"]);
  const any = compiled("headers.exists(h, h == 'x') || 'y' in headers").reads;
  assertEquals([...any.texts.get("headers") ?? []], ["y"]);
});

Deno.test("what cannot be an expression is a problem with line and column", () => {
  const problems: readonly [string, string][] = [
    [
      "body.ref ==\n  unknown",
      "2:3 There is no variable 'unknown': known are 'body', 'headers', 'event', 'blob'",
    ],
    ["body.a = 1", '1:8 "=" cannot stand here: write "=="'],
    ["body.a and body.b", '1:8 "and" cannot stand here: write "&&"'],
    ["body.startWith('a')", "1:6 There is no method 'startWith': nearest is 'startsWith'"],
    ["'é' == body.\n", "2:1 The expression ends too early"],
    ["blob.x == 1", "1:1 The body is not read as JSON"],
    ["event.idd == ''", "1:7 event has no member 'idd': nearest is 'id'"],
    [
      "body.x && '{$TOKEN}' == ''",
      "1:12 An expression holds no {$…}: what is put in could change what it says",
    ],
    ["", "1:1 The expression is empty"],
  ];
  for (const [text, expected] of problems) assertEquals(problemsOf(text), [expected], text);
});

Deno.test("equal texts are one expression, whoever asks for them", () => {
  assertEquals(compiled("body.x == 7") === compiled("body.x == 7"), true);
});
