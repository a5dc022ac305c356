import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseConfigValue } from "../../../../src/config/values/json_value.ts";

/** An object that holds objects down to the given level; the outermost is level 1. */
function nested(levels: number): string {
  return '{"a":'.repeat(levels - 1) + "{}" + "}".repeat(levels - 1);
}

function problemCode(text: string): string | undefined {
  const parsed = parseConfigValue(text);
  return "problem" in parsed ? parsed.problem.code : undefined;
}

Deno.test("a configuration value is a JSON object", () => {
  assertEquals(parseConfigValue('{"module": "log"}'), { json: { module: "log" } });
  for (const text of ["null", "true", "1", '"log"', "[]", '[{"module": "log"}]']) {
    assertEquals(problemCode(text), "not_an_object", text);
  }
});

Deno.test("a configuration value of more than 10 MiB is a problem, whatever it holds", () => {
  const filled = (length: number) => `{"a":"${"x".repeat(length - 8)}"}`;
  assertEquals(problemCode(filled(10 * 1024 * 1024)), undefined);
  assertEquals(problemCode(filled(10 * 1024 * 1024 + 1)), "too_large");
  assertEquals(problemCode("[".repeat(11_000_000)), "too_large");
});

Deno.test("any JSON object of sane depth is taken as it is", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { noNullPrototype: true });
  fc.assert(fc.property(object, (value) => {
    const text = JSON.stringify(value);
    const parsed = parseConfigValue(text);
    assertEquals("json" in parsed && JSON.stringify(parsed.json), JSON.stringify(JSON.parse(text)));
  }));
});

Deno.test("a key that stands more than once in a configuration value is a problem that says where", () => {
  const pathOf = (text: string) => {
    const parsed = parseConfigValue(text);
    return "problem" in parsed ? [parsed.problem.code, parsed.problem.path] : undefined;
  };
  assertEquals(pathOf('{"module": "log", "module": "log"}'), ["invalid_json", "module"]);
  assertEquals(pathOf('{"hmac": {"secret": "a", "\\u0073ecret": "b"}}'), ["invalid_json", "hmac.secret"]);
  assertEquals(
    pathOf('{"chain": ["log", {"module-config": {"a": 1, "a": 1}}]}'),
    ["invalid_json", "chain.1.module-config.a"],
  );
  assertEquals(pathOf('{"module": "log", "hmac": {"module": 1}, "a": ["module", "module"]}'), undefined);
});

Deno.test("remarks in a configuration value may have the same name, and anything in them", () => {
  const remarks = '"//": "a", "//": "b", "_old": {"a": 1, "a": 2}, "description": "a", "description": "b"';
  for (const text of [`{${remarks}}`, `{"module-config": {${remarks}}}`, `{"chain": [{${remarks}}]}`]) {
    assertEquals(problemCode(text), undefined, text);
  }
  for (
    const text of [
      `{"module-config": {"headers": {${remarks}}}}`,
      `{"json_schema": {${remarks}}}`,
      '{"module-config": {"headers": {"x-a": "1", "x-a": "2"}}}',
    ]
  ) assertEquals(problemCode(text), "invalid_json", text);
});

Deno.test("a configuration value may be nested 64 levels deep and no deeper", () => {
  assertEquals(problemCode(nested(64)), undefined);
  assertEquals(problemCode(nested(65)), "too_deep");
  assertEquals(problemCode(`{"a": ${"[".repeat(63)}${"]".repeat(63)}}`), undefined);
  assertEquals(problemCode(`{"a": ${"[".repeat(64)}${"]".repeat(64)}}`), "too_deep");
});

Deno.test("a configuration value of 100,000 levels is a problem, not a crash", () => {
  assertEquals(problemCode(`{"a": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`), "too_deep");
  assertEquals(problemCode(`{"a": ${"[".repeat(100_000)}`), "invalid_json");
});

Deno.test("a problem of a value that is no JSON names the position and quotes nothing of it", () => {
  const parsed = parseConfigValue('{"secret":\n "hunter2" hunter2}');
  assertEquals(parsed, {
    problem: {
      code: "invalid_json",
      path: "",
      message: "The value is not valid JSON: error at position 22 (line 2 column 12)",
    },
  });
  fc.assert(fc.property(fc.string(), fc.nat({ max: 20 }), (garbage, at) => {
    const text = `{"secret": "hunter2", "b": 1}`;
    const broken = parseConfigValue(`${text.slice(0, at)}${garbage}${text.slice(at)}`);
    if ("problem" in broken) assertEquals(broken.problem.message.includes("hunter2"), false);
  }));
});

Deno.test("a value with an own key __proto__ keeps it and changes nothing else", () => {
  const checked = parseConfigValue('{"__proto__": {"polluted": true}}');
  assertEquals("json" in checked && Object.keys(checked.json as object), ["__proto__"]);
  assertEquals(({} as Record<string, unknown>)["polluted"], undefined);
});
