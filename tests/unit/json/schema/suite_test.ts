/** That all required cases of the JSON-Schema-Test-Suite pass, but for what would have to be fetched. */

import { assertEquals } from "@std/assert";
import { JsonSchema, SchemaError } from "../../../../src/json/schema/json_schema.ts";
import {
  type Draft,
  DRAFTS,
  suiteDocuments,
  type SuiteGroup,
  suiteOf,
} from "../../../support/json_schema/suite.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** A webhook's schema is an object that may say which draft it is of. */
function asObject({ schema }: SuiteGroup, draft: Draft): JsonObject {
  const object = typeof schema === "boolean" ? { allOf: [schema] } : schema as JsonObject;
  return draft === "draft-07" ? { $schema: DRAFTS[draft], ...object } : object;
}

interface Result {
  passed: number;
  readonly failed: string[];
  /** By the end of the place that keeps the schema from being used. */
  readonly refused: Record<string, number>;
}

function run(draft: Draft, prepare: (schema: JsonObject) => JsonObject = (schema) => schema): Result {
  const result: Result = { passed: 0, failed: [], refused: {} };
  for (const group of suiteOf(draft)) {
    let schema: JsonSchema;
    try {
      schema = new JsonSchema(prepare(asObject(group, draft)));
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      const keyword = error.pointer.split("/").at(-1)!;
      result.refused[keyword] = (result.refused[keyword] ?? 0) + group.tests.length;
      continue;
    }
    for (const [description, document, isValid] of group.tests) {
      if ((schema.mismatch(document) === undefined) === isValid) result.passed++;
      else result.failed.push(`${group.file}: ${group.description}: ${description}`);
    }
  }
  return result;
}

Deno.test("of 2020-12, 1,246 of 1,299 required cases pass, and the others need what is not there", () => {
  // What refers to other documents, and what is of a dialect that another document defines.
  assertEquals(run("draft-2020-12"), { passed: 1246, failed: [], refused: { $ref: 48, $schema: 5 } });
});

Deno.test("of draft-07, 900 of 927 required cases pass, and the others need what is not there", () => {
  assertEquals(run("draft-07"), { passed: 900, failed: [], refused: { $ref: 27 } });
});

/** The documents that the suite has fetched, put into the schema: each where it is fetched from, and what it calls itself. */
function bundling(draft: Draft): (schema: JsonObject) => JsonObject {
  const keyword = draft === "draft-07" ? "definitions" : "$defs";
  const other = draft === "draft-07" ? "/draft2020-12/" : "/draft7/";
  const documents = suiteDocuments().filter(([uri]) => !uri.includes(other)).flatMap(([uri, document]) => {
    const { $schema: _schema, $id, ...rest } = document;
    if ($id === undefined || $id === uri) return [[uri, { $id: uri, ...rest }]];
    return [[String($id), { $id, ...rest }], [uri, { $id: uri, $ref: $id }]];
  });
  return (schema) => {
    const own = (schema[keyword] ?? {}) as JsonObject;
    const bundled = { ...schema, [keyword]: { ...own, ...Object.fromEntries(documents) } };
    return JSON.stringify(schema).includes("http://localhost:1234/") ? bundled : schema;
  };
}

Deno.test("of 2020-12, 1,290 cases pass where what they refer to is bundled", () => {
  // What is left refers to the draft's own description of schemas, or is of another dialect.
  assertEquals(run("draft-2020-12", bundling("draft-2020-12")), {
    passed: 1290,
    failed: [],
    refused: { $ref: 4, $schema: 5 },
  });
});

Deno.test("of draft-07, 923 cases pass where what they refer to is bundled", () => {
  assertEquals(run("draft-07", bundling("draft-07")), { passed: 923, failed: [], refused: { $ref: 4 } });
});
