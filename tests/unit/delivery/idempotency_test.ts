import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { compileWebhook } from "../../../src/config/compile/compiler.ts";
import { DeliveryError } from "../../../src/errors.ts";
import type { BodyForm } from "../../../src/event/event.ts";
import type { DeliveryResult } from "../../../src/modules/module.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { eventually } from "../../support/eventually.ts";
import { TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { RawHttpConnection } from "../../support/http/raw_http.ts";
import { TempDir } from "../../support/temp_dir.ts";

const BY_HEADER = { header: "X-Delivery-Id" };

/** For each body the first one that the gateway takes it for a repeat of, which is itself when it is new. */
async function repeatsAmong(
  idempotency: unknown,
  requests: readonly (string | { readonly body?: string; readonly headers: HeadersInit })[],
  webhook: Readonly<Record<string, unknown>> = {},
  reads: BodyForm = "bytes",
): Promise<number[]> {
  await using gateway = await start(new ProbeModule({ reads }), { idempotency, ...webhook });
  const answers: string[] = [];
  for (const request of requests) {
    const { body = "{}", headers = {} } = typeof request === "string" ? { body: request } : request;
    const answer = await gateway.post("/webhook/orders", body, headers);
    assertEquals(answer.status, 200, body);
    answers.push(answer.text);
  }
  return answers.map((text) => answers.indexOf(text));
}

async function start(
  probe: ProbeModule,
  webhook: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: { orders: { module: "probe", ...webhook }, others: { module: "probe", ...webhook } },
    modules: [probe.module],
    environment,
  });
}

for (const accept of ["delivered", "durable"]) {
  Deno.test(`a repeated event gets the first one's answer and is delivered once, accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    await using gateway = await start(probe, { accept, idempotency: BY_HEADER });
    const first = await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" });
    const second = await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" });
    assertEquals([second.status, second.text], [200, first.text]);
    const other = await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "b" });
    assertNotEquals(other.text, first.text);
    await eventually(() => assertEquals(probe.events.length, 2));
  });

  Deno.test(`an event is known again after a restart when accepted as ${accept}`, async () => {
    await using data = await TempDir.create();
    const environment = { DATA_DIR: data.path };
    const webhook = { accept, idempotency: BY_HEADER };
    const probe = new ProbeModule();
    let first: string;
    {
      await using gateway = await start(probe, webhook, environment);
      first = (await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" })).text;
      await eventually(() => assertEquals(probe.events.length, 1));
    }
    const later = new ProbeModule();
    await using gateway = await start(later, webhook, environment);
    const again = await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" });
    assertEquals([again.status, again.text], [200, first]);
    assertEquals(later.events, []);
  });

  Deno.test(`webhooks do not share what they know of events when accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    await using gateway = await start(probe, { accept, idempotency: BY_HEADER });
    await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" });
    await gateway.post("/webhook/others", "{}", { "X-Delivery-Id": "a" });
    await eventually(() => assertEquals(probe.events.length, 2));
  });
}

Deno.test("an event without the key that tells it apart is always a new one", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { idempotency: BY_HEADER });
  await gateway.post("/webhook/orders", "{}");
  await gateway.post("/webhook/orders", "{}");
  assertEquals(probe.events.length, 2);
});

Deno.test("events can be told apart by a value in their body", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { idempotency: { json_pointer: "/event/id" } });
  await gateway.post("/webhook/orders", '{"event":{"id":"evt_1"}}');
  await gateway.post("/webhook/orders", '{"event":{"id":"evt_1"},"again":true}');
  await gateway.post("/webhook/orders", '{"event":{"id":"evt_2"}}');
  await gateway.post("/webhook/orders", '{"event":{}}');
  assertEquals(probe.events.map(({ text }) => text), [
    '{"event":{"id":"evt_1"}}',
    '{"event":{"id":"evt_2"}}',
    '{"event":{}}',
  ]);
});

const BIG_NUMBERS = [
  '{"id":1050118621198921728,"n":"first"}',
  '{"id":1050118621198921729,"n":"second"}',
  '{"id":1050118621198921700,"n":"third"}',
  '{"id":1050118621198921729,"n":"the second again"}',
];

for (const accept of ["delivered", "durable"]) {
  for (const reads of ["text", "bytes"] as const) {
    Deno.test(`numbers beyond 2^53 are ids of their own, accepted as ${accept}, read as ${reads}`, async () => {
      assertEquals(await repeatsAmong({ json_pointer: "/id" }, BIG_NUMBERS, { accept }, reads), [0, 1, 2, 1]);
    });
  }
}

Deno.test("a number is an id by its text, and the text of the same digits is the same id", async () => {
  const numbers = ["1", "1.0", "1e0", "1E0", "-0", "0", "1e400", "1e401", '"1"', "1", '"1.0"'];
  const bodies = numbers.map((number) => `{"id": ${number} }`);
  assertEquals(await repeatsAmong({ json_pointer: "/id" }, bodies), [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 1]);
});

Deno.test("ids in bodies that are sent compressed or in chunks keep all their digits, too", async () => {
  await using gateway = await start(new ProbeModule({ reads: "text" }), {
    idempotency: { json_pointer: "/id" },
  });
  const answers: string[] = [];
  for (const body of BIG_NUMBERS) {
    const compressed = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
    const answer = await gateway.request("/webhook/orders", {
      method: "POST",
      body: compressed,
      headers: { "content-encoding": "gzip" },
    });
    answers.push(answer.text);
  }
  assertEquals(answers.map((text) => answers.indexOf(text)), [0, 1, 2, 1]);
});

Deno.test("an empty text is no id, nor is a blank one, null, a boolean, an object or an array", async () => {
  for (const id of ['""', '" \\t\\n"', '"\u3000"', "null", "true", "false", "{}", "[]"]) {
    const body = `{"id":${id}}`;
    assertEquals(await repeatsAmong({ json_pointer: "/id" }, [body, body]), [0, 1], id);
  }
});

Deno.test("texts are ids as they are: with space around them, or with half a character", async () => {
  const ids = ['"a"', '" a"', '"a "', '"A"', '"\\ud800"', '"\\ud801"', '"\\ufffd"', '"\\ud801"', '" a"'];
  const bodies = ids.map((id) => `{"id":${id}}`);
  assertEquals(await repeatsAmong({ json_pointer: "/id" }, bodies), [0, 1, 2, 3, 4, 5, 6, 5, 1]);
});

Deno.test("the length of an array is no id, and neither is a body that is not JSON", async () => {
  assertEquals(await repeatsAmong({ json_pointer: "/length" }, ["[1,2]", "[3,4]"]), [0, 1]);
  assertEquals(await repeatsAmong({ json_pointer: "/0" }, ["[1,2]", "[3,4]", "[1,5]"]), [0, 1, 0]);
  assertEquals(await repeatsAmong({ json_pointer: "/id" }, ["{", "{"], { data_type: "blob" }), [0, 1]);
});

Deno.test("a body that is not UTF-8 is not JSON and has no id, so it is never taken for another", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { data_type: "blob", idempotency: { json_pointer: "/id" } });
  const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (const id of ["\u00e8", "\u00e9", "\u00e9"]) {
    assertEquals((await gateway.post("/webhook/orders", latin1(`{"id":"${id}"}`))).status, 200);
  }
  assertEquals(probe.events.length, 3);
});

Deno.test("the empty pointer takes a body that is a text or a number for the id", async () => {
  assertEquals(await repeatsAmong({ json_pointer: "" }, ["1", '"a"', " 1 ", "{}", "{}"]), [0, 1, 0, 3, 4]);
});

Deno.test("of members with the same name the last one is the id, as it is for whoever parses the body", async () => {
  const bodies = ['{"id":1,"id":2}', '{"id":2}', '{"id":1}', '{"id":3,"\\u0069d":2}'];
  assertEquals(await repeatsAmong({ json_pointer: "/id" }, bodies), [0, 0, 2, 0]);
});

Deno.test("a header that is empty or blank is no id, however often it is sent", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { idempotency: BY_HEADER });
  for (const values of [[""], [""], [" \t "], ["", ""], ["", ""], [" , "], ["a"], ["a"]]) {
    await using connection = await RawHttpConnection.open(gateway.port);
    const lines = values.map((value) => `X-Delivery-Id:${value}\r\n`).join("");
    await connection.write(`POST /webhook/orders HTTP/1.1\r\nHost: x\r\n${lines}Content-Length: 2\r\n\r\n{}`);
    assertEquals((await connection.readResponse()).status, 200);
  }
  assertEquals(probe.events.length, 7);
});

const SHOP_AND_ID = { of: [{ header: "X-Shop" }, { json_pointer: "/id" }] };

Deno.test("an id can be made of several parts, which have to be the same all together", async () => {
  const from = (shop: string, id: string) => ({ headers: { "X-Shop": shop }, body: `{"id":${id}}` });
  const requests = [from("a", "1"), from("b", "1"), from("a", "2"), from("a", "1"), from("b", "1")];
  assertEquals(await repeatsAmong(SHOP_AND_ID, requests), [0, 1, 2, 0, 1]);
});

Deno.test("an event without one of the parts of its id is always a new one", async () => {
  const requests = [
    { headers: { "X-Shop": "a" }, body: '{"id":""}' },
    { headers: { "X-Shop": "a" }, body: '{"id":""}' },
    { headers: { "X-Shop": "a" }, body: "{}" },
    { headers: { "X-Shop": "" }, body: '{"id":1}' },
    { headers: {}, body: '{"id":1}' },
    { headers: {}, body: '{"id":1}' },
  ];
  assertEquals(await repeatsAmong(SHOP_AND_ID, requests), [0, 1, 2, 3, 4, 5]);
});

Deno.test("no two different lists of parts are one id, whatever the parts hold", async () => {
  const pairs = [["1,2", "3"], ["1", "2,3"], ['a","b', "c"], ["a", 'b","c'], ['"', ""], ["\\", '"'], [
    '\\"',
    "x",
  ], [
    "a\u0000",
    "b",
  ], ["a", "\u0000b"]];
  const bodies = pairs.map(([one, other]) => JSON.stringify({ one, other: `.${other}` }));
  const numbers = [
    '{"one":1,"other":2}',
    '{"one":"1","other":2}',
    '{"one":1,"other":"2"}',
    '{"one":1.0,"other":2}',
  ];
  const all = [...bodies, ...numbers];
  const idempotency = { of: [{ json_pointer: "/one" }, { json_pointer: "/other" }] };
  assertEquals(await repeatsAmong(idempotency, all), all.map((_, index) => index));
});

Deno.test("what does not say once where the id stands is a problem of the webhook", () => {
  const refused = {
    "idempotency: Expected one of 'header', 'json_pointer' and 'of'": [
      {},
      { header: "X-Id", json_pointer: "/id" },
      { of: [{ header: "X-Id" }], json_pointer: "/id" },
      { of: [{ header: "X-Id" }], header: "X-Id" },
    ],
    "idempotency.of.0: Expected either 'header' or 'json_pointer'": [
      { of: [{}] },
      { of: [{ header: "X-Id", json_pointer: "/id" }] },
    ],
    "idempotency.of.0.heder: Key 'heder' is not known: nearest is 'header'": [{
      of: [{ header: "X-Id", heder: "X-Id" }],
    }],
    "idempotency.json_pointer: Not a JSON Pointer, such as /id": [{ json_pointer: "id" }],
  };
  for (const [problem, configs] of Object.entries(refused)) {
    for (const idempotency of configs) {
      const compiled = compileWebhook({ module: "log", idempotency }, {
        environment: {},
        modules: outputModules,
      });
      assert("problems" in compiled);
      assertEquals(compiled.problems.map(({ path, message }) => `${path}: ${message}`), [problem]);
    }
  }
});

Deno.test("a repeated event waits for the first one while that is being delivered", async () => {
  const probe = new ProbeModule();
  const { promise: opened, resolve: open } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => opened;
  await using gateway = await start(probe, { idempotency: BY_HEADER });
  const answers = [1, 2, 3].map(() => gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" }));
  await eventually(() => assertEquals(probe.events.length, 1));
  open("delivered");
  const [first, ...others] = await Promise.all(answers);
  for (const other of others) assertEquals([other.status, other.text], [200, first?.text]);
  assertEquals(probe.events.length, 1);
});

Deno.test("an event whose delivery failed is not remembered: the sender's repeat is delivered", async () => {
  const probe = new ProbeModule();
  const results: DeliveryResult[] = [new DeliveryError("output_rejected")];
  probe.behaviour = () => results.shift() ?? "delivered";
  await using gateway = await start(probe, { idempotency: BY_HEADER });
  assertEquals((await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" })).status, 502);
  assertEquals((await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" })).status, 200);
  assertEquals(probe.events.length, 2);
});
