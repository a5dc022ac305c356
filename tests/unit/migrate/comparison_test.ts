import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { describeKey, formatConfigKey, parseConfigKey } from "../../../src/event/names.ts";
import { planBatches, requestBytes } from "../../../src/migrate/stores/batches.ts";
import { compare, planChanges } from "../../../src/migrate/comparison.ts";
import type { Change, StoredValue } from "../../../src/migrate/configuration.ts";

type Side = Readonly<Record<string, unknown>>;

const PREFIX = "/cwm/";

/** What a side holds, from values by etcd's key below the prefix. */
function values(side: Side): Map<string, StoredValue> {
  return new Map(
    Object.entries(side).map(([name, json]) => {
      const key = parseConfigKey(name);
      if (typeof key === "string") throw new TypeError(key);
      return [name, { key, value: { json }, text: JSON.stringify(json) }];
    }),
  );
}

function apply(side: Side, changes: readonly Change[]): Side {
  const next = new Map(Object.entries(side));
  for (const { key, text } of changes) {
    if (text === undefined) next.delete(formatConfigKey(key));
    else next.set(formatConfigKey(key), JSON.parse(text));
  }
  return Object.fromEntries(next);
}

const side = fc.dictionary(
  fc.oneof(
    fc.nat(12).map((id) => `default/webhooks/w${id}`),
    fc.nat(5).map((id) => `global/connections/c${id}`),
  ),
  fc.record({
    module: fc.constant("log"),
    note: fc.oneof(fc.nat(1), fc.string(), fc.jsonValue({ maxDepth: 2 })),
  }),
).map((generated): Side => JSON.parse(JSON.stringify(generated)));

Deno.test("a target that the plan was applied to equals the source, and a second plan is empty", () => {
  fc.assert(fc.property(side, side, (source, target) => {
    const comparison = compare(values(source), values(target));
    const batches = planBatches(planChanges(comparison, comparison.extra), PREFIX);
    const result = batches.reduce(apply, target);
    assertEquals(result, source);
    const second = compare(values(source), values(result));
    assertEquals(planChanges(second, second.extra), []);
    assertEquals(second.same.length, Object.keys(source).length);
  }));
});

Deno.test("without pruning a target keeps what only it has", () => {
  fc.assert(fc.property(side, side, (source, target) => {
    const result = apply(target, planChanges(compare(values(source), values(target)), []));
    assertEquals(result, { ...target, ...source });
  }));
});

Deno.test("connections come before the webhooks that use them and go after them", () => {
  const source = { "default/webhooks/b": { a: 1 }, "default/webhooks/a": {}, "global/connections/new": {} };
  const target = { "default/webhooks/b": { a: 2 }, "default/webhooks/old": {}, "global/connections/old": {} };
  const comparison = compare(values(source), values(target));
  assertEquals(
    planChanges(comparison, comparison.extra).map(({ key, text }) =>
      `${text ?? "removed"} ${describeKey(key)}`
    ),
    [
      "{} connection new",
      "{} webhook default/a",
      '{"a":1} webhook default/b',
      "removed webhook default/old",
      "removed connection old",
    ],
  );
});

Deno.test("a value that is broken at the target is changed as a whole", () => {
  const broken: StoredValue = {
    key: { kind: "webhook", namespace: "default", id: "a" },
    value: { problem: { code: "invalid_json", path: "", message: "The value is not valid JSON" } },
    text: '{"module":',
  };
  const { changed } = compare(
    values({ "default/webhooks/a": {} }),
    new Map([["default/webhooks/a", broken]]),
  );
  assertEquals(changed.map(({ paths }) => paths), [[""]]);
});

Deno.test("batches stay within 128 operations and 1 MiB, and keep the order", () => {
  const change = fc.record({
    key: fc.nat().map((id) => ({ kind: "webhook" as const, namespace: "default", id: `w${id}` })),
    text: fc.option(fc.nat(600_000).map((length) => "x".repeat(length)), { nil: undefined, freq: 2 }),
    current: fc.constant(undefined),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), fc.nat(400), (large, many) => {
      const small = Array.from({ length: many }, (): Change => ({ ...SMALL, text: "{}" }));
      const changes = [...large, ...small];
      const batches = planBatches(changes, PREFIX);
      assertEquals(batches.flat().length, changes.length);
      assert(batches.flat().every((change, index) => change === changes[index]));
      for (const batch of batches) {
        assert(batch.length > 0 && batch.length <= 128);
        const bytes = batch.reduce((sum, change) => sum + requestBytes(change, PREFIX), 0);
        assert(bytes <= 1024 * 1024 || batch.length === 1);
      }
    }),
    { numRuns: 30 },
  );
});

const SMALL: Change = { key: { kind: "connection", name: "c" }, text: undefined, current: undefined };

Deno.test("a value too large for a batch has a transaction of its own", () => {
  const large = { ...SMALL, text: "x".repeat(1_200_000) };
  assertEquals(planBatches([SMALL, large, SMALL], PREFIX), [[SMALL], [large], [SMALL]]);
});
