import { assertEquals } from "@std/assert";
import type { Standing } from "../../../../src/config/provider.ts";
import { LastGood, StoredValues } from "../../../../src/config/snapshot/last_good.ts";

Deno.test("of several bad values in a row, the good one before them is remembered", () => {
  const lastGood = new LastGood();
  lastGood.supersede("orders", [1, "good"], "served");
  lastGood.supersede("orders", [2, "bad"], "former");
  lastGood.supersede("orders", [3, "worse"], "former");
  lastGood.settle(() => "former");
  assertEquals([...lastGood.copy()], [["orders", [1, "good"]]]);
});

Deno.test("a key is forgotten when its newest value is in service, none is, or it is gone", () => {
  const lastGood = new LastGood();
  for (const name of ["served", "nothing", "gone", "former", "unknown"]) {
    lastGood.supersede(name, [1, "good"], "served");
  }
  lastGood.forget("gone");
  lastGood.settle((name) => name as Standing);
  assertEquals([...lastGood.copy().keys()], ["former", "unknown"]);
});

Deno.test("a value that is not known to be good does not take the place of one that was", () => {
  const lastGood = new LastGood();
  lastGood.supersede("orders", [1, "good"], "served");
  lastGood.supersede("orders", [2, "waits for a secret"], "unknown");
  lastGood.supersede("new", [3, "waits for a secret"], "unknown");
  lastGood.supersede("bad", [4, "never was good"], "nothing");
  assertEquals(Object.fromEntries(lastGood.copy()), {
    orders: [1, "good"],
    new: [3, "waits for a secret"],
  });
});

Deno.test("a stored value is put before another one: the one that was in service", () => {
  const stored = new StoredValues([
    ["same", 1, "a"],
    ["changed", 2, "a"],
    ["bad", 5, "bad", 0, [3, "good"]],
    ["mended", 5, "bad", 0, [3, "good"]],
    ["bytes", 6, null],
  ]);
  assertEquals(
    ["same", "changed", "bad", "mended", "bytes", "new"].map((name) =>
      stored.before(name, { same: "a", bad: "bad", mended: "good" }[name] ?? "b")
    ),
    [undefined, [2, "a"], [3, "good"], undefined, undefined, undefined],
  );
});
