import { assertEquals } from "@std/assert";
import type { StoredValue } from "../../../src/migrate/configuration.ts";
import { validate } from "../../../src/migrate/validation.ts";
import { outputModules } from "../../../src/modules/registry.ts";

function webhook(json: unknown): StoredValue {
  const key = { kind: "webhook", namespace: "default", id: "w" } as const;
  return { key, value: { json }, text: JSON.stringify(json) };
}

function check(value: StoredValue, environment: Readonly<Record<string, string>> = {}) {
  const { problems, warnings } = validate([value], { environment, modules: outputModules });
  return { problems: problems.map(({ path }) => path), warnings: warnings.map(({ path }) => path) };
}

Deno.test("a value that the gateway would not take is a problem with its path", () => {
  assertEquals(check(webhook({ module: "log" })), { problems: [], warnings: [] });
  assertEquals(check(webhook({ module: "lgo" })), { problems: ["module"], warnings: [] });
  assertEquals(check(webhook({ module: "log", hmca: {} })), { problems: ["hmca"], warnings: [] });
});

Deno.test("a variable that is missing here is a warning, since it may be set where the gateway runs", () => {
  const json = { module: "log", authorization: "Bearer {$TOKEN}" };
  assertEquals(check(webhook(json)), { problems: [], warnings: ["authorization"] });
  assertEquals(check(webhook(json), { TOKEN: "t" }), { problems: [], warnings: [] });
});

Deno.test("a missing variable does not hide what else is wrong with its value", () => {
  const json = {
    module: "log",
    authorization: "Bearer {$TOKEN}",
    hmca: {},
    "module-config": { pretty: "{$FLAG}" },
  };
  assertEquals(check(webhook(json)), {
    problems: ["hmca"],
    warnings: ["authorization", "module-config.pretty"],
  });
});

Deno.test("a missing variable is not blamed for what it would have said", () => {
  const json = { module: "{$MODULE}", max_body_bytes: "{$LIMIT}", methods: ["{$METHOD}"] };
  assertEquals(check(webhook(json)), { problems: [], warnings: ["module", "max_body_bytes", "methods.0"] });
});

Deno.test("a value that does not parse is a problem as a whole", () => {
  const problem = { code: "invalid_json", path: "", message: "The value is not valid JSON" } as const;
  assertEquals(check({ ...webhook({}), value: { problem } }), { problems: [""], warnings: [] });
});

Deno.test("secrets are not read to carry a value over, but a reference has to parse", () => {
  const json = {
    module: "log",
    authorization: "Bearer {$vault:webhooks/auth#token}",
    hmac: { secret: "{$file:secret}" },
    max_body_bytes: "{$file:limit}",
  };
  assertEquals(check(webhook(json)), { problems: [], warnings: [] });
  assertEquals(check(webhook({ ...json, hmca: {} })), { problems: ["hmca"], warnings: [] });
  assertEquals(check(webhook({ ...json, hmac: { secret: "{$file:}" } })), {
    problems: ["hmac.secret"],
    warnings: [],
  });
});
