/** That documents are held against the schema of their webhook before they are events. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Answer, errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";

const ORDER = {
  type: "object",
  required: ["id", "items"],
  properties: {
    id: { type: "string", pattern: "^[A-Z]{3}-\\d+$" },
    items: {
      type: "array",
      items: { type: "object", properties: { price: { type: "number", minimum: 0 } } },
    },
  },
  additionalProperties: false,
};

async function start(
  webhooks: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  environment = {},
) {
  const probe = new ProbeModule();
  const entries = Object.entries(webhooks).map(([id, webhook]) => [id, { module: "probe", ...webhook }]);
  const gateway = await TestGateway.start({
    webhooks: Object.fromEntries(entries),
    modules: [probe.module],
    environment: { ADMIN_TOKEN: "admin-token-of-the-test", ...environment },
  });
  return { gateway, probe, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

function messageOf({ text }: Answer): string {
  return (JSON.parse(text) as { error: { message: string } }).error.message;
}

Deno.test("a document that does not match gets 422 with the place of the first error, and no value", async () => {
  await using world = await start({ orders: { json_schema: ORDER } });
  const { gateway, probe } = world;
  const valid = '{"id":"ABC-1","items":[{"price":1}]}';
  assertEquals((await gateway.post("/webhook/orders", valid)).status, 200);
  for (
    const [document, place] of [
      ['{"id":"ABC-1","items":[{"price":1},{"price":-5555}]}', "'/items/1/price' (minimum)"],
      ['{"id":"secret-value","items":[]}', "'/id' (pattern)"],
      ['{"id":"ABC-1"}', "'' (required)"],
      ['{"id":"ABC-1","items":[],"extra":"secret-value"}', "'/extra' (false)"],
      ["[]", "'' (type)"],
    ] as const
  ) {
    const answer = await gateway.post("/webhook/orders", document);
    assertEquals([answer.status, errorCode(answer)], [422, "schema_mismatch"]);
    assertStringIncludes(messageOf(answer), place);
    assert(!answer.text.includes("secret-value") && !answer.text.includes("5555"), answer.text);
  }
  assertEquals(probe.events.length, 1);
  assertEquals(probe.events[0]!.text, valid);
  const admin = await gateway.request("/admin/webhooks/default/orders", {
    headers: { authorization: "Bearer admin-token-of-the-test" },
  });
  assert(!admin.text.includes("secret-value") && !admin.text.includes("extra"), admin.text);
  const metrics = await gateway.request("/metrics");
  assertStringIncludes(metrics.text, 'outcome="schema_mismatch"} 5');
});

Deno.test("names of the sender in a place are cut off, and are text whatever they hold", async () => {
  await using world = await start({ orders: { json_schema: { additionalProperties: false } } });
  for (const name of ["x".repeat(5_000), "\\ud800", "\\u0000\\n</script>"]) {
    const answer = await world.gateway.post("/webhook/orders", `{"${name}":1}`);
    assertEquals(errorCode(answer), "schema_mismatch");
    assert(answer.text.length < 500);
    assertEquals(answer.headers.get("content-type"), "application/json");
  }
});

Deno.test("a schema is draft 2020-12 unless it says that it is draft-07, and keeps its own keys", async () => {
  const items = [{ type: "string" }];
  const $schema = "http://json-schema.org/draft-07/schema#";
  await using world = await start({
    old: { json_schema: { $schema, description: "Texts", "x-owner": "team", items, additionalItems: false } },
    recent: { json_schema: { description: "Texts", prefixItems: items, items: false } },
    mixed: { json_schema: { items } },
  });
  const { gateway } = world;
  for (const id of ["old", "recent"]) {
    assertEquals((await gateway.post(`/webhook/${id}`, '["a"]')).status, 200);
    assertEquals((await gateway.post(`/webhook/${id}`, '["a",1]')).status, 422);
  }
  assertEquals((await gateway.post("/webhook/mixed", '["a"]')).status, 503);
});

const REFUSED: Readonly<Record<string, unknown>>[] = [
  { json_schema: {} },
  { json_schema: null },
  { json_schema: "" },
  { json_schema: true },
  { json_schema: { type: "text" } },
  { json_schema: { $ref: "https://example.com/schema.json" } },
  { json_schema: { $schema: "http://json-schema.org/draft-04/schema#" } },
  { json_schema: { properties: { a: { pattern: "(?=a)" } } } },
  { json_schema: { enum: ["x".repeat(70_000)] } },
  { json_schema: ORDER, data_type: "blob" },
  { json_schema: ORDER, max_body_bytes: 2_000_000 },
];

for (const webhook of REFUSED) {
  Deno.test(`a schema that cannot be used blocks the webhook: ${JSON.stringify(webhook).slice(0, 45)}`, async () => {
    await using world = await start({ orders: webhook });
    const answer = await world.gateway.post("/webhook/orders", '{"id":"ABC-1","items":[]}');
    assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"]);
  });
}

Deno.test("the problem of a schema names the place, and a good schema stays in service", async () => {
  await using world = await start({ orders: { json_schema: ORDER } });
  const { gateway } = world;
  const broken = { ...ORDER, properties: { id: { type: "strng" } } };
  await gateway.writeWebhooks({ orders: { module: "probe", json_schema: broken } });
  await gateway.reload();
  const { text } = await gateway.request("/admin/config", {
    headers: { authorization: "Bearer admin-token-of-the-test" },
  });
  assertStringIncludes(text, '"path":"json_schema.properties.id.type"');
  assertEquals((await gateway.post("/webhook/orders", '{"id":5,"items":[]}')).status, 422);
  await gateway.writeWebhooks({ orders: { module: "probe", json_schema: { required: ["name"] } } });
  await gateway.reload();
  assertEquals((await gateway.post("/webhook/orders", '{"id":5,"items":[]}')).status, 422);
  assertEquals((await gateway.post("/webhook/orders", '{"name":5}')).status, 200);
});

Deno.test("what is held against the schema is the document that outputs get: of forms too", async () => {
  const json_schema = { properties: { id: { type: "string" } }, required: ["id"] };
  await using world = await start({
    fields: { data_type: "form", json_schema },
    payload: { data_type: "form", form_field: "payload", json_schema },
    empty: { empty_body: "accept", json_schema: { type: "null" } },
  });
  const { gateway } = world;
  const form = { "content-type": "application/x-www-form-urlencoded" };
  assertEquals((await gateway.post("/webhook/fields", "id=1", form)).status, 200);
  assertEquals((await gateway.post("/webhook/fields", "id=1&id=2", form)).status, 422);
  assertEquals(
    (await gateway.post("/webhook/payload", `payload=${encodeURIComponent('{"id":"1"}')}`, form)).status,
    200,
  );
  assertEquals(
    (await gateway.post("/webhook/payload", `payload=${encodeURIComponent('{"id":1}')}`, form)).status,
    422,
  );
  assertEquals((await gateway.post("/webhook/empty", "")).status, 200);
});

Deno.test("a document that is no JSON, or no event for another reason, is refused as ever", async () => {
  await using world = await start({ orders: { json_schema: ORDER, authorization: "Bearer right" } });
  const { gateway } = world;
  assertEquals((await gateway.post("/webhook/orders", "[]")).status, 401);
  const headers = { authorization: "Bearer right" };
  assertEquals(errorCode(await gateway.post("/webhook/orders", "{", headers)), "invalid_json");
  assertEquals(errorCode(await gateway.post("/webhook/orders", "", headers)), "empty_body");
});

Deno.test("documents that would hold up others get 413", async () => {
  const doubling = { type: "array", items: { $ref: "#/$defs/node" } };
  await using world = await start({
    numbers: { json_schema: { items: { type: "integer" } } },
    doubling: {
      json_schema: {
        $ref: "#/$defs/node",
        $defs: { node: { anyOf: [{ ...doubling, maxItems: 0 }, { ...doubling, minItems: 2 }] } },
      },
    },
  });
  const { gateway } = world;
  const numbers = (count: number) => JSON.stringify(Array.from({ length: count }, () => 1));
  assertEquals((await gateway.post("/webhook/numbers", numbers(40_000))).status, 200);
  assertEquals(errorCode(await gateway.post("/webhook/numbers", numbers(60_000))), "json_too_complex");
  assertEquals(
    errorCode(await gateway.post("/webhook/numbers", `"${"x".repeat(1_100_000)}"`)),
    "body_too_large",
  );
  const nested = "[".repeat(200) + "]".repeat(200);
  assertEquals(errorCode(await gateway.post("/webhook/doubling", nested)), "json_too_complex");
  assertEquals(
    errorCode(await gateway.post("/webhook/numbers", "[".repeat(600) + "]".repeat(600))),
    "json_too_complex",
  );
});

Deno.test("numbers and repeated names reach outputs as they were sent", async () => {
  await using world = await start({ orders: { json_schema: { properties: { id: { type: "integer" } } } } });
  const document = '{"id":1,"id":12345678901234567890123,"price":1.10}';
  assertEquals((await world.gateway.post("/webhook/orders", document)).status, 200);
  assertEquals(world.probe.events[0]!.text, document);
});
