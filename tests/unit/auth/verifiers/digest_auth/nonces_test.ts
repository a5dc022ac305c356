import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { Nonces } from "../../../../../src/auth/verifiers/digest_auth/nonces.ts";

const HOUR_MS = 3_600_000;
const KEY = new TextEncoder().encode("a key that two instances share");

Deno.test("a nonce is given out once, and taken once for each count, whatever their order", () => {
  const nonces = new Nonces(HOUR_MS);
  assertEquals(new Set(Array.from({ length: 1000 }, () => nonces.issue())).size, 1000);
  fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 120 }), { minLength: 1 }), (counts) => {
    const nonce = nonces.issue();
    for (const count of counts) assertEquals(nonces.use(nonce, count), "fresh");
    for (const count of counts) assertEquals(nonces.use(nonce, count), "repeated");
  }));
});

Deno.test("a nonce's count that lies too far behind counts as old, since it may have been there", () => {
  const nonces = new Nonces(HOUR_MS);
  const nonce = nonces.issue();
  const used = [0xffff_ffff, 0xffff_ffff, 0xffff_ffff - 127, 0xffff_ffff - 128, 1].map((count) =>
    nonces.use(nonce, count)
  );
  assertEquals(used, ["fresh", "repeated", "fresh", "old", "old"]);
});

Deno.test("a nonce of which any one digit is changed, or that somebody else gave out, is not taken", () => {
  const nonces = new Nonces(HOUR_MS);
  const nonce = nonces.issue();
  for (let index = 0; index < nonce.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = String.fromCharCode(nonce.charCodeAt(index) ^ (1 << bit));
      assertEquals(nonces.use(nonce.slice(0, index) + changed + nonce.slice(index + 1), 1), "old");
    }
  }
  for (const foreign of ["", nonce.slice(1), `${nonce}0`, new Nonces(HOUR_MS).issue()]) {
    assert(!nonces.isCurrent(foreign));
    assertEquals(nonces.use(foreign, 1), "old");
  }
  assertEquals(nonces.use(nonce, 1), "fresh");
});

Deno.test("a nonce is old after its time, used or not", () => {
  const nonces = new Nonces(20);
  const [used, unused] = [nonces.issue(), nonces.issue()];
  for (let count = 1; nonces.use(used, count) === "fresh"; count++) { /* until it is old */ }
  assertEquals([nonces.use(used, 1_000_000_000), nonces.use(unused, 1)], ["old", "old"]);
  assert(!nonces.isCurrent(unused));
});

Deno.test("a nonce that is forgotten at the bound is old, and can never be used a second time", () => {
  fc.assert(fc.property(fc.array(fc.nat(200), { maxLength: 200 }), (order) => {
    const nonces = new Nonces(HOUR_MS, KEY, 5);
    const issued = Array.from({ length: 201 }, () => nonces.issue());
    const fresh = order.map((index) => issued[index]!).filter((nonce) => nonces.use(nonce, 1) === "fresh");
    assertEquals(new Set(fresh).size, fresh.length);
    assertEquals(nonces.use(nonces.issue(), 1), "fresh", "A new one is always taken");
  }));
});

/** The time in a nonce may be one ahead of the clock. */
function waitForNextMillisecond(): void {
  const now = Date.now();
  while (Date.now() <= now + 1) { /* a moment */ }
}

Deno.test("instances take each other's nonces with a key in common, and none from before they began", () => {
  const one = new Nonces(HOUR_MS, KEY);
  const before = one.issue();
  waitForNextMillisecond();
  const other = new Nonces(HOUR_MS, KEY);
  assertEquals(other.use(before, 1), "old");
  waitForNextMillisecond();
  const nonce = one.issue();
  assertEquals([other.use(nonce, 1), other.use(nonce, 1), one.use(nonce, 1)], ["fresh", "repeated", "fresh"]);
  assertNotEquals(one.issue(), other.issue());
});
