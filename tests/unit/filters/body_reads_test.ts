/** Conditions read single members of a document, and find there what they would find in all of it. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { EventBody } from "../../../src/event/event.ts";
import {
  Budget,
  type Expression,
  ExpressionFailure,
  type Value,
} from "../../../src/expressions/expressions.ts";
import { BodyReads } from "../../../src/filters/body_reads.ts";
import { language } from "../../support/expressions/language.ts";
import { documents, expressions } from "../../support/expressions/random_expressions.ts";

function compile(text: string): Expression | undefined {
  const compilation = language.compile(text);
  return "problems" in compilation ? undefined : compilation.expression;
}

function outcome(expression: Expression, value: unknown): unknown {
  const result = expression.evaluate({ body: value as Value }, new Budget());
  return result instanceof ExpressionFailure ? [result.kind, result.code, result.source] : result;
}

/** Whether a condition reads nothing of the document but these members, as they are left of it. */
function assertReads(text: string, json: string, left: string | "all"): void {
  const reads = new BodyReads([compile(text)!]);
  assertEquals(reads.isWhole, left === "all", text);
  const body = EventBody.fromText(json);
  assertEquals(reads.valueOf(body), JSON.parse(left === "all" ? json : left), text);
}

const PUSH = '{"ref":"main","sender":{"login":"a","id":7},"commits":[{"id":1}],"in":1}';

Deno.test("only members that a condition names are read", () => {
  assertReads("body.ref == 'main' && has(body.sender.id)", PUSH, '{"ref":"main","sender":{"id":7}}');
  assertReads("body.commits[0].id > 0 || body['in'] == 1", PUSH, '{"commits":[{"id":1}],"in":1}');
  assertReads("size(body.sender) > 0 && body.sender.id > 0", PUSH, '{"sender":{"login":"a","id":7}}');
  assertReads("body.sender.id > 0 && size(body.sender) > 0", PUSH, '{"sender":{"login":"a","id":7}}');
  assertReads(
    "body.commits.all(commit, commit.id > body.sender.id)",
    PUSH,
    '{"sender":{"id":7},"commits":[{"id":1}]}',
  );
  assertReads("body.ref.size() > 0 && [{'a': body.absent}].size() == 1", PUSH, '{"ref":"main"}');
});

Deno.test("all is read where a condition may look at any member", () => {
  for (
    const text of [
      "size(body) > 0",
      "'ref' in body",
      "body == {'a': 1}",
      "body.map(name, body[name]).size() > 0",
      "body[body.ref] == 1",
      "body.commits.all(body, body.id > 0)",
      "[body].size() == 1 && body.ref == 'main'",
      "(body.ref == 'main' ? body : {}) == {}",
    ]
  ) assertReads(text, PUSH, "all");
});

Deno.test("several conditions read what each of them names", () => {
  const reads = new BodyReads(
    ["body.sender.id > 0", "body.ref == ''", "body.sender == {}"].map((text) => compile(text)!),
  );
  assertEquals(reads.valueOf(EventBody.fromText(PUSH)), { ref: "main", sender: { login: "a", id: 7 } });
});

/** The variable by itself, of which all is read. */
const BARE = /\bbody\b(?![.[])/g;

Deno.test("random conditions come to the same of what they read as of the whole document", () => {
  let picked = 0;
  fc.assert(
    fc.property(documents, expressions, expressions, (document, text, other) => {
      const all = [text, other].flatMap((each) => compile(each.replaceAll(BARE, "body.list")) ?? []);
      const reads = new BodyReads(all.filter((each) => each.reads.variables.has("body")));
      const body = EventBody.fromText(JSON.stringify(document));
      const [value, whole] = [reads.valueOf(body), EventBody.fromText(body.text).value];
      if (!reads.isWhole) picked++;
      for (const each of all) assertEquals(outcome(each, value), outcome(each, whole), each.text);
    }),
    { numRuns: 1_000 },
  );
  assert(picked > 200, `${picked}`);
});
