import { assertEquals, assertThrows } from "@std/assert";
import { assertCount, errorCode, InvariantError } from "../../src/errors.ts";

Deno.test("a count is a safe integer from 0, and anything else is a bug that says what is counted", () => {
  for (const value of [0, 1, Number.MAX_SAFE_INTEGER]) assertEquals(assertCount(value, "places"), value);
  for (const value of [-1, 0.5, NaN, Infinity, Number.MAX_SAFE_INTEGER + 1]) {
    assertThrows(() => assertCount(value, "places"), InvariantError, `The count of places would be ${value}`);
  }
});

Deno.test("an error is known by its code or its class, never by its message", () => {
  const refused = Object.assign(new Error("connect to secret@host"), { code: "ECONNREFUSED" });
  assertEquals(errorCode(refused), "ECONNREFUSED");
  assertEquals(errorCode(new TypeError("the body is 'secret'")), "TypeError");
});
