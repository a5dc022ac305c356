import { assertEquals, assertStrictEquals } from "@std/assert";
import { substitute } from "../../../src/config/substitution.ts";

const environment = { HOST: "kafka", PORT: "9092", EMPTY: "" };

Deno.test("substitute replaces references anywhere inside strings at any depth", () => {
  const { value, problems } = substitute(
    { url: "http://{$HOST}:{$PORT}/x", list: [{ deep: "{$HOST}" }] },
    environment,
  );
  assertEquals(value, { url: "http://kafka:9092/x", list: [{ deep: "kafka" }] });
  assertEquals(problems, []);
});

Deno.test("substitute uses the default when the variable is not set, and the variable when it is", () => {
  assertEquals(substitute("{$MISSING:fallback}", environment).value, "fallback");
  assertEquals(substitute("{$HOST:fallback}", environment).value, "kafka");
  assertEquals(substitute("{$MISSING:}", environment).value, "");
  assertEquals(substitute("{$EMPTY:fallback}", environment).value, "");
});

Deno.test("substitute keeps a default that holds a colon, as in a URL", () => {
  assertEquals(
    substitute("{$MISSING:http://localhost:8080/x}", environment).value,
    "http://localhost:8080/x",
  );
});

Deno.test("substitute reports every missing variable with the path where it stands", () => {
  const { problems } = substitute({ hmac: { secret: "{$ONE}" }, list: ["{$TWO}"] }, environment);
  assertEquals(problems.map(({ code, path }) => [code, path]), [
    ["missing_variable", "hmac.secret"],
    ["missing_variable", "list.0"],
  ]);
  assertEquals(problems[0]?.message.includes("ONE"), true);
});

Deno.test("substitute does not look again at what it put in", () => {
  assertEquals(substitute("{$OUTER}", { OUTER: "{$INNER}", INNER: "secret" }).value, "{$INNER}");
});

Deno.test("substitute returns the very same value when there is nothing to replace", () => {
  const value = { a: [1, "text", null], b: { c: true } };
  assertStrictEquals(substitute(value, environment).value, value);
});

Deno.test("substitute leaves the prototype of the value alone when a key is named __proto__", () => {
  const value = JSON.parse(`{"__proto__": {"polluted": "{$HOST}"}, "kept": "{$HOST}"}`);
  const result = substitute(value, environment).value as Record<string, unknown>;
  assertEquals(result["polluted"], undefined);
  assertEquals(result["kept"], "kafka");
});
