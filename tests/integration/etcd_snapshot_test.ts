import { Buffer } from "node:buffer";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { assertInStep } from "../support/etcd/assertions.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { PREFIX, TestProvider } from "../support/etcd/test_provider.ts";
import { eventually } from "../support/eventually.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { describeKey } from "../../src/event/names.ts";
import type { RecordingSink } from "../support/recording_sink.ts";
import { TempDir } from "../support/temp_dir.ts";

const key = (id: string | number) => `${PREFIX}default/webhooks/w${id}`;

/** A server with some webhooks, and the snapshot that a provider has left of them. */
async function snapshotted(
  count: number,
): Promise<AsyncDisposable & { readonly server: EtcdServer; readonly snapshotFile: string }> {
  await using resources = new AsyncDisposableStack();
  const dir = resources.use(await TempDir.create());
  const server = resources.use(await EtcdServer.start());
  await server.gateway.fill(
    Array.from({ length: count }, (_, id) => [key(id), JSON.stringify({ "x-id": id })]),
  );
  const snapshotFile = dir.file("snapshot.json");
  {
    await using _test = await TestProvider.start({
      endpoints: [server.endpoint],
      snapshot: { file: snapshotFile, makesDirectory: false },
    });
  }
  const owned = resources.move();
  return { server, snapshotFile, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("etcd provider serves its snapshot while etcd is down, then applies what changed", async () => {
  await using subject = await snapshotted(30);
  const { server, snapshotFile } = subject;
  await server.gateway.putJson(key(1), { "x-id": "changed" });
  await server.gateway.delete(key(2));
  await server.kill();

  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    snapshot: { file: snapshotFile, makesDirectory: false },
  });
  assertEquals(test.sink.keys.length, 30);
  assertEquals(test.sink.json("webhook default/w29"), { "x-id": 29 });
  const { connected, degraded, lastSyncAt } = test.provider.status();
  assertEquals({ connected, degraded, lastSyncAt }, {
    connected: false,
    degraded: true,
    lastSyncAt: undefined,
  });

  const before = test.sink.changes.length;
  await server.restart();
  await eventually(() => assertEquals(test.provider.status().degraded, false));
  await assertInStep(test.sink, server.gateway, PREFIX);
  assertEquals(test.sink.changes.slice(before), ["put webhook default/w1", "delete webhook default/w2"]);
  await eventually(() => assert(test.provider.status().connected));
});

Deno.test("etcd provider serves its snapshot without waiting for an etcd that is frozen", async () => {
  await using subject = await snapshotted(3);
  const { server, snapshotFile } = subject;
  server.freeze();
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    snapshot: { file: snapshotFile, makesDirectory: false },
  });
  assertEquals([test.sink.keys.length, test.provider.status().degraded], [3, true]);
  server.thaw();
});

Deno.test("etcd provider prefers etcd to its snapshot", async () => {
  await using subject = await snapshotted(3);
  const { server, snapshotFile } = subject;
  await server.gateway.putJson(key(1), { "x-id": "changed" });
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    snapshot: { file: snapshotFile, makesDirectory: false },
  });
  assertEquals(test.provider.status().degraded, false);
  assertEquals(test.sink.json("webhook default/w1"), { "x-id": "changed" });
});

Deno.test("etcd provider guards its snapshot's keys against an etcd that is empty by mistake", async () => {
  await using subject = await snapshotted(30);
  const { server, snapshotFile } = subject;
  await using proxy = TcpProxy.start({ port: server.port });
  await proxy.refuse();
  await using test = await TestProvider.start({
    endpoints: [proxy.address],
    snapshot: { file: snapshotFile, makesDirectory: false },
    timing: { confirmDeletesAfterMs: 600_000 },
  });
  await server.wipe();
  proxy.accept();
  await eventually(() => assertEquals(test.provider.stats().massDeletes, 1));
  assertEquals([test.sink.keys.length, test.provider.status().degraded], [30, true]);
});

Deno.test("etcd provider writes the snapshot of changes, for its own user alone to read", async () => {
  await using subject = await snapshotted(3);
  const { server, snapshotFile } = subject;
  await Deno.chmod(snapshotFile, 0o644);
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    snapshot: { file: snapshotFile, makesDirectory: false },
  });
  await server.gateway.putJson(key("new"), { module: "log" });
  await eventually(async () => assertMatch(await Deno.readTextFile(snapshotFile), /default\/webhooks\/wnew/));
  const { mode } = await Deno.stat(snapshotFile);
  assertEquals(mode! & 0o777, 0o600);
  assert(test.provider.stats().snapshots > 0);
});

Deno.test("etcd provider writes what is new to its snapshot when it is closed", async () => {
  await using subject = await snapshotted(3);
  const { server, snapshotFile } = subject;
  const test = await TestProvider.start({
    endpoints: [server.endpoint],
    snapshot: { file: snapshotFile, makesDirectory: false },
    timing: { snapshotIntervalMs: 600_000 },
  });
  await eventually(() => assertEquals(test.provider.stats().snapshots, 1));
  await server.gateway.putJson(key("last"), {});
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  await test[Symbol.asyncDispose]();
  assertMatch(await Deno.readTextFile(snapshotFile), /default\/webhooks\/wlast/);
});

Deno.test("etcd provider keeps values in the snapshot that it could not parse", async () => {
  await using dir = await TempDir.create();
  const snapshotFile = dir.file("snapshot.json");
  await using server = await EtcdServer.start();
  await server.gateway.put(key("broken"), "{");
  await server.gateway.putBytes(Buffer.from(key("bytes")), Buffer.of(0x22, 0xff, 0x22));
  {
    await using _test = await TestProvider.start({
      endpoints: [server.endpoint],
      snapshot: { file: snapshotFile, makesDirectory: false },
    });
  }
  await server.kill();
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    snapshot: { file: snapshotFile, makesDirectory: false },
  });
  assertEquals(test.sink.problemCode("webhook default/wbroken"), "invalid_json");
  assertEquals(test.sink.problemCode("webhook default/wbytes"), "invalid_json");
});

const DAMAGE: readonly (readonly [what: string, damage: (text: string) => string])[] = [
  ["is empty", () => ""],
  ["is cut off", (text) => text.slice(0, text.length / 2)],
  ["lacks a line", (text) => text.split("\n").toSpliced(1, 1).join("\n")],
  ["was changed by hand", (text) => text.replace('\\"x-id\\":1', '\\"x-id\\":7')],
  ["is of another program", () => '{"webhooks":{}}\n'],
];

for (const [what, damage] of DAMAGE) {
  Deno.test(`etcd provider refuses a snapshot that ${what}, and says why`, async () => {
    await using subject = await snapshotted(3);
    const { server, snapshotFile } = subject;
    const text = await Deno.readTextFile(snapshotFile);
    await Deno.writeTextFile(snapshotFile, damage(text));
    await server.kill();
    await using test = TestProvider.create({
      endpoints: [server.endpoint],
      snapshot: { file: snapshotFile, makesDirectory: false },
    });
    const started = test.start();
    await eventually(() => assertEquals(test.sink.problemCode(snapshotFile), "file_unreadable"));
    assertEquals(test.sink.batches, []);

    await server.restart();
    await started;
    assertEquals(test.sink.keys.length, 3);
    await eventually(() => assertEquals(test.sink.problemCode(snapshotFile), undefined));
    assertEquals(await Deno.readTextFile(snapshotFile), text);
  });
}

Deno.test("etcd provider refuses a snapshot of another prefix and names it", async () => {
  await using subject = await snapshotted(3);
  const { server, snapshotFile } = subject;
  await server.kill();
  await using test = TestProvider.create({
    endpoints: [server.endpoint],
    snapshot: { file: snapshotFile, makesDirectory: false },
    prefix: "/other/",
  });
  const aborter = new AbortController();
  const started = assertRejects(() => test.provider.start(test.sink, aborter.signal));
  await eventually(() =>
    assertMatch(test.sink.sources.get(snapshotFile)?.problem.message ?? "", /'\/cwm\/'/)
  );
  aborter.abort();
  await started;
  assertEquals(test.sink.batches, []);
});

Deno.test("etcd provider goes on when its snapshot cannot be written", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const snapshotFile = dir.file("missing", "snapshot.json");
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    snapshot: { file: snapshotFile, makesDirectory: false },
  });
  await server.gateway.putJson(key(1), {});
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  assertEquals(test.provider.stats().snapshots, 0);
});

Deno.test("etcd provider says when keys were made, from etcd's list and events, and from its snapshot", async () => {
  await using dir = await TempDir.create();
  await using server = await EtcdServer.start();
  const options = {
    endpoints: [server.endpoint],
    snapshot: { file: dir.file("snapshot.json"), makesDirectory: false },
  };
  const made = [await server.gateway.putJson(key("z"), {}), await server.gateway.putJson(key("a"), {})];
  await server.gateway.putJson(key("z"), { "x-id": "changed" });
  const createdOf = (sink: RecordingSink, id: string) =>
    sink.batches.flat().filter((change) =>
      "value" in change && describeKey(change.key) === `webhook default/${id}`
    )
      .map((change) => "value" in change ? change.created : undefined).at(-1);
  {
    await using test = await TestProvider.start(options);
    assertEquals(["wz", "wa"].map((id) => createdOf(test.sink, id)), made);
    made.push(await server.gateway.putJson(key("m"), {}));
    await server.gateway.putJson(key("a"), { "x-id": "changed" });
    await assertInStep(test.sink, server.gateway, PREFIX);
    assertEquals(["wz", "wa", "wm"].map((id) => createdOf(test.sink, id)), made);
  }
  await server.kill();
  await using test = await TestProvider.start(options);
  assertEquals(["wz", "wa", "wm"].map((id) => createdOf(test.sink, id)), made);
});
