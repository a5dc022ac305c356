import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { UsedNonces } from "../../../../../src/auth/verifiers/oauth1/used_nonces.ts";

const NOW = 1_000_000;

Deno.test("a nonce is fresh once for each time, in whatever order they come", () => {
  const nonces = new UsedNonces();
  const use = (time: number, nonce: string) => nonces.use(time, nonce, NOW, 300);
  assertEquals(
    [use(NOW, "a"), use(NOW, "b"), use(NOW - 300, "a"), use(NOW + 300, "a")],
    Array(4).fill("fresh"),
  );
  assertEquals([use(NOW, "a"), use(NOW - 300, "a"), use(NOW + 300, "a")], Array(3).fill("repeated"));
  assertEquals([nonces.judge(NOW, "a"), nonces.judge(NOW, "c")], ["repeated", "fresh"]);
});

Deno.test("a nonce is let go of when its time is past, and not before", () => {
  const nonces = new UsedNonces(2);
  for (let now = NOW; now < NOW + 3_000; now += 301) {
    assertEquals([nonces.use(now, "a", now, 300), nonces.use(now, "b", now, 300)], ["fresh", "fresh"]);
    assertEquals(nonces.use(now, "a", now + 300, 300), "repeated");
  }
});

Deno.test("at the bound nonces of the oldest time are forgotten, and requests as old are refused", () => {
  const nonces = new UsedNonces(3);
  const use = (time: number, nonce: string) => nonces.use(NOW + time, nonce, NOW, 300);
  assertEquals([use(1, "a"), use(1, "b"), use(2, "a"), use(3, "a")], Array(4).fill("fresh"));
  assertEquals([use(1, "a"), use(1, "c"), use(0, "a")], Array(3).fill("forgotten"));
  assertEquals([use(2, "a"), use(2, "b")], ["repeated", "fresh"]);
});

Deno.test("a sender with more nonces of one second than the bound has to wait for the next one", () => {
  const nonces = new UsedNonces(2);
  const use = (time: number, nonce: string) => nonces.use(NOW + time, nonce, NOW, 300);
  assertEquals([use(0, "a"), use(0, "b"), use(0, "c"), use(0, "d"), use(1, "a")], [
    "fresh",
    "fresh",
    "forgotten",
    "forgotten",
    "fresh",
  ]);
});

Deno.test("no nonce is fresh twice when the clock is set back, or the window becomes longer", () => {
  const nonces = new UsedNonces();
  assertEquals(nonces.use(NOW, "a", NOW, 300), "fresh");
  assertEquals(nonces.use(NOW + 301, "a", NOW + 301, 300), "fresh");
  assertEquals(nonces.use(NOW, "a", NOW + 302, 600), "forgotten");
  assertEquals(nonces.use(NOW + 3_000, "a", NOW + 3_000, 600), "fresh");
  assertEquals(nonces.use(NOW + 301, "a", NOW + 400, 600), "forgotten");
});

Deno.test("no nonce is fresh twice, whatever is forgotten in between", () => {
  const used = fc.array(fc.tuple(fc.nat(20), fc.constantFrom("a", "b", "c"), fc.nat(3)), { maxLength: 100 });
  fc.assert(fc.property(used, fc.integer({ min: 1, max: 6 }), (uses, most) => {
    const nonces = new UsedNonces(most);
    let now = NOW;
    const fresh = uses.filter(([time, nonce, later]) =>
      nonces.use(time, nonce, now += later, Infinity) === "fresh"
    );
    assertEquals(new Set(fresh.map(([time, nonce]) => `${time} ${nonce}`)).size, fresh.length);
  }));
});
