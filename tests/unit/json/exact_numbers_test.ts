import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LongDecimal, parseExactly } from "../../../src/json/exact_numbers.ts";

/** Writes a value that was read exactly, by digits and not by values. */
function written(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) => {
    if (typeof inner === "bigint") return `int ${inner}`;
    return inner instanceof LongDecimal ? `decimal ${inner.source}` : inner;
  });
}

Deno.test("numbers that a double holds are doubles", () => {
  const json = "[0,-0,1.0,1e5,0.1,0.30000000000000004,9007199254740991,1.5e300,5e-324,0.1000000000000000]";
  assertEquals(parseExactly(json), JSON.parse(json));
});

Deno.test("integers and decimals that a double does not hold keep all their digits", () => {
  assertEquals(
    written(
      parseExactly('{"id":9007199254740993,"a":[-12345678901234567890,0.1234567890123456789,1e400,2E-400]}'),
    ),
    '{"id":"int 9007199254740993","a":["int -12345678901234567890","decimal 0.1234567890123456789",' +
      '"decimal 1e400","decimal 2E-400"]}',
  );
  assertEquals(parseExactly("12345678901234567890"), 12345678901234567890n);
});

Deno.test("an integer of any length keeps its digits, and costs no more than its length", () => {
  for (const sign of ["", "-"]) {
    const longest = sign + "9".repeat(1_000 - sign.length);
    const longer = `${longest}9`;
    const [bounded, unbounded] = parseExactly(`[${longest}, ${longer}]`) as unknown[];
    assertEquals(bounded, BigInt(longest));
    assert(unbounded instanceof LongDecimal);
    assertEquals(unbounded.source, longer);
    assertEquals(unbounded.value, Number(`${sign}Infinity`));
  }
});

Deno.test("digits in strings and in names stay what they are", () => {
  const json = '{"12345678901234567890":"12345678901234567890, 1e400","a\\"":[ 12345678901234567890 ]}';
  assertEquals(
    written(parseExactly(json)),
    '{"12345678901234567890":"12345678901234567890, 1e400","a\\"":["int 12345678901234567890"]}',
  );
});

Deno.test("members called __proto__ and constructor keep their numbers", () => {
  const value = parseExactly(
    '{"__proto__":12345678901234567890,"constructor":{"__proto__":[12345678901234567890]}}',
  );
  assertEquals(
    written(value),
    '{"__proto__":"int 12345678901234567890","constructor":{"__proto__":["int 12345678901234567890"]}}',
  );
  assertEquals(Object.getPrototypeOf(value), Object.prototype);
});

Deno.test("a document with a long number may be nested as deep as any other", () => {
  const depth = 50_000;
  let value = parseExactly("[".repeat(depth) + "12345678901234567890" + "]".repeat(depth));
  for (let level = 0; level < depth; level++) value = (value as unknown[])[0];
  assertEquals(value, 12345678901234567890n);
});

Deno.test("any document is read as JSON.parse reads it, but for the numbers that it changes", () => {
  const number = fc.oneof(
    fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
    fc.double({ noDefaultInfinity: true, noNaN: true }).map((double) => JSON.stringify(double)),
    fc.tuple(fc.nat(99), fc.nat(999), fc.integer({ min: -400, max: 400 })).map(([a, b, e]) =>
      `${a}.${b}e${e}`
    ),
  );
  const { json } = fc.letrec<{ json: string }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      number,
      fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
      fc.array(tie("json"), { maxLength: 4 }).map((elements) => `[${elements.join(", ")}]`),
      fc.array(fc.tuple(fc.constantFrom("a", "__proto__", "1", "12345678901234567890"), tie("json")), {
        maxLength: 4,
      })
        .map((members) => `{${members.map(([name, value]) => `"${name}":${value}`).join(",")}}`),
    ),
  }));
  const isSame = (exact: unknown, plain: unknown): boolean => {
    if (typeof exact === "bigint") return Number(exact) === plain && !Number.isSafeInteger(plain);
    if (exact instanceof LongDecimal) return Object.is(exact.value, plain);
    if (typeof exact !== "object" || exact === null) return Object.is(exact, plain);
    const names = Object.keys(exact);
    return names.join() === Object.keys(plain as object).join() &&
      names.every((name) =>
        isSame(
          Object.getOwnPropertyDescriptor(exact, name)!.value,
          Object.getOwnPropertyDescriptor(plain, name)!.value,
        )
      );
  };
  fc.assert(
    fc.property(json, (text) => {
      assert(isSame(parseExactly(text), JSON.parse(text)), text);
    }),
    { numRuns: 100 },
  );
});
