import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { differingPaths } from "../../../src/json/difference.ts";

function paths(left: unknown, right: unknown): string[] {
  return differingPaths(JSON.stringify(left), JSON.stringify(right));
}

Deno.test("differing paths name what differs, and not what it holds", () => {
  const left = {
    module: "log",
    hmac: { secret: "a", header: "X" },
    methods: ["POST", "PUT"],
    gone: { deep: 1 },
  };
  const right = { module: "log", hmac: { secret: "b", header: "X" }, methods: ["POST"], fresh: [] };
  assertEquals(paths(left, right).sort(), ["fresh", "gone", "hmac.secret", "methods.1"]);
});

Deno.test("values of another type differ as a whole", () => {
  assertEquals(paths({ a: [] }, { a: {} }), ["a"]);
  assertEquals(paths({ a: null }, { a: {} }), ["a"]);
  assertEquals(paths({ a: "1" }, { a: 1 }), ["a"]);
  assertEquals(differingPaths("{}", "[]"), [""]);
});

Deno.test("key order, white space and escapes do not count as differences", () => {
  assertEquals(differingPaths('{"a":1,"b":"A"}', '{ "b": "\\u0041", "a": 1 }'), []);
});

Deno.test("numbers that a double cannot tell apart count as differences", () => {
  assertEquals(differingPaths('{"id":12345678901234567890}', '{"id":12345678901234567891}'), ["id"]);
  assertEquals(differingPaths('{"id":1e400}', '{"id":1e500}'), ["id"]);
});

Deno.test("a key named __proto__ is compared as any other key", () => {
  assertEquals(differingPaths('{"__proto__":{"a":1}}', '{"__proto__":{"a":2}}'), ["__proto__.a"]);
  assertEquals(differingPaths('{"__proto__":{"a":1}}', "{}"), ["__proto__"]);
});

Deno.test("values have differing paths exactly when they are not equal", () => {
  fc.assert(fc.property(fc.json(), fc.json(), (left, right) => {
    assertEquals(differingPaths(left, left), []);
    assertEquals(differingPaths(left, right).length === 0, isEqual(JSON.parse(left), JSON.parse(right)));
  }));
});

/** Another way to say it: equal texts once the keys are sorted. */
function isEqual(left: unknown, right: unknown): boolean {
  const sorted = (value: unknown) =>
    JSON.stringify(
      value,
      (_key, child: unknown) =>
        typeof child === "object" && child !== null && !Array.isArray(child)
          ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => a < b ? -1 : 1))
          : child,
    );
  return sorted(left) === sorted(right);
}
