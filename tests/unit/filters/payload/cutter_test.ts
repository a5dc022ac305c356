import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { type Cut, cutJson, cutSmallJson } from "../../../../src/filters/payload/cutter.ts";
import { placesOf, refusePointer, refusePointers } from "../../../../src/filters/payload/places.ts";
import { JsonPointer } from "../../../../src/json/pointer.ts";

function cut(json: string, how: Cut, ...pointers: readonly string[]): string {
  return cutSmallJson(json, placesOf(pointers)!, how);
}

Deno.test("what is dropped goes with its comma, and the rest stays as it was sent", () => {
  const json = '{ "id": 12345678901234567890, "e": 1.50e+3, "mail":"a@b" , "x":"\\u0061\\/" }';
  assertEquals(
    cut(json, "drop", "/mail"),
    '{ "id": 12345678901234567890, "e": 1.50e+3 , "x":"\\u0061\\/" }',
  );
  assertEquals(
    cut(json, "drop", "/id"),
    '{ "e": 1.50e+3, "mail":"a@b" , "x":"\\u0061\\/" }',
  );
  assertEquals(cut(json, "drop", "/x"), '{ "id": 12345678901234567890, "e": 1.50e+3, "mail":"a@b" }');
  assertEquals(cut('{"a":1,"b":2,"c":3}', "drop", "/a", "/b", "/c"), "{}");
  assertEquals(cut('{"a":1,"b":2,"c":3,"d":4}', "drop", "/a", "/b", "/d"), '{"c":3}');
});

Deno.test("a star leads to every element and every member, and a name to one of them", () => {
  const json =
    '{"commits":[{"author":{"email":"a","name":"n"}},{"author":{"name":"m"}},7],"by":{"x":{"k":1}}}';
  assertEquals(
    cut(json, "drop", "/commits/*/author/email", "/by/*/k"),
    '{"commits":[{"author":{"name":"n"}},{"author":{"name":"m"}},7],"by":{"x":{}}}',
  );
  assertEquals(cut("[1,2,3]", "drop", "/1"), "[1,3]");
  assertEquals(cut("[1,2,3]", "drop", "/*"), "[]");
  assertEquals(cut('{"a":{"s":1,"t":2},"b":{"s":1,"t":2}}', "drop", "/*/s", "/a/t"), '{"a":{},"b":{"t":2}}');
});

Deno.test("what is kept keeps the way to it, and nothing beside it", () => {
  const json = '{"id":1,"customer":{"name":"n","plan":"p"},"items":[{"sku":"a","p":1},5,{"sku":"b"}]}';
  assertEquals(
    cut(json, "keep", "/customer/plan", "/items/*/sku"),
    '{"customer":{"plan":"p"},"items":[{"sku":"a"},{"sku":"b"}]}',
  );
  assertEquals(cut(json, "keep", "/nothing"), "{}");
  assertEquals(cut('{"a":5}', "keep", "/a/b"), "{}");
  assertEquals(cut("5", "keep", "/a"), "null");
  assertEquals(cut(' "text" ', "keep", "/a"), " null ");
});

Deno.test("a masked value is one text, whatever it was", () => {
  const json = '{"card":{"number":4111111111111111,"exp":[1,2]},"n":null}';
  assertEquals(
    cut(json, "mask", "/card/number", "/card/exp", "/n"),
    '{"card":{"number":"***REDACTED***","exp":"***REDACTED***"},"n":"***REDACTED***"}',
  );
});

Deno.test("a name that stands several times, or is spelt in escapes, is the same name", () => {
  assertEquals(cut('{"a":1,"b":2,"a":3}', "drop", "/a"), '{"b":2}');
  assertEquals(cut('{"em\\u0061il":1,"b":{"x":1},"b":{"x":2}}', "drop", "/email", "/b/x"), '{"b":{},"b":{}}');
  assertEquals(cut('{"a\\"b":1,"c\\\\":2}', "drop", '/a"b', "/c\\"), "{}");
  assertEquals(cut('{"a/b":1,"m~n":2,"":3}', "drop", "/a~1b", "/m~0n", "/"), "{}");
});

Deno.test("names that mean something to JavaScript are data", () => {
  const names = ["__proto__", "constructor", "toString", "length", "hasOwnProperty"];
  for (const name of names) {
    assertEquals(cut(`{"${name}":{"x":1,"y":2},"a":1}`, "drop", `/${name}/x`), `{"${name}":{"y":2},"a":1}`);
    assertEquals(cut(`{"a":1}`, "drop", `/${name}`, `/a/${name}`), `{"a":1}`);
    assertEquals(cut(`{"${name}":1,"a":1}`, "keep", `/${name}`), `{"${name}":1}`);
  }
});

Deno.test("where there is nothing to cut, the text is the same one", () => {
  const json = '{"a":[1,{"b":"c"}]}';
  assertStrictEquals(cut(json, "drop", "/a/5", "/a/b", "/x/*/y"), json);
});

Deno.test("pointers that are none, that are the whole document or that mix too much are refused", () => {
  assertNotEquals(refusePointer("email"), undefined);
  assertNotEquals(refusePointer("/a~2"), undefined);
  assertNotEquals(refusePointer(""), undefined);
  assertEquals(refusePointer("/"), undefined);
  const mixed = Array.from(
    { length: 14 },
    (_, place) =>
      Array.from({ length: 15 }, (_, at) => at === place ? "/x" : at === 14 ? `/end${place}` : "/*").join(""),
  );
  assertNotEquals(refusePointers(mixed), undefined);
  assertEquals(refusePointers(["/a/*/b", "/*/c/b"]), undefined);
});

/** Members as `JSON.parse` does not give them: several of one name, in their order. */
type Node = { readonly members: [string, Node][] } | { readonly elements: Node[] } | {
  readonly text: string;
};

const NAMES = ["a", "b", "email", "__proto__", "constructor", "0", "1", "", "x/y", 'q"', "\\", "é"];

const { node } = fc.letrec<{ node: Node; leaf: Node }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom("null", "true", "12345678901234567890", "1.50", "-0", "1e2", '"a,]}b"', '"\\"\\\\"', '""')
      .map((text) => ({ text })),
    fc.string({ unit: "binary", maxLength: 6 }).map((text) => ({ text: JSON.stringify(text) })),
  ),
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    fc.array(fc.tuple(fc.constantFrom(...NAMES), tie("node")), { maxLength: 5 }).map((members) => ({
      members,
    })),
    fc.array(tie("node"), { maxLength: 5 }).map((elements) => ({ elements })),
  ),
}));

const pointers = fc.array(
  fc.array(fc.constantFrom(...NAMES, "*", "*"), { minLength: 1, maxLength: 4 }).map((keys) =>
    keys.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")
  ),
  { minLength: 1, maxLength: 5 },
);

const spaces = fc.infiniteStream(fc.constantFrom("", "", " ", "\n\t", "  "));

/** Writes a document, with any white space and any escapes of names. */
function write(node: Node, space: () => string): string {
  const around = (inner: string) => space() + inner + space();
  if ("text" in node) return around(node.text);
  if ("elements" in node) {
    return around(`[${node.elements.map((each) => write(each, space)).join(",") || space()}]`);
  }
  const members = node.members.map(([name, value]) =>
    `${around(nameText(name, space))}:${write(value, space)}`
  );
  return around(`{${members.join(",") || space()}}`);
}

function nameText(name: string, space: () => string): string {
  if (space() === "") return JSON.stringify(name);
  return `"${[...name].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`;
}

/** Deletes in the values what the cutter cuts in the text. */
function deleted(node: Node, rests: readonly (readonly string[])[], how: Cut): Node | undefined {
  if (rests.some(({ length }) => length === 0)) {
    return how === "drop" ? undefined : how === "keep" ? node : { text: '"***REDACTED***"' };
  }
  if (rests.length === 0) return how === "keep" ? undefined : node;
  if ("text" in node) return how === "keep" ? undefined : node;
  const below = (key: string) =>
    rests.filter(([first]) => first === key || first === "*").map((rest) => rest.slice(1));
  if ("elements" in node) {
    return {
      elements: node.elements.flatMap((each, index) => deleted(each, below(String(index)), how) ?? []),
    };
  }
  return {
    members: node.members.flatMap(([name, value]) => {
      const left = deleted(value, below(name), how);
      return left === undefined ? [] : [[name, left] as [string, Node]];
    }),
  };
}

/** What is left of a text without the white space between its tokens, its names written plainly. */
function plain(node: Node): string {
  return write(node, () => "");
}

function tokens(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|\s+/gs, (token) => token.trim() === "" ? "" : token)
    .replaceAll(/"(?:[^"\\]|\\.)*"(?=:)/gs, (name) => JSON.stringify(JSON.parse(name)));
}

Deno.test("cutting the text is the same as parsing it, deleting and writing it", () => {
  fc.assert(
    fc.property(
      node,
      pointers,
      fc.constantFrom<Cut>("drop", "keep", "mask"),
      spaces,
      (root, given, how, stream) => {
        const json = write(root, () => stream.next().value as string);
        const keys = given.map((text) => JsonPointer.parse(text)!.keys);
        const expected = deleted(root, keys, how) ?? { text: "null" };
        const actual = cut(json, how, ...given);
        JSON.parse(actual);
        assertEquals(tokens(actual), plain(expected));
      },
    ),
    { numRuns: 2_000 },
  );
});

Deno.test("a cut in pieces of any length is the same as one in one go", () => {
  const long = `"${'\\"'.repeat(70_000)}"`;
  const zeros = `[${"0,".repeat(100_000)}0]`;
  const json = `{${
    " ".repeat(70_000)
  }"a":${long},"b":${zeros},${long}:1,"d":{"e":${long},"f":[${zeros}]},"g":1${"0".repeat(70_000)}}`;
  for (const how of ["drop", "keep", "mask"] as const) {
    const places = placesOf(["/a", "/b/*", "/d/f/0", "/g"])!;
    const steps = cutJson(json, places, how);
    let pieces = 1;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) pieces++;
    assertEquals(step.value, cutSmallJson(json, places, how));
    assertEquals(pieces > 5, true);
    JSON.parse(step.value);
  }
});
