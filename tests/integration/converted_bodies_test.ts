/** What outputs get of bodies that became JSON documents: forms, and requests without a body. */

import { assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { HttpTarget } from "../support/http/target.ts";
import { KafkaServer } from "../support/kafka/server.ts";
import { RedisServer } from "../support/redis/server.ts";
import { RqWorker } from "../support/redis/rq_worker.ts";

const FORM = "application/x-www-form-urlencoded";

/** What stands in every webhook of these tests: the body is a form, a field of it, JSON or anything. */
const KINDS: Readonly<Record<string, Record<string, unknown>>> = {
  form: { data_type: "form", empty_body: "accept" },
  field: { data_type: "form", form_field: "payload", empty_body: "accept" },
  json: { empty_body: "accept" },
  blob: { data_type: "blob" },
};

function webhooksOf(output: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(KINDS).map(([kind, body]) => [kind, { ...body, ...output }]));
}

/** Sends a form, a field and nothing to each kind of webhook, one after the other. */
async function send(gateway: TestGateway): Promise<void> {
  const headers = {
    "content-type": FORM,
    "content-digest": "sha-256=:AAAA:",
    digest: "SHA-256=AAAA",
    "content-md5": "AAAA",
    "x-order": "1",
  };
  const bodies: readonly [kind: string, body: string][] = [
    ["form", "a=1&b=x+y&b="],
    ["field", `payload=${encodeURIComponent(`{"id":9007199254740993}`)}`],
    ["form", ""],
    ["field", ""],
    ["json", ""],
    ["blob", ""],
  ];
  for (const [kind, body] of bodies) {
    assertEquals((await gateway.post(`/webhook/${kind}`, body, headers)).status, 200, kind);
  }
}

/** What every output gets of {@linkcode send}, but the empty blob. */
const DOCUMENTS = [`{"a":"1","b":["x y",""]}`, `{"id":9007199254740993}`, "{}", "null", "null"];

Deno.test("another HTTP service gets the document as JSON without the form's digest, also later", async () => {
  for (const accept of ["delivered", "durable"]) {
    await using target = await HttpTarget.start();
    const settings = { url: target.url, allowed_hosts: ["127.0.0.1"], forward_headers: true };
    await using gateway = await TestGateway.start({
      webhooks: webhooksOf({ module: "http_webhook", accept, "module-config": settings }),
    });
    await send(gateway);
    const requests = await target.waitForRequests(6);
    // Events of different webhooks wait for nobody else's.
    const bodies = requests.map(({ text }) => text);
    assertEquals(bodies.toSorted(), [...DOCUMENTS, ""].toSorted());
    for (const { headers, text } of requests) {
      assertEquals(headers.get("content-length"), String(text.length));
      assertEquals(headers.get("x-order"), "1");
      // A body that is as it was sent keeps what is said of it.
      const isAsSent = text === "";
      assertEquals(headers.get("content-type"), isAsSent ? FORM : "application/json");
      for (const digest of ["content-digest", "digest", "content-md5"]) {
        assertEquals(headers.has(digest), isAsSent, digest);
      }
    }
  }
});

Deno.test("the log shows the document, and headers that are true of it", async () => {
  await using gateway = await TestGateway.start({ webhooks: webhooksOf({ module: "log" }) });
  await send(gateway);
  const lines = (await gateway.output()).trim().split("\n");
  assertEquals(lines.map((line) => /"payload":(.*)}$/.exec(line)?.[1]), [...DOCUMENTS, `""`]);
  for (const line of lines.slice(0, -1)) {
    const { headers } = JSON.parse(line) as { headers: Record<string, string> };
    assertEquals(headers["content-type"], "application/json");
    assertEquals(Object.keys(headers).filter((name) => /digest|md5|length/.test(name)), []);
  }
});

Deno.test("a function of rq gets the document as Python's values", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using worker = await RqWorker.start(redis);
  await using gateway = await TestGateway.start({
    webhooks: webhooksOf({
      module: "redis_rq",
      accept: "delivered",
      "module-config": { function: "shop.tasks.record" },
    }),
    connections: { redis_main: { type: "redis-rq", host: "127.0.0.1", port: redis.port } },
  });
  await send(gateway);
  const calls = await worker.waitForCalls(6);
  assertEquals(calls.map(({ type, payload }) => [type, payload]), [
    ["dict", `{"a": "1", "b": ["x y", ""]}`],
    ["dict", `{"id": 9007199254740993}`],
    ["dict", "{}"],
    ["NoneType", "null"],
    ["NoneType", "null"],
    ["bytes", ""],
  ]);
  assertEquals(calls[0]?.headers["content-type"], "application/json");
});

Deno.test("subscribers of Redis get the document as payload of the envelope", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const messages = await redis.subscribe("news");
  await using gateway = await TestGateway.start({
    webhooks: webhooksOf({
      module: "redis_publish",
      accept: "delivered",
      "module-config": { channel: "news" },
    }),
    connections: { redis_main: { type: "redis", host: "127.0.0.1", port: redis.port } },
  });
  await send(gateway);
  await eventually(() => assertEquals(messages.length, 6));
  const texts = messages.map((message) => new TextDecoder().decode(message));
  assertEquals(texts.map((text) => /"(?:payload|body_base64)":(.*)}$/.exec(text)?.[1]), [...DOCUMENTS, `""`]);
});

Deno.test("Kafka gets the document as the record's value, and a key out of it", async () => {
  await using kafka = await KafkaServer.start();
  await kafka.createTopic("orders", 1);
  await using gateway = await TestGateway.start({
    webhooks: webhooksOf({
      module: "kafka",
      accept: "delivered",
      "module-config": { topic: "orders", key: { json_pointer: "/id" } },
    }),
    connections: { kafka_main: { type: "kafka", bootstrap_servers: kafka.bootstrap } },
  });
  await send(gateway);
  const records = await kafka.consume("orders");
  const text = (bytes: Uint8Array | null) => bytes === null ? null : new TextDecoder().decode(bytes);
  assertEquals(records.map(({ value }) => text(value)), [...DOCUMENTS, ""]);
  assertEquals(records.map(({ key }) => text(key)), [null, "9007199254740993", null, null, null, null]);
  const types = records.map(({ headers }) => new Map(headers).get("content-type"));
  assertEquals(types, [...DOCUMENTS.map(() => "application/json"), FORM]);
});

Deno.test("without empty_body a request without a body is refused, but for a blob", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      json: { module: "log" },
      form: { module: "log", data_type: "form" },
      blob: { module: "log", data_type: "blob" },
      strict: { module: "log", data_type: "blob", empty_body: "refuse" },
      chunked: { module: "log", empty_body: "accept" },
    },
  });
  const answers = await Promise.all(["json", "form", "blob", "strict"].map(async (webhook) => {
    const { status, text } = await gateway.request(`/webhook/${webhook}`, { method: "POST" });
    return [
      webhook,
      status,
      status === 200 ? "" : (JSON.parse(text) as { error: { code: string } }).error.code,
    ];
  }));
  assertEquals(answers, [
    ["json", 400, "empty_body"],
    ["form", 400, "empty_body"],
    ["blob", 200, ""],
    ["strict", 400, "empty_body"],
  ]);
  const stream = new ReadableStream({ start: (controller) => controller.close() });
  assertEquals((await gateway.post("/webhook/chunked", stream)).status, 200);
  assertMatch(await gateway.output(), /"webhook":"chunked".*"payload":null}/);
});
