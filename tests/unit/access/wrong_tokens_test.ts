import { assert, assertEquals } from "@std/assert";
import { WrongTokens } from "../../../src/access/wrong_tokens.ts";

Deno.test("an address may try ten wrong tokens at once, then one in six seconds", () => {
  let now = 0;
  const tokens = new WrongTokens(() => now);
  const reported = Array.from({ length: 10 }, () => {
    assertEquals(tokens.waitMs("a"), 0);
    return tokens.add("a");
  });
  assertEquals(reported.filter(Boolean).length, 1);
  assertEquals([tokens.waitMs("a"), tokens.waitMs("b")], [6_000, 0]);
  now += 5_999;
  assertEquals(tokens.waitMs("a"), 1);
  now += 1;
  assertEquals([tokens.waitMs("a"), tokens.add("a"), tokens.waitMs("a")], [0, false, 6_000]);
});

Deno.test("a burst is over when nothing is counted any more, and the next one is reported again", () => {
  let now = 0;
  const tokens = new WrongTokens(() => now);
  const tryMany = () => Array.from({ length: 30 }, () => tokens.add("a")).filter(Boolean).length;
  assertEquals([tryMany(), tryMany()], [1, 0]);
  now += 60 * 6_000;
  assertEquals([tokens.waitMs("a"), tryMany()], [0, 1]);
});

Deno.test("a flood of addresses is bounded, and the last ones are held off", () => {
  const tokens = new WrongTokens(() => 0);
  for (let address = 0; address < 20_000; address++) {
    for (let tried = 0; tried < 10; tried++) tokens.add(String(address));
  }
  assertEquals(tokens.waitMs("1"), 0);
  assert(tokens.waitMs("19999") > 0);
  assertEquals(tokens.size, 10_000);
});
