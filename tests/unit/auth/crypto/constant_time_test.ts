import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { equalText, secretFinder, secretMatcher } from "../../../../src/auth/crypto/constant_time.ts";

Deno.test("equalText agrees with === for any two texts", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
    assertEquals(equalText(a, b), a === b);
    assert(equalText(a, a));
  }));
});

Deno.test("equalText finds a difference at any place and in any bit", () => {
  const text = "0123456789abcdef";
  for (let index = 0; index < text.length; index++) {
    for (let bit = 0; bit < 16; bit++) {
      const changed = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit));
      assert(!equalText(text, text.slice(0, index) + changed + text.slice(index + 1)));
    }
  }
});

Deno.test("secretMatcher and secretFinder agree with === for any two texts, long and short", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.nat(1_100).map((length) => "ab".repeat(length).slice(length)),
  );
  fc.assert(fc.property(text, text, (a, b) => {
    assertEquals(secretMatcher(a)(b), a === b);
    assertEquals(secretFinder([b, a, b])(a), a === b ? 0 : 1);
    assert(secretMatcher(a)(a));
    assert(!secretMatcher(a)(a + b + "."));
  }));
});

Deno.test("secretMatcher does not take a secret that is written twice, or a part of it", () => {
  for (const secret of ["a", "aa", "abab", "x".repeat(512), "x".repeat(513)]) {
    for (const presented of [secret + secret, secret.slice(1), secret + secret[0], secret.repeat(3)]) {
      assert(!secretMatcher(secret)(presented), presented);
    }
  }
});

Deno.test("secretMatcher takes the secret alone", () => {
  const matches = secretMatcher("Bearer token");
  assert(matches("Bearer token"));
  for (
    const guess of ["", "Bearer toke", "Bearer token ", "bearer token", "Bearer token\0", "Bearer t\u00f6ken"]
  ) {
    assert(!matches(guess), `took '${guess}'`);
  }
});
