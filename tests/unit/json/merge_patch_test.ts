import { assert, assertEquals } from "@std/assert";
import { mergePatch } from "../../../src/json/merge_patch.ts";

/** RFC 7396, appendix A: target, patch and result. */
const EXAMPLES: readonly [string, string, string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', "null", "null"],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

Deno.test("a merge patch gives what RFC 7396 says of its own examples", () => {
  for (const [target, patch, result] of EXAMPLES) {
    const [before, change] = [JSON.parse(target), JSON.parse(patch)];
    assertEquals(JSON.stringify(mergePatch(before, change)), result, `${target} with ${patch}`);
    assertEquals([JSON.stringify(before), JSON.stringify(change)], [target, patch], "inputs are left alone");
  }
});

Deno.test("a merge patch takes __proto__ as a name like any other", () => {
  const merged = mergePatch(JSON.parse('{"a":1}'), JSON.parse('{"__proto__":{"isAdmin":true}}'));
  assertEquals(JSON.stringify(merged), '{"a":1,"__proto__":{"isAdmin":true}}');
  assert(!("isAdmin" in (merged as object)));
});
