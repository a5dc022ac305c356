import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import {
  type ConfigKey,
  describeKey,
  formatConfigKey,
  isConnectionName,
  isNamespace,
  isWebhookId,
  parseConfigKey,
  webhookPath,
} from "../../../src/event/names.ts";

Deno.test("a namespace has 1 to 64 letters, digits, underscores and hyphens", () => {
  for (const good of ["a", "Z", "0", "_", "-", "-a_", "team-a", "x".repeat(64)]) {
    assertEquals(isNamespace(good), true, good);
  }
  for (const bad of ["", "a.b", "a/b", "a b", "ä", "a\n", "\u0000", "x".repeat(65)]) {
    assertEquals(isNamespace(bad), false, JSON.stringify(bad));
  }
});

Deno.test("a webhook id begins with a letter or digit and may hold dots, each before something else", () => {
  for (const good of ["a", "0", "orders_v2", "a-", "orders.v1", "a.b.c", "a.-", "x-y", "x".repeat(64)]) {
    assertEquals(isWebhookId(good), true, good);
  }
  for (
    const bad of [
      ...["", "_a", "-a", "__proto__", "$schema", "//", "a/b", "a\n", "a b", "x".repeat(65)],
      ...[".", "..", ".a", "a.", "a..b", "a./b", "x.".repeat(32), `${"x.".repeat(32)}x`],
    ]
  ) {
    assertEquals(isWebhookId(bad), false, JSON.stringify(bad));
  }
});

Deno.test("a connection name may also hold dots and up to 128 characters", () => {
  for (const good of ["a", "kafka.main", "kafka_main-1", "x".repeat(128)]) {
    assertEquals(isConnectionName(good), true, good);
  }
  for (const bad of ["", ".a", "_a", "a/b", "a b", "a\n", "x".repeat(129)]) {
    assertEquals(isConnectionName(bad), false, JSON.stringify(bad));
  }
});

Deno.test("a configuration key is read from its place in etcd", () => {
  assertEquals(parseConfigKey("team-a/webhooks/orders"), {
    kind: "webhook",
    namespace: "team-a",
    id: "orders",
  });
  assertEquals(parseConfigKey("global/connections/kafka.main"), { kind: "connection", name: "kafka.main" });
  assertEquals(parseConfigKey("global/webhooks/orders"), {
    kind: "webhook",
    namespace: "global",
    id: "orders",
  });
});

Deno.test("a foreign key is answered with the reason why it is none of ours", () => {
  const reasons = {
    "": "Expected '{namespace}/webhooks/{id}'",
    "orders": "Expected '{namespace}/webhooks/{id}'",
    "a/webhooks": "Expected '{namespace}/webhooks/{id}'",
    "a/webhooks/b/c": "Expected '{namespace}/webhooks/{id}'",
    "/a/webhooks/b": "Expected '{namespace}/webhooks/{id}'",
    "a b/webhooks/c": "Namespace must match",
    "/webhooks/c": "Namespace must match",
    "a/webhooks/": "A webhook id has 1 to 64",
    "a/webhooks/_c": "A webhook id has 1 to 64",
    "a/webhooks/..": "A webhook id has 1 to 64",
    "a/webhooks/b.": "A webhook id has 1 to 64",
    [`a/webhooks/${"b".repeat(65)}`]: "A webhook id has 1 to 64",
    "a/connections/c": "Connections are global",
    "global/connections/": "A connection name has 1 to 128",
    "a/hooks/c": "Unknown kind 'hooks'",
  };
  for (const [text, reason] of Object.entries(reasons)) {
    const parsed = parseConfigKey(text);
    assertEquals(typeof parsed, "string", text);
    assertStringIncludes(String(parsed), reason);
  }
});

Deno.test("every valid key is read back from the text that it is written as", () => {
  const key: fc.Arbitrary<ConfigKey> = fc.oneof(
    fc.record({
      kind: fc.constant("webhook" as const),
      namespace: fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/),
      id: fc.stringMatching(/^[a-zA-Z0-9](\.?[a-zA-Z0-9_-]){0,31}$/),
    }, { noNullPrototype: true }),
    fc.record({
      kind: fc.constant("connection" as const),
      name: fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/),
    }, { noNullPrototype: true }),
  );
  fc.assert(fc.property(key, (each) => assertEquals(parseConfigKey(formatConfigKey(each)), each)));
});

Deno.test("any text is either a key that is written the same way, or refused with a reason", () => {
  const part = fc.oneof(
    fc.constantFrom("webhooks", "connections", "global", "a", "", "_"),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
    const text = parts.join("/");
    const parsed = parseConfigKey(text);
    if (typeof parsed !== "string") assertEquals(formatConfigKey(parsed), text);
  }));
});

Deno.test("keys are described as operators know them", () => {
  assertEquals(describeKey({ kind: "webhook", namespace: "team-a", id: "orders" }), "webhook team-a/orders");
  assertEquals(describeKey({ kind: "connection", name: "kafka_main" }), "connection kafka_main");
  assertEquals(webhookPath("team-a", "orders"), "team-a/orders");
});
