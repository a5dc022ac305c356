import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseExactly } from "../../../../src/json/exact_numbers.ts";
import { MemberPicker, type MemberTree } from "../../../../src/json/members/picker.ts";

const encoder = new TextEncoder();

function pick(json: string, tree: MemberTree): unknown {
  return new MemberPicker(tree).pick(encoder.encode(json));
}

/** The same, as the document's own value has it. */
function project(value: unknown, tree: MemberTree): unknown {
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  const picked: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (!tree.has(name)) continue;
    const within = tree.get(name);
    const member = Object.getOwnPropertyDescriptor(value, name)!.value;
    Object.defineProperty(picked, name, {
      value: within === undefined ? member : project(member, within),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return picked;
}

const NAMES = ["a", "ref", "café", "a\\b", 'a"b', "__proto__", "constructor", "", "\u{1f600}", "\n"];

const name = fc.constantFrom(...NAMES);

const { tree } = fc.letrec<{ tree: MemberTree }>((tie) => ({
  tree: fc.array(fc.tuple(name, fc.option(tie("tree"), { nil: undefined, depthSize: "small" })), {
    maxLength: 4,
  })
    .map((entries) => new Map(entries)),
}));

/** A string as JSON may write it, with escapes where none are needed. */
const text = fc.tuple(fc.oneof(name, fc.string({ unit: "binary" })), fc.boolean()).map(([value, escaped]) => {
  return escaped
    ? `"${[...value].flatMap((character) => character.split("")).map(escape).join("")}"`
    : JSON.stringify(value);
});

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String).map((digits) => digits.replace("e+", "E+")),
  fc.bigInt().map(String),
  fc.constantFrom("-0", "1e400", "12345678901234567890", "0.10000000000000000555", "1E5"),
);

const space = fc.constantFrom("", "", " ", "\n\t", "\r ");

const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(text, number, fc.constantFrom("true", "false", "null")),
    fc.tuple(fc.array(tie("json"), { maxLength: 4 }), space).map(([items, gap]) => {
      return `[${gap}${items.join(`${gap},${gap}`)}${gap}]`;
    }),
    fc.tuple(fc.array(fc.tuple(text, tie("json")), { maxLength: 5 }), space).map(([members, gap]) => {
      const written = members.map(([key, value]) => `${key}${gap}:${gap}${value}`);
      return `{${gap}${written.join(`${gap},${gap}`)}${gap}}`;
    }),
  ),
}));

Deno.test("picks what is there in the document's own value, and nothing else", () => {
  const document = fc.tuple(space, json, space).map((parts) => parts.join(""));
  fc.assert(
    fc.property(document, tree, (source, members) => {
      assertEquals(pick(source, members), project(parseExactly(source), members));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("cuts an ASCII document's text, with the same result", () => {
  fc.assert(
    fc.property(json, tree, (source, members) => {
      const ascii = source.replaceAll(/[^\0-\x7f]/g, "x");
      const picker = new MemberPicker(members);
      assertEquals(picker.pick(encoder.encode(ascii), ascii), picker.pick(encoder.encode(ascii)));
    }),
  );
});

Deno.test("of two members with one name the last one counts, whatever the first one is", () => {
  const members: MemberTree = new Map([["a", new Map([["b", undefined], ["c", undefined]])]]);
  assertEquals(pick('{"a":{"b":1},"a":{"c":2}}', members), { a: { c: 2 } });
  assertEquals(pick('{"a":{"b":1},"\\u0061":7}', members), { a: 7 });
});

Deno.test("passes over a byte order mark, and takes what is no object whole", () => {
  const members: MemberTree = new Map([["a", undefined]]);
  assertEquals(pick('\ufeff {"a":"\ufeffx"}', members), { a: "\ufeffx" });
  assertEquals(pick("[1,2]", members), [1, 2]);
  assertEquals(pick("12345678901234567890", members), 12345678901234567890n);
});
