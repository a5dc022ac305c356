import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { JsonPointer } from "../../../src/json/pointer.ts";

/** The pointer, which has to be one. */
function pointer(text: string): JsonPointer {
  const parsed = JsonPointer.parse(text);
  if (parsed === undefined) throw new TypeError(`${text} is no JSON Pointer`);
  return parsed;
}

function pointerTo(tokens: readonly string[]): JsonPointer {
  return pointer(tokens.map((token) => "/" + token.replaceAll("~", "~0").replaceAll("/", "~1")).join(""));
}

/** The texts of values by the pointers to them. */
function sources(json: string, ...pointers: string[]): Record<string, string | undefined> {
  return Object.fromEntries(pointers.map((text) => [text, pointer(text).sourceIn(json)]));
}

/** A document as a webhook's body is one. */
function documentOf(text: string) {
  return { text, isJson: () => true };
}

Deno.test("a pointer is empty or begins with a slash, and has tildes before 0 and 1 only", () => {
  for (const text of ["", "/", "//", "/a", "/a~0b~1c", "/0/00/-", '/ü /"\\']) {
    assertEquals(JsonPointer.parse(text) instanceof JsonPointer, true, text);
  }
  for (const text of ["a", "#/a", "$.a", "/a~", "/a~2", "/~/b", " /a"]) {
    assertEquals(JsonPointer.parse(text), undefined, text);
  }
});

Deno.test("a pointer finds what RFC 6901 says that it finds", () => {
  const json =
    `{ "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\\\j": 5, "k\\"l": 6,
    " ": 7, "m~n": 8 }`;
  const expected: Readonly<Record<string, unknown>> = {
    "": JSON.parse(json),
    "/foo": ["bar", "baz"],
    "/foo/0": "bar",
    "/": 0,
    "/a~1b": 1,
    "/c%d": 2,
    "/e^f": 3,
    "/g|h": 4,
    "/i\\j": 5,
    '/k"l': 6,
    "/ ": 7,
    "/m~0n": 8,
  };
  for (const [text, value] of Object.entries(expected)) {
    assertEquals(JSON.parse(pointer(text).sourceIn(json)!), value, text);
  }
});

Deno.test("elements of an array are named by digits without leading zeros, and its length by nothing", () => {
  const json = '[ "a", [ 1.50 ] ,\n{"length":7} ]';
  const missing = [
    "/length",
    "/1/length",
    "/-",
    "/00",
    "/01",
    "/+1",
    "/-1",
    "/1.0",
    "/1e0",
    "/3",
    "/4294967296",
  ];
  assertEquals(sources(json, "/0", "/1/0", "/2/length"), { "/0": '"a"', "/1/0": "1.50", "/2/length": "7" });
  for (const text of missing) {
    assertEquals(pointer(text).sourceIn(json), undefined, text);
  }
});

Deno.test("of members with the same name the last one counts, with all that is in it", () => {
  const json = '{"a":{"b":1,"b":2.0},"a":{"b":3.0,"c":[4]},"z":{"b":5},"z":6}';
  assertEquals(sources(json, "/a/b", "/a/c/0", "/z/b"), { "/a/b": "3.0", "/a/c/0": "4", "/z/b": undefined });
  assertEquals(sources('{"\\u0061":1.0,"a":2.0,"\\u0061":3.0}', "/a"), { "/a": "3.0" });
});

Deno.test("a member is found by its name, however the document writes the name", () => {
  const json = String
    .raw`{"\u0069d":1.0,"\\u0069d":2.0,"\"":3.0,"__proto__":{"toString":4.0},"constructor":5.0}`;
  assertEquals(sources(json, "/id", "/\\u0069d", '/"', "/__proto__/toString", "/constructor"), {
    "/id": "1.0",
    "/\\u0069d": "2.0",
    '/"': "3.0",
    "/__proto__/toString": "4.0",
    "/constructor": "5.0",
  });
  for (const inherited of ["/toString", "/__proto__", "/constructor/name"]) {
    assertEquals(pointer(inherited).scalarIn(documentOf('{"a":1}')), undefined, inherited);
  }
});

Deno.test("a number is found exactly as the document writes it", () => {
  const numbers = [
    "1050118621198921728",
    "1050118621198921729",
    "1",
    "1.0",
    "1e0",
    "-0",
    "1E400",
    "0.10",
    "1e-999",
  ];
  for (const number of numbers) {
    const document = documentOf(`{"other":"1","id" :\t${number}\n}`);
    assertEquals(pointer("/id").scalarIn(document), { type: "number", text: number });
    assertEquals(pointer("").scalarIn(documentOf(` ${number} `)), { type: "number", text: number });
  }
});

Deno.test("null, objects and arrays are no scalars, and a document that is not JSON has none", () => {
  const document = documentOf('{"a":null,"b":{},"c":[],"d":false,"e":""}');
  const found = ["/a", "/b", "/c", "/d", "/e", "/f"].map((text) => pointer(text).scalarIn(document));
  const none = undefined;
  assertEquals(found, [
    none,
    none,
    none,
    { type: "boolean", text: "false" },
    { type: "string", text: "" },
    none,
  ]);
  const broken = { text: '{"a":1', isJson: () => false };
  assertEquals(pointer("/a").scalarIn(broken), undefined);
});

// No name begins with a backslash: once V8 15.0 has parsed `{"a":1,"\\":2}`, it takes `{"a":1,"\u0062":2}` for the same.
Deno.test("what is found in a document is what JSON.parse finds, for any document and pointer", () => {
  const names = fc.constantFrom(
    "a",
    "b",
    "",
    "0",
    "1",
    "length",
    "__proto__",
    "a/b",
    "m~n",
    '"',
    "é",
    "\ud83d\ude00",
  );
  fc.assert(
    fc.property(documents(names), fc.array(names, { maxLength: 4 }), (json, tokens) => {
      const source = pointerTo(tokens).sourceIn(json);
      const value = source === undefined ? undefined : JSON.parse(source);
      assertEquals(value, valueByHand(JSON.parse(json), tokens));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("the text of a number is one that stands in the document, and means what was parsed", () => {
  const names = fc.constantFrom("a", "b", "0", "1");
  fc.assert(
    fc.property(documents(names), fc.array(names, { maxLength: 3 }), (json, tokens) => {
      const found = pointerTo(tokens).scalarIn(documentOf(json));
      if (found?.type === "number") assertStrictEquals(json.includes(found.text), true);
      assertEquals(
        found === undefined ? undefined : found.type === "string" ? found.text : JSON.parse(found.text),
        scalarOrNothing(valueByHand(JSON.parse(json), tokens)),
      );
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a value is found in a megabyte and below a hundred thousand levels", () => {
  const filling = Array.from({ length: 20_000 }, (_, number) => ({ number, text: `"\\${number}]}` }));
  const large = `{"filling":${JSON.stringify(filling)},"data":{"id":1050118621198921729}}`;
  assertEquals(pointer("/data/id").sourceIn(large), "1050118621198921729");
  assertEquals(pointer("/filling/19999/number").sourceIn(large), "19999");
  const depth = 100_000;
  const deep = `{"deep":${"[".repeat(depth)}${"]".repeat(depth)},"id":1.0}`;
  assertEquals(pointer("/id").sourceIn(deep), "1.0");
  const nested = '{"a":'.repeat(depth) + "1.0" + "}".repeat(depth);
  assertEquals(pointer("/a".repeat(depth)).sourceIn(nested), "1.0");
});

/** JSON texts with repeated and escaped names, numbers in all forms and white space anywhere. */
function documents(names: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const space = fc.constantFrom("", "", " ", "\n\t ");
  const name = fc.tuple(names, fc.boolean()).map(([text, escaped]) =>
    escaped
      ? `"${
        Array.from({ length: text.length }, (_, at) =>
          `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")
      }"`
      : JSON.stringify(text)
  );
  const number = fc.constantFrom("0", "-0", "1.0", "1e0", "1E400", "1050118621198921729", "-12.50e-3");
  const text = fc.oneof(fc.string(), fc.constantFrom("]", "}", '"', "\\", '\\"', ",")).map((value) =>
    JSON.stringify(value)
  );
  return fc.letrec<{ readonly value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.oneof(number, text, fc.constantFrom("true", "false", "null")),
      fc.array(fc.tuple(space, tie("value"), space).map((parts) => parts.join("")), { maxLength: 4 })
        .map((elements) => `[${elements.join(",")}]`),
      fc.array(
        fc.tuple(space, name, space, fc.constant(":"), space, tie("value"), space).map((parts) =>
          parts.join("")
        ),
        { maxLength: 5 },
      ).map((members) => `{${members.join(",")}}`),
    ),
  })).value;
}

/** RFC 6901, section 4, word for word. */
function valueByHand(document: unknown, tokens: readonly string[]): unknown {
  return tokens.reduce<unknown>((value, token) => {
    if (Array.isArray(value)) return String(Number(token)) === token ? value[Number(token)] : undefined;
    if (typeof value !== "object" || value === null) return undefined;
    return new Map(Object.entries(value)).get(token);
  }, document);
}

function scalarOrNothing(value: unknown): unknown {
  return typeof value === "object" ? undefined : value;
}
