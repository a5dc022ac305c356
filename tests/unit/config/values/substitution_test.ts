import { assertEquals, assertStrictEquals } from "@std/assert";
import { substitute } from "../../../../src/config/values/substitution.ts";

const lookups = { environment: { HOST: "kafka", PORT: "9092", EMPTY: "" } };

Deno.test("substitute replaces references anywhere inside strings at any depth", () => {
  const { value, problems } = substitute(
    { url: "http://{$HOST}:{$PORT}/x", list: [{ deep: "{$HOST}" }] },
    lookups,
  );
  assertEquals(value, { url: "http://kafka:9092/x", list: [{ deep: "kafka" }] });
  assertEquals(problems, []);
});

Deno.test("substitute uses the default when the variable is not set, and the variable when it is", () => {
  assertEquals(substitute("{$MISSING:fallback}", lookups).value, "fallback");
  assertEquals(substitute("{$HOST:fallback}", lookups).value, "kafka");
  assertEquals(substitute("{$MISSING:}", lookups).value, "");
  assertEquals(substitute("{$EMPTY:fallback}", lookups).value, "");
});

Deno.test("substitute keeps a default that holds a colon, as in a URL", () => {
  assertEquals(
    substitute("{$MISSING:http://localhost:8080/x}", lookups).value,
    "http://localhost:8080/x",
  );
});

Deno.test("substitute reports every missing variable with the path where it stands", () => {
  const { problems } = substitute({ hmac: { secret: "{$ONE}" }, list: ["{$TWO}"] }, lookups);
  assertEquals(problems.map(({ code, path }) => [code, path]), [
    ["missing_variable", "hmac.secret"],
    ["missing_variable", "list.0"],
  ]);
  assertEquals(problems[0]?.message.includes("ONE"), true);
});

Deno.test("substitute does not look again at what it put in", () => {
  assertEquals(
    substitute("{$OUTER}", { environment: { OUTER: "{$INNER}", INNER: "secret" } }).value,
    "{$INNER}",
  );
});

Deno.test("substitute returns the very same value when there is nothing to replace", () => {
  const value = { a: [1, "text", null], b: { c: true } };
  assertStrictEquals(substitute(value, lookups).value, value);
});

Deno.test("substitute leaves the prototype of the value alone when a key is named __proto__", () => {
  const value = JSON.parse(`{"__proto__": {"polluted": "{$HOST}"}, "kept": "{$HOST}"}`);
  const result = substitute(value, lookups).value as Record<string, unknown>;
  assertEquals(result["polluted"], undefined);
  assertEquals(result["kept"], "kafka");
});

Deno.test("substitute never takes what every object has for a variable", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const { problems } = substitute(`{$${name}}`, lookups);
    assertEquals(problems.map(({ code }) => code), ["missing_variable"], name);
  }
});

Deno.test("substitute reports what is not a reference in values, and any reference in a key", () => {
  const { problems } = substitute(
    { a: "{$MY-TOKEN}", b: [{ "{$HOST}": "x" }], c: { "x{$": "{$HOST}" } },
    lookups,
  );
  assertEquals(problems.map(({ code, path }) => [code, path]), [
    ["invalid_reference", "a"],
    ["invalid_reference", "b.0"],
    ["invalid_reference", "c"],
  ]);
});

Deno.test("substitute reads no variable that holds a secret of the program, not even with a default", () => {
  const environment = {
    ADMIN_TOKEN: "the-admin-token",
    ETCD_PASSWORD: "pw",
    RELAY_QUEUE: "redis://:pw@r:1",
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=pw",
    OTEL_EXPORTER_OTLP_LOGS_HEADERS: "api-key=pw",
  };
  for (const name of Object.keys(environment)) {
    for (const reference of [`{$${name}}`, `{$env:${name}}`, `{$${name}:default}`]) {
      const { value, problems } = substitute({ a: `x${reference}` }, { environment });
      assertEquals(value, { a: `x${reference}` });
      assertEquals(problems.map(({ code }) => code), ["invalid_reference"], reference);
    }
  }
});

Deno.test("substitute warns of what looks like a shell's variable, without quoting it", () => {
  const suspects = ["$TOKEN", "${TOKEN}", "Bearer $TOKEN", "Bearer ${TOKEN:-x}", "{$MISSING:$TOKEN}"];
  for (const text of suspects) {
    const { warnings, problems } = substitute({ a: [text] }, lookups);
    assertEquals(warnings.map(({ code, path }) => [code, path]), [["shell_variable", "a.0"]], text);
    assertEquals(warnings[0]?.message.includes("TOKEN"), false);
    assertEquals(problems, []);
  }
  for (const text of ["$", "a$b", "costs $5", "^[a-z]+$", "two words $TOKEN", "{$HOST}"]) {
    assertEquals(substitute(text, lookups).warnings, [], text);
  }
});

Deno.test("substitute warns of a source in capitals, which is an unset variable with a default", () => {
  for (
    const text of ["{$FILE:token}", "Bearer {$File:/run/secrets/token}", "{$ENV:TOKEN}", "{$VAULT:token}"]
  ) {
    const { warnings, problems } = substitute({ a: { b: text } }, lookups);
    assertEquals(warnings.map(({ code, path }) => [code, path]), [["reference_case", "a.b"]], text);
    assertEquals(warnings[0]?.message.includes("token"), false);
    assertEquals(problems, []);
  }
  const environment = { ENV: "production" };
  assertEquals(substitute("{$ENV:development}", { environment }).warnings, []);
});

Deno.test("substitute puts no secret where names stand, which are shown, and says so without it", () => {
  const secrets = { find: () => ({ state: "found", text: "some-secret", trouble: undefined }) as const };
  const environment = { MODULE: "log" };
  const value = {
    type: "{$file:token}",
    module: "{$vault:a#b}",
    connection: "{$env:MODULE}-{$file:token:default}",
    chain: ["{$file:token}", { module: "{$MODULE}", connection: "{$file:token}" }],
    "module-config": { type: "{$file:token}" },
  };
  const { problems, value: replaced } = substitute(value, { environment, secrets });
  assertEquals(problems.map(({ code, path }) => [code, path]), [
    ["invalid_reference", "type"],
    ["invalid_reference", "module"],
    ["invalid_reference", "connection"],
    ["invalid_reference", "chain.0"],
    ["invalid_reference", "chain.1.connection"],
  ]);
  assertEquals(replaced, {
    ...value,
    chain: ["{$file:token}", { module: "log", connection: "{$file:token}" }],
    "module-config": { type: "some-secret" },
  });
});
