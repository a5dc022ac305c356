/** That schemas are refused when they cannot be used, errors are placed, and nothing takes more work than is allowed. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  JsonSchema,
  requireSchema,
  SchemaError,
  WorkExceeded,
} from "../../../../src/json/schema/json_schema.ts";

type JsonObject = Readonly<Record<string, unknown>>;

function mismatch(schema: JsonObject, document: unknown): string | undefined {
  const found = new JsonSchema(schema).mismatch(document);
  return found === undefined ? undefined : `${found.pointer} ${found.keyword}`;
}

for (
  const [schema, document, expected] of [
    [{ type: "object" }, [], " type"],
    [{ required: ["a"] }, {}, " required"],
    [{ properties: { a: { properties: { b: { type: "string" } } } } }, { a: { b: 1 } }, "/a/b type"],
    [{ items: { minimum: 3 } }, [3, 4, 2], "/2 minimum"],
    [{ properties: { "a/b~c": { const: 1 } } }, { "a/b~c": 2 }, "/a~1b~0c const"],
    [{ additionalProperties: false }, { extra: 1 }, "/extra false"],
    [{ properties: { a: { anyOf: [{ type: "string" }, { minimum: 5 }] } } }, { a: 1 }, "/a anyOf"],
    [{ allOf: [{ $ref: "#/$defs/x" }], $defs: { x: { items: { type: "null" } } } }, [null, 1], "/1 type"],
    [{ oneOf: [{ type: "number" }, { type: "integer" }] }, 1, " oneOf"],
    [{ not: { properties: { a: { type: "string" } } } }, {}, " not"],
    [{ if: { required: ["a"] }, then: { required: ["b"] } }, { a: 1 }, " required"],
    [{ uniqueItems: true }, [1, { a: 1, b: 2 }, { b: 2, a: 1 }], "/2 uniqueItems"],
    [{ unevaluatedProperties: false, properties: { a: true } }, { a: 1, b: 2 }, "/b false"],
    [{ contains: { type: "string" } }, [1, 2], " contains"],
    [{ properties: { toString: { type: "string" } } }, {}, undefined],
    [{ properties: { __proto__: { type: "string" } } }, {}, undefined],
    [{ required: ["constructor"] }, {}, " required"],
  ] as const
) {
  Deno.test(`the first error is placed: ${JSON.stringify(schema)} for ${JSON.stringify(document)}`, () => {
    assertEquals(mismatch(schema, document), expected);
  });
}

for (
  const [schema, pointer] of [
    [{ type: "text" }, "/type"],
    [{ properties: { a: { minLength: -1 } } }, "/properties/a/minLength"],
    [{ properties: { a: 5 } }, "/properties"],
    [{ items: [{}] }, "/items"],
    [{ multipleOf: 0 }, "/multipleOf"],
    [{ allOf: [] }, "/allOf"],
    [{ $ref: "https://elsewhere.example/schema.json" }, "/$ref"],
    [{ $ref: "file:///etc/passwd" }, "/$ref"],
    [{ $ref: "other.json" }, "/$ref"],
    [{ $ref: "#/$defs/missing" }, "/$ref"],
    [{ $ref: "#missing" }, "/$ref"],
    [{ $dynamicRef: "https://elsewhere.example/#a" }, "/$dynamicRef"],
    [{ $schema: "http://json-schema.org/draft-04/schema#" }, "/$schema"],
    [{ $schema: "https://json-schema.org/draft/2019-09/schema" }, "/$schema"],
    [{ properties: { a: { pattern: "(" } } }, "/properties/a/pattern"],
    [{ patternProperties: { "(a)\\1": {} } }, "/patternProperties/(a)\\1"],
    [{ $ref: "#" }, ""],
    [{ $defs: { a: { allOf: [{ $ref: "#/$defs/b" }] }, b: { $ref: "#/$defs/a" } } }, "/$defs/a/allOf/0"],
    [{ $defs: { a: { $id: "https://x.example/" }, b: { $id: "https://x.example/" } } }, "/$defs/b/$id"],
    [{ $defs: { a: { $anchor: "x" }, b: { $anchor: "x" } } }, "/$defs/b"],
  ] as const
) {
  Deno.test(`a schema that cannot be used is refused with the place: ${JSON.stringify(schema)}`, () => {
    assertEquals(assertThrows(() => requireSchema(schema), SchemaError).pointer, pointer);
  });
}

Deno.test("a schema may be nested 100 levels deep, and no deeper", () => {
  const nested = (levels: number): JsonObject => levels === 0 ? {} : { items: nested(levels - 1) };
  requireSchema(nested(100));
  assertThrows(() => requireSchema(nested(101)), SchemaError);
  assertThrows(() => requireSchema(nested(5_000)), SchemaError);
});

Deno.test("a schema of draft-07 is read by the rules of that draft", () => {
  for (
    const $schema of ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft-07/schema"]
  ) {
    assertEquals(
      mismatch({ $schema, items: [{ type: "string" }], additionalItems: false }, ["a", 1]),
      "/1 false",
    );
    assertEquals(mismatch({ $schema, dependencies: { a: ["b"] } }, { a: 1 }), " dependencies");
    assertEquals(mismatch({ $schema, prefixItems: [false], unevaluatedProperties: false }, [1]), undefined);
  }
});

Deno.test("a recursive schema is held against trees", () => {
  const tree = {
    type: "object",
    required: ["name"],
    properties: { name: { type: "string" }, children: { type: "array", items: { $ref: "#" } } },
  };
  assertEquals(mismatch(tree, { name: "a", children: [{ name: "b", children: [] }] }), undefined);
  assertEquals(
    mismatch(tree, { name: "a", children: [{ name: "b", children: [{}] }] }),
    "/children/0/children/0 required",
  );
});

/** Both branches look at everything within, so that each level doubles the work. */
const DOUBLING = {
  $ref: "#/$defs/node",
  $defs: {
    node: {
      anyOf: [
        { type: "array", items: { $ref: "#/$defs/node" }, maxItems: 0 },
        { type: "array", items: { $ref: "#/$defs/node" }, minItems: 2 },
      ],
    },
  },
};

function nestedArrays(levels: number): unknown {
  let nested: unknown = [];
  for (let level = 0; level < levels; level++) nested = [nested];
  return nested;
}

const objects = (count: number) => Array.from({ length: count }, (_, index) => ({ index, list: [index] }));

for (
  const [name, schema, document] of [
    ["work that doubles with each level", DOUBLING, nestedArrays(400)],
    ["a document nested deeper than calls can be", { items: { $ref: "#" } }, nestedArrays(100_000)],
    [
      "a great many items",
      { items: { items: { type: "integer" } } },
      Array.from({ length: 60_000 }, () => [1, 2, 3, 4]),
    ],
    ["a great many objects that must differ", { uniqueItems: true }, objects(50_000)],
    ["a long text for each of many patterns", {
      allOf: Array.from({ length: 200 }, (_, index) => ({ pattern: `^[a-z ]*${index}?[a-z ]*$` })),
    }, "lorem ipsum ".repeat(80_000)],
    [
      "a large value in a long list of others",
      { items: { not: { enum: [objects(10)] } } },
      Array.from({ length: 900 }, () => objects(50)),
    ],
  ] as const
) {
  Deno.test(`no document takes more work than is allowed: ${name}`, () => {
    const compiled = new JsonSchema(schema);
    assertThrows(() => compiled.mismatch(document), WorkExceeded);
  });
}

Deno.test("work that is allowed is enough for documents of usual size", () => {
  const schema = {
    items: { type: "object", properties: { index: { minimum: 0 }, list: { uniqueItems: true } } },
  };
  assertEquals(mismatch(schema, objects(10_000)), undefined);
  assertEquals(mismatch({ uniqueItems: true }, objects(5_000)), undefined);
});

Deno.test("numbers mean what their decimal digits say", () => {
  for (
    const [value, divisor] of [[0.3, 0.1], [19.99, 0.01], [1e20, 1e10], [4.5, 1.5], [1.1, 0.1], [-0.7, 0.1]]
  ) {
    assertEquals(mismatch({ multipleOf: divisor }, value), undefined, `${value} ${divisor}`);
  }
  for (const [value, divisor] of [[0.35, 0.1], [19.995, 0.01], [0.00751, 0.01], [1e308, 0.123456789]]) {
    assertEquals(mismatch({ multipleOf: divisor }, value), " multipleOf", `${value} ${divisor}`);
  }
  assertEquals(mismatch({ type: "integer" }, 1.0), undefined);
  assertEquals(mismatch({ type: "integer" }, 1e300), undefined);
});
