/**
 * Changes JSON values as somebody would who writes configurations, in a hurry or with bad intentions.
 *
 * @module
 */

import type { SeededRandom } from "../faults/random.ts";
import { anyText, mutateText } from "./mutation.ts";

type Random = SeededRandom;

/** Values that a schema may not expect. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e21,
  1e308,
  2 ** 53,
  "",
  " ",
  "\u0000",
  "\ud800",
  "0",
  "-1",
  "1e3",
  "true",
  "None",
  [],
  [[]],
  [null],
  {},
  { "": {} },
  { "__proto__": null },
  { constructor: { prototype: {} } },
  "{$UNSET}",
  "{$UNSET:}",
  "{$UNSET:default}",
  "{$",
  "{$}",
  "{$a b}",
  "${HOME}",
  "{$vault:a#b}",
  "{$vault:../a#b:c}",
  "{$file:/etc/hostname}",
  "{{$A}}",
  "0.0.0.0/0 ",
  "10.0.0.0/33",
  "::ffff:0:0/96",
  "http://",
  "http://user:password@localhost:0/#a",
  "https://[::1",
  "file:///etc/passwd",
  "(a+)+$",
  "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
  "x".repeat(10_000),
];

/** A copy that is nearly the same. */
export function mutateValue(random: Random, value: unknown, others: readonly unknown[]): unknown {
  let changed = structuredClone(value);
  for (let count = random.pick([1, 1, 2, 4]); count > 0; count--) {
    changed = mutateOnce(random, changed, others);
  }
  return changed;
}

function mutateOnce(random: Random, value: unknown, others: readonly unknown[]): unknown {
  const isParent = value !== null && typeof value === "object";
  if (!isParent || random.next() < 0.1) return oddValue(random, value, others);
  const parent = value as Record<string, unknown>;
  const keys = Object.keys(parent);
  const key = keys.length === 0 ? "" : random.pick(keys);
  if (random.next() < 0.6 && keys.length > 0) put(parent, key, mutateOnce(random, parent[key], others));
  else changeMember(random, parent, key, others);
  return parent;
}

function changeMember(
  random: Random,
  parent: Record<string, unknown>,
  key: string,
  others: readonly unknown[],
): void {
  if (Array.isArray(parent)) {
    parent.splice(
      random.between(0, parent.length + 1),
      random.between(0, 2),
      oddValue(random, parent[0], others),
    );
    return;
  }
  const member = parent[key];
  const changes: readonly (() => unknown)[] = [
    () => delete parent[key],
    () => {
      delete parent[key];
      put(parent, mutateText(random, key), member);
    },
    () => put(parent, anyText(random, 10), member),
    () => put(parent, key.toUpperCase(), member),
    () => put(parent, key, [member]),
    () => put(parent, key, { [key]: member }),
    () => {
      const other = random.pick(others) as Record<string, unknown>;
      const taken = random.pick(Object.keys(other).concat("module"));
      put(parent, taken, structuredClone(other[taken]));
    },
    () => put(parent, key, nested(random.between(1, 100))),
    () => put(parent, key, many(random, member)),
    () => Object.assign(parent, many(random, member)),
  ];
  random.pick(changes)();
}

function oddValue(random: Random, value: unknown, others: readonly unknown[]): unknown {
  if (typeof value === "string" && random.next() < 0.5) return mutateText(random, value);
  if (typeof value === "number" && random.next() < 0.5) return value * random.pick([-1, 0, 0.1, 1000, 1e15]);
  return structuredClone(random.next() < 0.9 ? random.pick(ODD_VALUES) : random.pick(others));
}

/** A member like any other, also where its name is `__proto__`. */
function put(parent: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Thousands of members or elements, now and then. */
function many(random: Random, member: unknown): unknown {
  const count = random.next() < 0.05 ? random.between(0, 5_000) : random.between(0, 50);
  const names = Array.from({ length: count }, (_, index) => `${anyText(random, 4)}${index}`);
  return random.next() < 0.5
    ? names.map(() => member)
    : Object.fromEntries(names.map((name) => [name, member]));
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
