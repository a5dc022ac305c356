import { assertEquals } from "@std/assert";
import { withoutSecrets } from "../../../../src/cli/print/without_secrets.ts";
import { showDifferences } from "../../../../src/migrate/single/difference.ts";

Deno.test("a difference shows values and references, and of a secret only that there is another one", () => {
  const before = '{"module":"log","hmac":{"secret":"hunter2"},"jwt":{"secret":"{$OLD}"},"n":1.0}';
  const after = '{"n":1.00,"jwt":{"secret":"{$NEW:dflt}"},"hmac":{"secret":"hunter3"},"module":"kafka"}';
  assertEquals(showDifferences(before, after, withoutSecrets), [
    { path: "module", before: '"log"', after: '"kafka"' },
    { path: "hmac.secret", before: '"[REDACTED]"', after: '"[REDACTED]"' },
    { path: "jwt.secret", before: '"{$OLD}"', after: '"{$NEW:[REDACTED]}"' },
    { path: "n", before: "1.0", after: "1.00" },
  ]);
});

Deno.test("what is new, gone or no JSON is shown as a whole, and an equal value not at all", () => {
  assertEquals(showDifferences(undefined, '{"a":{"password":"x"}}', withoutSecrets), [
    { path: "", before: undefined, after: '{"a":{"password":"[REDACTED]"}}' },
  ]);
  assertEquals(showDifferences('{"a":[1,2]}', '{"a":[1]}', withoutSecrets), [
    { path: "a.1", before: "2", after: undefined },
  ]);
  assertEquals(showDifferences("secret text", "{}", withoutSecrets), [
    { path: "", before: '"(not valid JSON)"', after: "{}" },
  ]);
  assertEquals(showDifferences('{"a":1,"b":2}', '{"b": 2, "a": 1}', withoutSecrets), []);
});
