import { assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isReadByPython, pickleJson } from "../../../../../src/modules/redis/rq/json_pickle.ts";
import { PickleWriter } from "../../../../../src/modules/redis/rq/pickle.ts";
import { runPython } from "../../../../support/python.ts";

/** JSON texts whose value a parser in JavaScript would not keep, and the ends of every range. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  "numbers": [
    "0",
    "-0",
    "-0.0",
    "0.0",
    "1.0",
    "1e2",
    "1E+2",
    "-1.5e-7",
    "0.1",
    "5e-324",
    "1.7976931348623157e308",
    "1e400",
    "-1e400",
    "255",
    "256",
    "-1",
    "-256",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967296",
    "999999999999999",
    "-999999999999999",
    "1000000000000000",
    "9007199254740991",
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "12345678901234567890",
    "-12345678901234567890123456789",
    "1" + "0".repeat(700),
    "-" + "9".repeat(4300),
  ],
  "texts": [
    '""',
    '"plain"',
    `"${"a".repeat(255)}"`,
    `"${"a".repeat(256)}"`,
    `"${"ä".repeat(127)}"`,
    '"Zoë 🎉 \u2028 \u007f"',
    '"\\u0000\\n\\"\\\\\\/\\b"',
    '"\\\\"',
    '"a\\\\\\""',
    '"\\ud83c\\udf89"',
    '"\\ud83c"',
    '"\\udf89\\ud83c"',
    '"x\\ud83c🎉\\udf89y"',
    '["\\u005c", "\\"", "]", "{", "a\\\\"]',
  ],
  "containers": [
    "[]",
    "{}",
    '[[], {}, [[]], {"a": {}}]',
    '{"": null}',
    '{"2": true, "1": false, "a": 0, "0": 1}',
    '{"a": 1, "b": 2, "a": 3}',
    '{"__proto__": {"polluted": true}, "constructor": 1}',
    ' { "a" : [ 1 , 2.5 ,\r\n\t-3 ] , "b" : "x" } ',
    "null",
    " true ",
    "false",
    "[".repeat(900) + "]".repeat(900),
  ],
};

function pickled(json: string): Uint8Array {
  const writer = new PickleWriter();
  pickleJson(json, writer);
  return writer.finish();
}

/** The pickle that has Python read the text. */
function callOf(json: string): Uint8Array {
  const writer = new PickleWriter();
  writer.parsedJson(json);
  return writer.finish();
}

/** Has Python compare each pickle, of both kinds, with what its own parser makes of the text. */
async function assertSameInPython(texts: readonly string[]): Promise<void> {
  const cases = texts.flatMap((json) =>
    [pickled(json), callOf(json)].map((pickle) => JSON.stringify({ json, pickle: pickle.toBase64() }))
  );
  assertEquals(await runPython("python_values.py", cases.join("\n")), `${cases.length} judged\n`);
}

for (const [kind, texts] of Object.entries(TEXTS)) {
  Deno.test(`pickled JSON ${kind} are to Python what its own JSON parser makes of them`, async () => {
    await assertSameInPython(texts);
  });
}

Deno.test("pickled random JSON is to Python what its own JSON parser makes of it", async () => {
  const texts = fc.sample(randomJson(), 2000);
  await assertSameInPython(texts);
});

Deno.test("pickled JSON may be nested deeper than a parser with a stack could follow", async () => {
  const depth = 100_000;
  const pickle = pickled("[".repeat(depth) + "]".repeat(depth)).toBase64();
  assertEquals(await runPython("python_values.py", JSON.stringify({ depth, pickle })), "1 judged\n");
});

Deno.test("an integer that Python does not read is refused", () => {
  assertThrows(() => pickled("[1, " + "9".repeat(4301) + "]"), RangeError, "4301");
});

Deno.test("Python is given the text of a document, unless it is nested too deeply for its parser", () => {
  const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  assertEquals(isReadByPython(nested(500)), true);
  assertEquals(isReadByPython(nested(501)), false);
  assertEquals(isReadByPython(`[${Array(10_000).fill('{"[":"\\"[{"}').join()}]`), true);
  assertEquals(isReadByPython("[".repeat(100_000) + "]".repeat(100_000)), false);
});

Deno.test("Python is given the text of a document, unless it has an integer that it does not read", () => {
  const digits = (count: number) => "7".repeat(count);
  for (const around of ["", " ".repeat(4299), "[1,2,3,".padEnd(8600)]) {
    const end = around.trim() === "" ? "" : "]";
    assertEquals(isReadByPython(around + digits(4300) + end), true);
    assertEquals(isReadByPython(around + digits(4301) + end), false);
    assertEquals(isReadByPython(`${around}-${digits(4301)}${end}`), false);
  }
  assertEquals(isReadByPython(`[${Array(1000).fill(digits(4299)).join()}]`), true);
});

Deno.test("pickling takes time with the length of a document, whatever it consists of", () => {
  const documents = [
    (size: number) => `{"values":[${Array(size).fill("1234").join()}]}`,
    (size: number) => `[${Array(size).fill('"a"').join()}]`,
    (size: number) => `[${Array(size).fill('"\\n"').join()}]`,
    (size: number) => "[".repeat(size) + "]".repeat(size),
  ];
  // As long as the writer is optimized for: what it was found to be slow for comes with that.
  for (const document of documents) for (let round = 0; round < 10; round++) pickled(document(20_000));
  for (const document of documents) {
    const [small, large] = [document(20_000), document(640_000)];
    const took = (json: string) => {
      const started = performance.now();
      pickled(json);
      return performance.now() - started;
    };
    const fastest = (json: string) => Math.min(...Array.from({ length: 5 }, () => took(json)));
    // 32 times as long; with the square of the length it would be 1024 times.
    assertLess(fastest(large) / fastest(small), 400);
  }
});

/** JSON texts with all kinds of numbers, escapes, white space and keys, lone surrogates included. */
function randomJson(): fc.Arbitrary<string> {
  const number = fc.oneof(
    fc.integer().map(String),
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    fc.tuple(fc.integer(), fc.integer({ min: -330, max: 330 })).map(([digits, power]) =>
      `${digits}.25e${power}`
    ),
  );
  const units = fc.array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff })));
  const text = fc.oneof(
    fc.string({ unit: "binary" }).map((value) => JSON.stringify(value)),
    units.map((codes) => JSON.stringify(String.fromCharCode(...codes))),
    units.map((codes) => `"${codes.map((code) => `\\u${code.toString(16).padStart(4, "0")}`).join("")}"`),
  );
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom("null", "true", "false"),
      number,
      text,
      fc.array(tie("value"), { maxLength: 6 }).map((items) => `[${items.join(" ,")}]`),
      fc.array(fc.tuple(text, tie("value")), { maxLength: 6 })
        .map((entries) => `{ ${entries.map(([key, item]) => `${key}:${item}`).join(",\n")} }`),
    ),
  }));
  return value;
}
