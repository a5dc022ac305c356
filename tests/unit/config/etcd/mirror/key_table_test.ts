import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { KeyTable } from "../../../../../src/config/etcd/mirror/key_table.ts";

const names = fc.constantFrom(..."abcdefgh");

/** What may be done to a table: a key is set, by a list or without one, is deleted or is met by a list. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), name: names, revision: fc.integer({ min: 1 }) }),
  fc.record({ kind: fc.constant("delete" as const), name: names }),
  fc.record({ kind: fc.constant("meet" as const), name: names }),
);

Deno.test("a table remembers of each key what was set last, whatever was deleted in between", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const table = new KeyTable(true);
    const expected = new Map<string, { revision: number; met: boolean }>();
    for (const each of steps) {
      const { kind, name } = each;
      const known = expected.get(name);
      const slot = table.find(name);
      if (kind === "set") {
        const { revision } = each;
        table.set(name, { revision, created: 0, hash: revision * 2, text: `${name}${revision}` }, 0);
        expected.set(name, { revision, met: known?.met ?? false });
      } else if (kind === "delete") {
        table.delete(name);
        expected.delete(name);
      } else if (slot !== undefined) {
        table.meet(slot, 1);
        expected.set(name, { ...known!, met: true });
      }
    }
    assertEquals(table.size, expected.size);
    for (const [name, { revision }] of expected) {
      const slot = table.find(name)!;
      assertEquals([table.revisionAt(slot), table.hashAt(slot)], [revision, revision * 2]);
    }
    const unmet = [...expected].filter(([, { met }]) => !met).map(([name]) => name);
    assertEquals(table.unmet(1).sort(), unmet.sort());
    const copy = table.copy();
    assertEquals(copy.length, expected.size);
    assertEquals(
      new Map(Array.from(copy, ([name, revision, text]) => [name, [revision, text]])),
      new Map(Array.from(expected, ([name, { revision }]) => [name, [revision, `${name}${revision}`]])),
    );
  }));
});

Deno.test("a table of thousands of keys keeps what it had before it grew", () => {
  const table = new KeyTable(false);
  for (let key = 1; key <= 5_000; key++) {
    table.set(`k${key}`, { revision: key, created: 0, hash: -key, text: null }, 1);
  }
  for (let key = 1; key <= 5_000; key++) {
    const slot = table.find(`k${key}`)!;
    assertEquals([table.revisionAt(slot), table.hashAt(slot)], [key, -key]);
  }
  assertEquals([table.size, table.unmet(1), table.unmet(2).length], [5_000, [], 5_000]);
});

Deno.test("a copy of a table stays as it is while the table changes", () => {
  const table = new KeyTable(true);
  table.set("a", { revision: 1, created: 1, hash: 1, text: "one" }, 0);
  table.set("b", { revision: 2, created: 2, hash: 2, text: null }, 0);
  const copy = table.copy();
  table.set("a", { revision: 3, created: 1, hash: 3, text: "two" }, 0);
  table.delete("b");
  assertEquals([...copy], [["a", 1, "one", 1], ["b", 2, null, 2]]);
  assertEquals([...table.copy()], [["a", 3, "two", 1]]);
});

Deno.test("a table that keeps no texts copies nothing", () => {
  const table = new KeyTable(false);
  table.set("a", { revision: 1, created: 0, hash: 1, text: "one" }, 0);
  assertEquals([[...table.copy()], table.copy().length], [[], 0]);
});
