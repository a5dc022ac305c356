import { assert, assertEquals } from "@std/assert";
import { meansAll, parseDeadLetterQuery } from "../../../src/dead_letters/query.ts";
import type { DeadLetterFilter } from "../../../src/dead_letters/dead_letters.ts";

const NOW = 1_000_000_000_000;

function parse(query: string): DeadLetterFilter | string {
  const parsed = parseDeadLetterQuery(new URLSearchParams(query), NOW);
  return "problem" in parsed ? parsed.problem : parsed.filter;
}

const filters: readonly [query: string, filter: DeadLetterFilter][] = [
  ["", {}],
  ["namespace=shop", { namespace: "shop" }],
  ["webhook=orders", { webhook: "orders" }],
  ["connection=main", { connection: "main" }],
  ["reason=output_rejected", { reason: "output_rejected" }],
  ["id=a&id=b", { ids: ["a", "b"] }],
  ["older-than=30s", { before: NOW - 30_000 }],
  ["older-than=15m", { before: NOW - 900_000 }],
  ["newer-than=12h", { after: NOW - 43_200_000 }],
  ["newer-than=7d", { after: NOW - 604_800_000 }],
  ["webhook=orders&older-than=0s&newer-than=1s", { webhook: "orders", before: NOW, after: NOW - 1000 }],
];

for (const [query, filter] of filters) {
  Deno.test(`the query '${query}' means the letters that it says`, () => assertEquals(parse(query), filter));
}

for (const age of ["5", "-5s", "1.5h", "5w", "5 m", "1000000000d", "s"]) {
  Deno.test(`the age '${age}' is refused with examples of ages`, () => {
    for (const name of ["older-than", "newer-than"]) {
      assertEquals(
        parse(`${new URLSearchParams({ [name]: age })}`),
        `'${name}' must be an age such as 30s, 15m, 12h or 7d, current value is '${age}'`,
      );
    }
  });
}

Deno.test("a filter without a value is refused: it would mean no letter, or others than was thought", () => {
  for (const name of ["namespace", "webhook", "connection", "reason", "id", "older-than", "newer-than"]) {
    assertEquals(parse(`${name}=`), `'${name}' needs a value`);
  }
  assertEquals(parse("id=a&id="), "'id' needs a value");
});

Deno.test("a filter that is given twice is refused, except ids", () => {
  assertEquals(parse("webhook=a&webhook=b"), "'webhook' may be given once, and was 2 times");
});

Deno.test("only a filter without conditions means all letters", () => {
  assert(meansAll({}));
  for (const [query, filter] of filters) assertEquals(meansAll(filter), query === "", query);
});
