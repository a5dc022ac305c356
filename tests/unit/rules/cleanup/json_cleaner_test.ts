/** That values of names are taken out of JSON texts, and nothing else of a text is touched. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { cleanedJson } from "../../../../src/rules/cleanup/json_cleaner.ts";

const isLookedFor = (name: string) => name === "secret" || name === 'a "quoted" name';

function run(json: string, mask: string | undefined): { readonly text: string; readonly pauses: number } {
  const steps = cleanedJson(json, { isLookedFor, mask });
  let pauses = 0;
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) pauses++;
  return { text: step.value, pauses };
}

const masked = (json: string) => run(json, '"*"').text;
const removed = (json: string) => run(json, undefined).text;

for (
  const [json, whenMasked, whenRemoved] of [
    ['{"secret":"x"}', '{"secret":"*"}', "{}"],
    ['{"a":1,"secret":2}', '{"a":1,"secret":"*"}', '{"a":1}'],
    ['{"secret":1,"a":2}', '{"secret":"*","a":2}', '{"a":2}'],
    ['{ "secret" : 1 , "a" : 2 }', '{ "secret" : "*" , "a" : 2 }', '{ "a" : 2 }'],
    ['{"a":1 , "secret" : [1,{"b":"}"}] }', '{"a":1 , "secret" : "*" }', '{"a":1  }'],
    ['{"secret":1,"secret":2,"secret":{}}', '{"secret":"*","secret":"*","secret":"*"}', "{}"],
    [
      '{"a":{"secret":"x","b":[{"secret":-1e5}]}}',
      '{"a":{"secret":"*","b":[{"secret":"*"}]}}',
      '{"a":{"b":[{}]}}',
    ],
    ['["secret",{"b":"secret"}]', '["secret",{"b":"secret"}]', '["secret",{"b":"secret"}]'],
    [
      '{"secret":null,"b":{"secret":true}}',
      '{"secret":null,"b":{"secret":true}}',
      '{"secret":null,"b":{"secret":true}}',
    ],
    ['{"s\\u0065cret":"x"}', '{"s\\u0065cret":"*"}', "{}"],
    ['{"a \\"quoted\\" name":"x"}', '{"a \\"quoted\\" name":"*"}', "{}"],
    ['{"secret":"a \\"b\\\\\\" c\\\\","n":1.10}', '{"secret":"*","n":1.10}', '{"n":1.10}'],
    ['{"secret":{"secret":[]},"n":1}', '{"secret":"*","n":1}', '{"n":1}'],
    ['{"Secret":1,"secrets":2,"":3}', '{"Secret":1,"secrets":2,"":3}', '{"Secret":1,"secrets":2,"":3}'],
    ['"secret"', '"secret"', '"secret"'],
    ["5", "5", "5"],
  ] as const
) {
  Deno.test(`a document is cleaned: ${json}`, () => {
    assertEquals([masked(json), removed(json)], [whenMasked, whenRemoved]);
  });
}

function clean(value: unknown, mask: string | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => clean(item, mask));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, child]) => {
      const stays = !isLookedFor(name) || child === null || typeof child === "boolean";
      if (stays) return [[name, isLookedFor(name) ? child : clean(child, mask)]];
      return mask === undefined ? [] : [[name, mask]];
    }),
  );
}

Deno.test("what is left of any document is what cleaning its values leaves, however it is laid out", () => {
  const name = fc.constantFrom("secret", "a", "b", 'a "quoted" name', "secret\\");
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.jsonValue({ maxDepth: 0 }),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(name, tie("value"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(fc.property(value, fc.constantFrom(0, 2), (document, indent) => {
    const json = JSON.stringify(document, null, indent);
    assertEquals(JSON.parse(masked(json)), clean(JSON.parse(json), "*"));
    assertEquals(JSON.parse(removed(json)), clean(JSON.parse(json), undefined));
  }));
});

Deno.test("a large document is cleaned in pieces, a large value that is taken out too", () => {
  const secret = { secret: "x".repeat(10), list: Array.from({ length: 20_000 }, (_, index) => ({ index })) };
  const json = JSON.stringify([secret, { secret: [secret] }]);
  const { text, pauses } = run(json, undefined);
  assertEquals(JSON.parse(text), [{ list: secret.list }, {}]);
  assertEquals(pauses >= Math.floor(json.length / 65_536) - 1, true, `${pauses} pauses`);
});
