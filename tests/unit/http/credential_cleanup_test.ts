/** That credentials are taken out of what is handed on, and of nothing that is verified. */

import { assert, assertEquals } from "@std/assert";
import { HmacDigest } from "../../../src/auth/crypto/hmac_digest.ts";
import type { Event } from "../../../src/event/event.ts";
import { eventually } from "../../support/eventually.ts";
import { TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";

const MASK = "***REDACTED***";

async function start(webhooks: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
  const probe = new ProbeModule();
  const headers: Headers[] = [];
  probe.behaviour = ({ event }: { readonly event: Event }) => {
    headers.push(event.headers);
    return "delivered";
  };
  const entries = Object.entries(webhooks).map(([id, webhook]) => [id, { module: "probe", ...webhook }]);
  const gateway = await TestGateway.start({ webhooks: Object.fromEntries(entries), modules: [probe.module] });
  return { gateway, probe, headers, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

const BODY =
  '{"id": 12345678901234567890, "user": {"password": "hunter2", "apiKey": 5, "author": "a"}, "n": 1.10}';

Deno.test("values of credentials are masked or removed, and all else stays as it was sent", async () => {
  await using world = await start({
    masked: { credential_cleanup: { enabled: "true" } },
    removed: { credential_cleanup: { mode: "remove", fields: ["N"] } },
    off: { credential_cleanup: { enabled: false } },
    plain: {},
    listed: { credential_cleanup: {} },
  });
  const { gateway, probe, headers } = world;
  const sent = {
    "x-api-key": "secret-header",
    cookie: "a=b",
    "x-hub-signature": "kept",
    authorization: "Bearer x",
  };
  for (const id of ["masked", "removed", "off", "plain"]) {
    assertEquals((await gateway.post(`/webhook/${id}`, BODY, sent)).status, 200);
  }
  assertEquals(probe.events.map(({ text }) => text), [
    `{"id": 12345678901234567890, "user": {"password": "${MASK}", "apiKey": "${MASK}", "author": "a"}, "n": 1.10}`,
    '{"id": 12345678901234567890, "user": {"author": "a"}}',
    BODY,
    BODY,
  ]);
  const seen = headers.map((received) => Object.keys(sent).map((name) => received.get(name)));
  assertEquals(seen[0], [MASK, MASK, "kept", MASK]);
  assertEquals(seen[1], [null, null, "kept", null]);
  assertEquals(seen[2], Object.values(sent));
  assertEquals(seen[3], Object.values(sent));
  assertEquals(
    (await gateway.post("/webhook/listed", '{"tokens":["a","b"],"auth":{"user":"c"}}')).status,
    200,
  );
  assertEquals(probe.events.at(-1)!.text, `{"tokens":"${MASK}","auth":"${MASK}"}`);
});

Deno.test("what was sent is verified: signatures, credentials and the schema", async () => {
  await using world = await start({
    signed: {
      credential_cleanup: {},
      hmac: { secret: "key", encoding: "hex" },
      header_auth: { api_key: "right" },
      json_schema: { properties: { token: { const: "valid" } } },
    },
  });
  const { gateway, probe } = world;
  const post = (body: string, key = "right") => {
    const signature = new HmacDigest("sha256", new TextEncoder().encode("key")).hex(
      new TextEncoder().encode(body),
    );
    return gateway.post("/webhook/signed", body, { "x-hmac-signature": signature, "x-api-key": key });
  };
  assertEquals((await post('{"token":"valid"}')).status, 200);
  assertEquals((await post('{"token":"valid"}', MASK)).status, 401);
  assertEquals((await post('{"token":"other"}')).status, 422);
  assertEquals(probe.events.map(({ text }) => text), [`{"token":"${MASK}"}`]);
});

Deno.test("headers that describe the bytes as sent are left out where the document was changed", async () => {
  await using world = await start({ orders: { credential_cleanup: {} } });
  const digest = { "content-digest": "sha-256=:x:", "content-md5": "x", "content-type": "application/json" };
  await world.gateway.post("/webhook/orders", '{"token":1}', digest);
  await world.gateway.post("/webhook/orders", '{"other":1}', digest);
  const seen = world.headers.map((received) => Object.keys(digest).map((name) => received.get(name)));
  assertEquals(seen, [[null, null, "application/json"], Object.values(digest)]);
});

Deno.test("a durable webhook stores no credential", async () => {
  await using world = await start({
    stored: { accept: "durable", credential_cleanup: {}, retry: { enabled: true, initial_delay: 60 } },
  });
  const { gateway, probe } = world;
  const blocked = Promise.withResolvers<"delivered">();
  probe.behaviour = () => blocked.promise;
  const body = JSON.stringify({ password: "correct-horse", name: "battery-staple" });
  const headers = { "x-api-key": "tr0ub4dor" };
  assertEquals((await gateway.post("/webhook/stored", body, headers)).status, 200);
  const stored = await journalText(gateway.file("data"));
  assert(stored.includes("battery-staple"), "the journal is what was looked through");
  assert(!stored.includes("correct-horse") && !stored.includes("tr0ub4dor"));
  blocked.resolve("delivered");
  await eventually(() => assertEquals(probe.events.length, 1));
});

async function journalText(directory: string): Promise<string> {
  let text = "";
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    text += isDirectory
      ? await journalText(path)
      : new TextDecoder("latin1").decode(await Deno.readFile(path));
  }
  return text;
}

Deno.test("what events are known again by stays, or all would be repeats of one", async () => {
  await using world = await start({
    header: { credential_cleanup: {}, idempotency: { header: "Idempotency-Key" } },
    pointer: { credential_cleanup: {}, idempotency: { json_pointer: "/token/id" } },
  });
  const { gateway, probe } = world;
  for (const id of ["1", "2", "2"]) {
    await gateway.post("/webhook/header", "{}", { "idempotency-key": id, "x-api-key": id });
    await gateway.post("/webhook/pointer", `{"token":{"id":"${id}","secret":1}}`);
  }
  assertEquals(probe.events.filter(({ webhook }) => webhook === "header").length, 2);
  const pointed = probe.events.filter(({ webhook }) => webhook === "pointer").map(({ text }) => text);
  assertEquals(pointed, ["1", "2"].map((id) => `{"token":{"id":"${id}","secret":"${MASK}"}}`));
});

Deno.test("forms are cleaned as the documents that they become, and bytes are left alone", async () => {
  await using world = await start({
    form: { data_type: "form", credential_cleanup: {} },
    bytes: { data_type: "blob", credential_cleanup: {} },
  });
  const { gateway, probe, headers } = world;
  const form = { "content-type": "application/x-www-form-urlencoded", "x-auth-token": "t" };
  await gateway.post("/webhook/form", "password=a&name=b", form);
  await gateway.post("/webhook/bytes", '{"password":"a"}', { "x-auth-token": "t" });
  assertEquals(probe.events.map(({ text }) => text), [
    `{"password":"${MASK}","name":"b"}`,
    '{"password":"a"}',
  ]);
  assertEquals(headers.map((received) => received.get("x-auth-token")), [MASK, MASK]);
});

Deno.test("a large document is cleaned too", async () => {
  await using world = await start({ orders: { credential_cleanup: { mode: "remove" } } });
  const items = Array.from({ length: 20_000 }, (_, index) => ({ index, token: "x".repeat(20) }));
  assertEquals((await world.gateway.post("/webhook/orders", JSON.stringify(items))).status, 200);
  assertEquals(JSON.parse(world.probe.events[0]!.text), items.map(({ index }) => ({ index })));
  const { text } = await world.gateway.request("/metrics");
  assertEquals(/^cwm_inflight_bytes (.*)$/m.exec(text)?.[1], "0");
});

for (
  const credential_cleanup of [null, "", { mode: "hide" }, { fields: "a" }, { fields: [""] }, {
    field: ["a"],
  }]
) {
  Deno.test(`a cleanup that says nothing or nonsense blocks: ${JSON.stringify(credential_cleanup)}`, async () => {
    await using world = await start({ orders: { credential_cleanup } });
    assertEquals((await world.gateway.post("/webhook/orders", "{}")).status, 503);
  });
}
