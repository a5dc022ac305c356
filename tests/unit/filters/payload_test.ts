/** What outputs get of an event in the place of what was sent. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { DeliveryError } from "../../../src/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { ProbeModule } from "../../support/probe_module.ts";

const ADMIN_TOKEN = "a-token-for-this-test";

async function start(probe: ProbeModule, webhooks: Readonly<Record<string, unknown>>): Promise<TestGateway> {
  return await TestGateway.start({ webhooks, modules: [probe.module], environment: { ADMIN_TOKEN } });
}

async function admin(gateway: TestGateway, path: string, method = "GET") {
  const { text } = await gateway.request(path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return JSON.parse(text);
}

const SENT =
  '{"id":1234567890123456789, "price":1.50, "card":{"number":"4111"},"who":{"email":"a@b","name":"n"}}';

const PAYLOADS: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  [
    "drop",
    { drop: ["/who/email"] },
    '{"id":1234567890123456789, "price":1.50, "card":{"number":"4111"},"who":{"name":"n"}}',
  ],
  ["keep", { keep: ["/id", "/who/name"] }, '{"id":1234567890123456789,"who":{"name":"n"}}'],
  [
    "mask",
    { mask: ["/card/number"] },
    '{"id":1234567890123456789, "price":1.50, "card":{"number":"***REDACTED***"},"who":{"email":"a@b","name":"n"}}',
  ],
  [
    "build",
    {
      drop: ["/who/email"],
      build: {
        id: "body.id",
        next: "body.id + 1",
        price: "body.price",
        who: { value: "body.who" },
        list: ["has(body.who.email)", 7, null, true, "[1, 2].map(n, n * 2)"],
        hook: "event.webhook + '/' + headers['content-type']",
      },
    },
    '{"id":1234567890123456789,"next":1234567890123456790,"price":1.5,"who":"body.who","list":[false,7,null,true,[2,4]],"hook":"HOOK/application/json"}',
  ],
  ["list", { build: ["body.who"] }, '[{"email":"a@b","name":"n"}]'],
];

for (const accept of ["delivered", "durable"]) {
  Deno.test(`outputs get what the payload makes of an event, ${accept}`, async () => {
    const probe = new ProbeModule();
    const webhooks = Object.fromEntries(
      PAYLOADS.map(([name, payload]) => [name, { module: "probe", accept, payload }]),
    );
    await using gateway = await start(probe, webhooks);
    for (const [name, , expected] of PAYLOADS) {
      const answer = await gateway.post(`/webhook/${name}`, SENT, { "Content-Type": "application/json" });
      assertMatch(answer.text, /accepted/);
      const got = await eventually(() => {
        const found = probe.events.find(({ webhook }) => webhook === name);
        assert(found !== undefined);
        return found.text;
      });
      assertEquals(got, expected.replace("HOOK", name));
    }
  });
}

Deno.test("the webhook's payload comes before the one of a step, and each step has its own", async () => {
  const probe = new ProbeModule();
  const chain = [
    { module: "probe", "module-config": { label: "a" }, payload: { drop: ["/b"] } },
    { module: "probe", "module-config": { label: "b" } },
    {
      module: "probe",
      "module-config": { label: "c" },
      payload: { build: { seen: "string(has(body.secret))" } },
    },
  ];
  await using gateway = await start(probe, {
    hook: { accept: "durable", chain, payload: { drop: ["/secret"] } },
  });
  await gateway.post("/webhook/hook", '{"a":1,"b":2,"secret":3}');
  await eventually(() => assertEquals(probe.events.length, 3));
  assertEquals(probe.events.map(({ label, text }) => `${label} ${text}`).toSorted(), [
    'a {"a":1}',
    'b {"a":1,"b":2}',
    'c {"seen":"false"}',
  ]);
});

Deno.test("a CloudEvent holds the document as it was sent, and says so in its Content-Type", async () => {
  await using target = await HttpTarget.start();
  const probe = new ProbeModule();
  const url = { url: target.url, allowed_hosts: ["127.0.0.1"] };
  const payload = {
    wrap: "cloudevents",
    type: "'shop.' + body.kind",
    subject: "body.order",
    source: "'/shop'",
  };
  await using gateway = await start(probe, {
    named: { module: "http_webhook", accept: "delivered", "module-config": url, payload },
    plain: {
      module: "http_webhook",
      accept: "delivered",
      "module-config": url,
      payload: { wrap: "cloudevents" },
    },
    bytes: {
      module: "http_webhook",
      accept: "delivered",
      data_type: "blob",
      "module-config": url,
      payload: { wrap: "cloudevents", subject: "null" },
    },
  });
  const sent = '{"kind":"paid", "order":"o-1", "n":1234567890123456789}';
  const id = async (path: string, body: string, type: string) => {
    const answer = await gateway.post(path, body, {
      "Content-Type": type,
      "Content-Digest": "sha-256=:AAAA:",
    });
    assertEquals(answer.status, 200, answer.text);
    return (JSON.parse(answer.text) as { event_id: string }).event_id;
  };
  const ids = [
    await id("/webhook/named", sent, "application/vnd.shop+json"),
    await id("/webhook/plain", sent, "text/plain"),
    await id("/webhook/bytes", "\u0000 raw", "application/octet-stream"),
  ];
  const [named, plain, bytes] = await target.waitForRequests(3);
  assertEquals(named!.headers.get("content-type"), "application/cloudevents+json");
  assertEquals(named!.headers.get("content-digest"), null);
  const texts = [named, plain, bytes].map((request) => new TextDecoder().decode(request!.body));
  assert(texts[0]!.endsWith(`,"data":${sent}}`), texts[0]);
  const [first, second, third] = texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  const { time, data: _data, ...rest } = first!;
  assertMatch(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals(rest, {
    specversion: "1.0",
    id: ids[0]!,
    source: "/shop",
    type: "shop.paid",
    subject: "o-1",
    datacontenttype: "application/vnd.shop+json",
  });
  assertEquals([second!["type"], second!["source"], second!["datacontenttype"], "subject" in second!], [
    "cwm.webhook",
    "/webhook/default/plain",
    "application/json",
    false,
  ]);
  assertEquals([third!["data_base64"], third!["datacontenttype"], "subject" in third!], [
    btoa("\u0000 raw"),
    "application/octet-stream",
    false,
  ]);
});

const IMPOSSIBLE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  missing: { build: { a: "body.nothing" } },
  type: { wrap: "cloudevents", type: "''" },
  number: { wrap: "cloudevents", subject: "body.n" },
  infinite: { build: ["1.0 / 0.0"] },
};

Deno.test("what cannot be built is never sent unbuilt, and is replayed once it can be", async () => {
  const probe = new ProbeModule();
  const hooks = (accept: string, payload?: unknown) =>
    Object.fromEntries(
      Object.entries(IMPOSSIBLE).map(([name, own]) => [
        `${name}_${accept}`,
        { module: "probe", accept, payload: payload ?? own },
      ]),
    );
  await using gateway = await start(probe, { ...hooks("delivered"), ...hooks("durable") });
  for (const name of Object.keys(IMPOSSIBLE)) {
    const answer = await gateway.post(`/webhook/${name}_delivered`, '{"n":1}');
    assertEquals([answer.status, errorCode(answer)], [500, "filter_failed"], name);
    assertEquals((await gateway.post(`/webhook/${name}_durable`, '{"n":1}')).status, 200);
  }
  await eventually(async () => {
    const { dead_letters: letters } = await admin(gateway, "/admin/dead-letters") as {
      dead_letters: { reason: string }[];
    };
    assertEquals(letters.map(({ reason }) => reason), Object.keys(IMPOSSIBLE).map(() => "filter_failed"));
  });
  assertEquals(probe.events, []);
  await gateway.writeWebhooks(hooks("durable", { build: { n: "body.n" } }));
  await gateway.reload();
  await admin(gateway, "/admin/dead-letters/replay?all=true", "POST");
  await eventually(() => assertEquals(probe.events.map(({ text }) => text), Array(4).fill('{"n":1}')));
});

Deno.test("the journal keeps what was sent, or what is left of it with at accept", async () => {
  const probe = new ProbeModule();
  probe.behaviour = () => new DeliveryError("output_rejected", "Not this one");
  const hook = (at: string) => ({
    module: "probe",
    accept: "durable",
    idempotency: { json_pointer: "/email" },
    payload: { drop: ["/email"], at },
  });
  await using gateway = await start(probe, { later: hook("delivery"), at_once: hook("accept") });
  for (const id of ["later", "at_once"]) {
    await gateway.post(`/webhook/${id}`, '{"n":1,"email":"a@b.example"}');
    assertMatch((await gateway.post(`/webhook/${id}`, '{"n":2,"email":"a@b.example"}')).text, /accepted/);
  }
  const letters = await eventually(async () => {
    const { dead_letters: found } = await admin(gateway, "/admin/dead-letters");
    assertEquals(found.length, 2);
    return found as { id: number; webhook: string }[];
  });
  for (const { id, webhook } of letters) {
    const { body } = await admin(gateway, `/admin/dead-letters/show?id=${id}`);
    assertEquals(body, webhook === "later" ? '{"n":1,"email":"a@b.example"}' : '{"n":1}');
  }
  assertEquals(probe.events.map(({ text }) => text), ['{"n":1}', '{"n":1}']);
});

Deno.test("large bodies are cut and wrapped in turns, and arrive whole, alone and in batches", async () => {
  const probe = new ProbeModule({ maxBatch: 10, maxBatchBytes: 1_000_000 });
  await using gateway = await start(probe, {
    durable: {
      module: "probe",
      accept: "durable",
      payload: { drop: ["/rows/*/secret"], wrap: "cloudevents" },
    },
    delivered: {
      module: "probe",
      accept: "delivered",
      payload: { mask: ["/rows/*/secret"], build: { n: "size(body.rows)" } },
    },
  });
  const rows = Array.from({ length: 20_000 }, (_, n) => ({ n, secret: `s-${n}` }));
  const body = JSON.stringify({ rows });
  for (let time = 0; time < 3; time++) {
    assertEquals((await gateway.post("/webhook/durable", body)).status, 200);
  }
  assertEquals((await gateway.post("/webhook/durable", '{"rows":[]}')).status, 200);
  await eventually(() => assertEquals(probe.events.length, 4));
  const sizes = probe.events.map(({ text }) => JSON.parse(text).data.rows.length).toSorted((a, b) => a - b);
  assertEquals(sizes, [0, 20_000, 20_000, 20_000]);
  assert(probe.events.every(({ text }) => !text.includes("secret")));
  assertEquals((await gateway.post("/webhook/delivered", body)).status, 200);
  assertEquals(probe.events.at(-1)!.text, '{"n":20000}');
});

Deno.test("what is built is no longer than a body may be", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, {
    hook: { module: "probe", max_body_bytes: 1000, payload: { build: ["body.a", "body.a", "body.a"] } },
    mask: { module: "probe", max_body_bytes: 1000, payload: { mask: ["/*"] } },
  });
  assertEquals(errorCode(await gateway.post("/webhook/hook", `{"a":"${"x".repeat(500)}"}`)), "filter_failed");
  assertEquals(errorCode(await gateway.post("/webhook/mask", `[${"1,".repeat(400)}1]`)), "filter_failed");
  assertEquals((await gateway.post("/webhook/hook", '{"a":"x"}')).status, 200);
});

Deno.test("what is wrong with a payload is a problem of the entry, with its place", async () => {
  const probe = new ProbeModule();
  const wrong: Readonly<Record<string, readonly [payload: unknown, path: string]>> = {
    empty: [{}, "payload"],
    both: [{ keep: ["/a"], drop: ["/b"] }, "payload.drop"],
    pointer: [{ drop: ["email"] }, "payload.drop.0"],
    whole: [{ mask: [""] }, "payload.mask.0"],
    expression: [{ build: { a: { b: "bodi.x" } } }, "payload.build.a.b:1:1"],
    type: [{ wrap: "cloudevents", type: "" }, "payload.type:1:1"],
    without: [{ drop: ["/a"], subject: "'x'" }, "payload.subject"],
    unknown: [{ wrap: "soap" }, "payload.wrap"],
    reference: [{ build: { a: "'{$HOME}'" } }, "payload.build.a"],
  };
  const webhooks = Object.fromEntries(
    Object.entries(wrong).map(([name, [payload]]) => [name, { module: "probe", payload }]),
  );
  await using gateway = await start(probe, {
    ...webhooks,
    blob: { module: "probe", data_type: "blob", payload: { drop: ["/a"] } },
    constant: { module: "probe", payload: { build: { a: { value: "{$NAME:fixed}" } } } },
  });
  const { problems } = await admin(gateway, "/admin/config") as { problems: { key: string; path: string }[] };
  for (const [name, [, path]] of [...Object.entries(wrong), ["blob", [, "payload.drop"]] as const]) {
    assertEquals(problems.find(({ key }) => key === `webhook default/${name}`)?.path, path, name);
  }
  assertEquals((await gateway.post("/webhook/constant", "{}")).status, 200);
  assertEquals(probe.events.map(({ text }) => text), ['{"a":"fixed"}']);
});
