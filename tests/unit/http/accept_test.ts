import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { DeliveryResult } from "../../../src/modules/module.ts";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { formatRequest, RawHttpConnection } from "../../support/http/raw_http.ts";

const SECRET = "a secret of the tests";

async function start(probe: ProbeModule, environment: Record<string, string> = {}): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: {
      json: { module: "probe" },
      blob: { module: "probe", data_type: "blob" },
      signed: { module: "probe", hmac: { secret: SECRET, header: "X-Signature" } },
      put: { module: "probe", methods: ["PUT", "PATCH"] },
      small: { module: "probe", data_type: "blob", max_body_bytes: 100 },
    },
    modules: [probe.module],
    environment,
  });
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("an accepted event is answered with 200, a message and the id that the output sees", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const answer = await gateway.post("/webhook/json", `{"a":1}`);
  assertEquals(answer.status, 200);
  const { message, event_id } = JSON.parse(answer.text) as { message: string; event_id: string };
  assertEquals(message, "Event accepted");
  assertEquals(event_id, answer.headers.get("x-request-id"));
  assertEquals(probe.events.map(({ id }) => id), [event_id]);
});

Deno.test("REQUEST_ID_HEADER=errors leaves the id of accepted events to the body", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { REQUEST_ID_HEADER: "errors" });
  const accepted = await gateway.post("/webhook/json", `{"a":1}`);
  assertEquals(accepted.headers.get("x-request-id"), null);
  assertEquals(JSON.parse(accepted.text), { message: "Event accepted", event_id: probe.events[0]?.id });
  const refused = await gateway.post("/webhook/json", "{");
  assertMatch(refused.headers.get("x-request-id") ?? "", /^[a-z0-9-]{1,40}$/);
});

Deno.test("the short path and the path with the default namespace are the same webhook", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { ETCD_NAMESPACE: "team-a" });
  assertEquals((await gateway.post("/webhook/json", "1")).status, 200);
  assertEquals((await gateway.post("/webhook/team-a/json", "2")).status, 200);
  assertEquals((await gateway.post("/webhook/default/json", "3")).status, 404);
  assertEquals(probe.events.map(({ namespace, webhook, text }) => [namespace, webhook, text]), [
    ["team-a", "json", "1"],
    ["team-a", "json", "2"],
  ]);
});

Deno.test("a query does not change which webhook a path names", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  assertEquals((await gateway.post("/webhook/json?x=/webhook/other", "{}")).status, 200);
});

Deno.test("JSON is recognised by the body and not by Content-Type, as curl sends it as a form", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  assertEquals((await gateway.post("/webhook/json", `{"a":1}`, headers)).status, 200);
});

Deno.test("a blob is handed on byte for byte, whatever the bytes are", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const body = Uint8Array.from({ length: 256 }, (_, index) => index);
  assertEquals((await gateway.post("/webhook/blob", body)).status, 200);
  assertEquals((await gateway.post("/webhook/blob", new Uint8Array())).status, 200);
  assertEquals(probe.events.map((event) => event.bytes), [body, new Uint8Array()]);
});

Deno.test("a webhook accepts the methods that it lists, and no others", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  assertEquals((await gateway.request("/webhook/put", { method: "PUT", body: "{}" })).status, 200);
  const refused = await gateway.post("/webhook/put", "{}");
  assertEquals([refused.status, refused.headers.get("allow")], [405, "PUT, PATCH"]);
});

const encodings: readonly [name: string, encoding: string, encode: (body: Uint8Array) => Uint8Array][] = [
  ["gzip", "gzip", gzipSync],
  ["upper-case GZIP", "GZIP", gzipSync],
  ["deflate in the zlib format", "deflate", deflateSync],
  ["deflate without the zlib header", "deflate", deflateRawSync],
  ["identity", "identity", (body) => body],
];
for (const [name, encoding, encode] of encodings) {
  Deno.test(`a body with Content-Encoding ${name} reaches the output decoded`, async () => {
    const probe = new ProbeModule();
    await using gateway = await start(probe);
    const body = encode(bytes(`{"packed":true}`)) as Uint8Array<ArrayBuffer>;
    assertEquals((await gateway.post("/webhook/json", body, { "content-encoding": encoding })).status, 200);
    assertEquals(probe.events.map(({ text }) => text), [`{"packed":true}`]);
  });
}

Deno.test("a signature is checked over the bytes as they were sent, before they are decoded", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const plain = bytes(`{"packed":true}`);
  const packed = gzipSync(plain) as Uint8Array<ArrayBuffer>;
  const sign = (data: Uint8Array) => createHmac("sha256", SECRET).update(data).digest("hex");
  const send = (signature: string) =>
    gateway.post("/webhook/signed", packed, { "content-encoding": "gzip", "x-signature": signature });
  assertEquals((await send(sign(plain))).status, 401);
  assertEquals((await send(sign(packed))).status, 200);
  assertEquals(probe.events.map(({ text }) => text), [`{"packed":true}`]);
});

Deno.test("an unsigned body is refused before it is decoded, however it is packed", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const headers = { "content-encoding": "gzip", "x-signature": "00".repeat(32) };
  const answer = await gateway.post("/webhook/signed", "this is no gzip", headers);
  assertEquals([answer.status, errorCode(answer)], [401, "unauthorized"]);
});

Deno.test("the size limit holds for the decoded body", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const pack = (size: number) => gzipSync(new Uint8Array(size)) as Uint8Array<ArrayBuffer>;
  const headers = { "content-encoding": "gzip" };
  assertEquals((await gateway.post("/webhook/small", pack(100), headers)).status, 200);
  assertEquals((await gateway.post("/webhook/small", pack(101), headers)).status, 413);
});

Deno.test("requests beyond MAX_INFLIGHT get 503 with Retry-After, and health routes still answer", async () => {
  const probe = new ProbeModule();
  const release: ((result: DeliveryResult) => void)[] = [];
  probe.behaviour = () => new Promise((resolve) => release.push(resolve));
  await using gateway = await start(probe, { MAX_INFLIGHT: "2" });
  const held = [gateway.post("/webhook/json", "1"), gateway.post("/webhook/json", "2")];
  await eventually(() => assertEquals(release.length, 2));
  const refused = await gateway.post("/webhook/json", "3");
  assertEquals([refused.status, errorCode(refused)], [503, "overloaded"]);
  assertMatch(refused.headers.get("retry-after") ?? "", /^\d+$/);
  assertEquals((await gateway.request("/readyz")).status, 200);
  for (const resolve of release) resolve("delivered");
  assertEquals((await Promise.all(held)).map(({ status }) => status), [200, 200]);
  probe.behaviour = () => "delivered";
  assertEquals((await gateway.post("/webhook/json", "4")).status, 200);
});

Deno.test("bodies beyond MAX_INFLIGHT_BYTES in all get 503 until there is room again", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { MAX_BODY_BYTES: "1000", MAX_INFLIGHT_BYTES: "1500" });
  await using slow = await RawHttpConnection.open(gateway.port);
  const body = `"${"x".repeat(898)}"`;
  await slow.write(formatRequest("POST", "/webhook/json", { headers: { "Content-Length": "900" } }));
  await eventually(async () => assertEquals((await gateway.post("/webhook/json", body)).status, 503));
  await slow.write(body);
  assertEquals((await slow.readResponse()).status, 200);
  assertEquals((await gateway.post("/webhook/json", body)).status, 200);
});

Deno.test("event ids differ between requests and between gateways", async () => {
  const probe = new ProbeModule();
  for (let gateways = 0; gateways < 2; gateways++) {
    await using gateway = await start(probe);
    await gateway.post("/webhook/json", "1");
    await gateway.post("/webhook/json", "2");
  }
  assertEquals(new Set(probe.events.map(({ id }) => id)).size, 4);
  for (const { id } of probe.events) assertMatch(id, /^[a-z0-9-]{1,40}$/);
});

Deno.test("a failure has a request id of its own on every route", async () => {
  await using gateway = await start(new ProbeModule());
  const ids = [];
  for (const path of ["/nothing", "/livez", "/webhook/nobody"]) {
    ids.push((await gateway.request(path)).headers.get("x-request-id"));
  }
  assert(ids.every((id) => id !== null));
  assertNotEquals(ids[0], ids[1]);
  assertNotEquals(ids[1], ids[2]);
});

Deno.test("a URL that led to a webhook leads nowhere once the webhook is gone, until it is back", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const send = async () => (await gateway.post("/webhook/json", "1")).status;
  const load = async (webhooks: Record<string, unknown>) => {
    await gateway.writeWebhooks(webhooks);
    await gateway.reload();
  };
  assertEquals([await send(), await send()], [200, 200]);
  await load({ other: { module: "probe" } });
  assertEquals(await send(), 404);
  await load({ json: { module: "probe" } });
  assertEquals(await send(), 200);
});
