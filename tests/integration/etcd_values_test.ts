import { Buffer } from "node:buffer";
import { assertEquals, assertMatch } from "@std/assert";
import { EtcdServer } from "../support/etcd/server.ts";
import { PREFIX, TestProvider } from "../support/etcd/test_provider.ts";
import { eventually } from "../support/eventually.ts";
import { patience } from "../support/patience.ts";

const GOOD = "webhook default/good";

/** Puts values that are wrong in every way, and a good one as the last. */
async function putBadValues(server: EtcdServer): Promise<void> {
  const etcd = server.gateway;
  const key = (id: string) => `${PREFIX}default/webhooks/${id}`;
  await etcd.put(key("not-json"), "{module: log}");
  await etcd.put(key("list"), "[]");
  await etcd.put(key("nothing"), "");
  await etcd.put(key("deep"), "[".repeat(100_000));
  await etcd.put(key("deep-object"), '{"x-a":'.repeat(10_000) + "1" + "}".repeat(10_000));
  await etcd.putBytes(Buffer.from(key("not-utf8")), Buffer.from('{"x-a":"\xe9"}', "latin1"));
  await etcd.put(key("replacement"), '{"x-a":"\ufffd"}');
  await etcd.putBytes(Buffer.concat([Buffer.from(key("")), Buffer.of(0xff, 0x0a)]), Buffer.from("{}"));
  await etcd.put(`${PREFIX}default/webhook/typo`, "{}");
  await etcd.put(`${PREFIX}team/connections/c`, "{}");
  await etcd.putJson(key("good"), { module: "log" });
}

function assertOnlyBadOnesAreBad({ sink }: TestProvider): void {
  assertEquals(sink.json(GOOD), { module: "log" });
  assertEquals(sink.json("webhook default/replacement"), { "x-a": "\ufffd" });
  const codes = ["not-json", "list", "nothing", "deep", "deep-object", "not-utf8"]
    .map((id) => [id, sink.problemCode(`webhook default/${id}`)]);
  assertEquals(codes, [
    ["not-json", "invalid_json"],
    ["list", "not_an_object"],
    ["nothing", "invalid_json"],
    ["deep", "invalid_json"],
    ["deep-object", "too_deep"],
    ["not-utf8", "invalid_json"],
  ]);
  assertEquals([...sink.sources.keys()].sort(), [
    "/cwm/default/webhook/typo",
    "/cwm/default/webhooks/\\xff\\x0a",
    "/cwm/team/connections/c",
  ]);
  for (const { problem } of sink.sources.values()) assertEquals(problem.code, "foreign_key");
}

Deno.test("etcd provider reports bad values and keys that it finds, and none stops another", async () => {
  await using server = await EtcdServer.start();
  await putBadValues(server);
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  assertOnlyBadOnesAreBad(test);
});

Deno.test("etcd provider reports bad values and keys that arrive, and none stops another", async () => {
  await using server = await EtcdServer.start();
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await putBadValues(server);
  await eventually(() => assertOnlyBadOnesAreBad(test));
});

Deno.test("etcd provider takes every name that an entry may have, and reports the names of remarks", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  const key = (id: string) => `${PREFIX}default/webhooks/${id}`;
  for (const id of ["x-twitter", "x-note", "description", "orders.v1", "_note", "$schema", "a..b", "a."]) {
    await etcd.putJson(key(id), id === "x-note" ? { text: "ours" } : { module: "log" });
  }
  await etcd.put(key("//"), "{}");
  await etcd.putJson(`${PREFIX}global/connections/x-redis`, { type: "redis" });
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  const { sink } = test;
  assertEquals(sink.keys, [
    "connection x-redis",
    "webhook default/description",
    "webhook default/orders.v1",
    "webhook default/x-note",
    "webhook default/x-twitter",
  ]);
  assertEquals([...sink.sources.keys()].sort(), ["$schema", "//", "_note", "a.", "a..b"].map(key).sort());
  for (const { problem } of sink.sources.values()) assertEquals(problem.code, "foreign_key");
});

Deno.test("etcd provider takes a value with a byte order mark, and none with a key that stands twice", async () => {
  await using server = await EtcdServer.start();
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  const key = (id: string) => `${PREFIX}default/webhooks/${id}`;
  await server.gateway.put(key("bom"), '\ufeff{"module":"log"}');
  await server.gateway.put(key("boms"), '\ufeff\ufeff{"module":"log"}');
  await server.gateway.put(key("twice"), '{"module":"log","hmac":{"secret":"a","\\u0073ecret":"b"}}');
  await server.gateway.putJson(key("good"), { module: "log" });
  const { sink } = test;
  await eventually(() => assertEquals(sink.json(GOOD), { module: "log" }));
  assertEquals(sink.json("webhook default/bom"), { module: "log" });
  assertEquals(sink.problemCode("webhook default/boms"), "invalid_json");
  const twice = sink.values.get("webhook default/twice")!;
  assertEquals("problem" in twice && [twice.problem.code, twice.problem.path], [
    "invalid_json",
    "hmac.secret",
  ]);
});

Deno.test("etcd provider takes foreign keys back when they are gone, by watch and by list", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  await etcd.put(`${PREFIX}a`, "");
  await etcd.put(`${PREFIX}b`, "");
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await etcd.put(`${PREFIX}c`, "");
  await eventually(() => assertEquals([...test.sink.sources.keys()].sort(), ["/cwm/a", "/cwm/b", "/cwm/c"]));
  await etcd.delete(`${PREFIX}a`);
  await eventually(() => assertEquals([...test.sink.sources.keys()].sort(), ["/cwm/b", "/cwm/c"]));

  await server.kill();
  await eventually(() => !test.provider.status().connected);
  await server.wipe();
  await etcd.put(`${PREFIX}d`, "");
  await eventually(() => assertEquals([...test.sink.sources.keys()], ["/cwm/d"]));
});

Deno.test("etcd provider shows a hundred foreign keys and counts the others", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  await etcd.fill(Array.from({ length: 150 }, (_, id) => [`${PREFIX}x${id}`, ""]));
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  assertEquals(test.sink.sources.size, 101);
  assertMatch(test.sink.sources.get("/cwm/*")?.problem.message ?? "", /^50 more keys/);
  await etcd.deletePrefix(`${PREFIX}x`);
  await test.provider.reload(patience(10_000));
  assertEquals([...test.sink.sources.keys()], []);
});

Deno.test("etcd provider takes values of 1.4 MiB, one by one and in one list", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  const large = (id: number) => ({ "x-id": id, "x-filler": "x".repeat(1_400_000) });
  const put = async (id: number) => void await etcd.putJson(`${PREFIX}default/webhooks/w${id}`, large(id));
  for (let id = 0; id < 5; id++) await put(id);
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await put(5);
  for (let id = 0; id <= 5; id++) {
    await eventually(() => assertEquals(test.sink.json(`webhook default/w${id}`), large(id)));
  }
});

Deno.test("etcd provider reads below any prefix, also one that is not ASCII or the whole of etcd", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  for (const prefix of ["/cwm-é/", "cwm", ""]) {
    await etcd.putJson(`${prefix}default/webhooks/a`, { "x-prefix": prefix });
    await using test = await TestProvider.start({ endpoints: [server.endpoint], prefix });
    assertEquals(test.sink.json("webhook default/a"), { "x-prefix": prefix });
    await etcd.putJson(`${prefix}default/webhooks/b`, {});
    await eventually(() => assertEquals(test.sink.json("webhook default/b"), {}));
  }
});

Deno.test("etcd provider loads 25,000 keys completely, and applies one change to them alone", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  const name = (id: number) => `tenant-${Math.floor(id / 5)}/${id % 5}`;
  const keyOf = (id: number) => `${PREFIX}${name(id).replace("/", "/webhooks/")}`;
  await etcd.fill(Array.from({ length: 25_000 }, (_, id) => [keyOf(id), JSON.stringify({ "x-id": id })]));
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  assertEquals(test.sink.values.size, 25_000);
  for (let id = 0; id < 25_000; id++) assertEquals(test.sink.json(`webhook ${name(id)}`), { "x-id": id });

  const before = test.sink.batches.length;
  await etcd.putJson(keyOf(12_345), { "x-id": "changed" });
  await eventually(() => assertEquals(test.sink.json(`webhook ${name(12_345)}`), { "x-id": "changed" }));
  await test.provider.reload(patience(10_000));
  assertEquals(test.sink.batches.slice(before).flat().length, 1);
});
