import { assertEquals, assertStrictEquals } from "@std/assert";
import { knownHeader, recordedHeaders } from "../../../src/event/recorded_headers.ts";

Deno.test("recorded headers are a JSON object with the values of credentials redacted", () => {
  const headers = new Headers({ "content-type": 'a"b', authorization: "Bearer hidden", "x-signature": "1" });
  assertEquals(JSON.parse(recordedHeaders(headers)), {
    authorization: "[REDACTED]",
    "content-type": 'a"b',
    "x-signature": "[REDACTED]",
  });
  assertEquals(recordedHeaders(new Headers()), "{}");
});

Deno.test("what is known of a header's name is found out once, and forgotten among very many", () => {
  const known = knownHeader("x-first-of-many");
  assertEquals(known, { field: '"x-first-of-many":', isSensitive: false, isOurs: false });
  assertStrictEquals(knownHeader("x-first-of-many"), known);
  for (let count = 0; count < 1_000; count++) knownHeader(`x-other-${count}`);
  assertEquals(knownHeader("x-first-of-many") === known, false);
});
