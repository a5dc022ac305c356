import { assert, assertEquals, assertRejects } from "@std/assert";
import { assertInStep, assertOrderedAndUnique, revisionsOf } from "../support/etcd/assertions.ts";
import type { EtcdGateway } from "../support/etcd/gateway.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { PREFIX, TestProvider } from "../support/etcd/test_provider.ts";
import { EtcdWriter } from "../support/etcd/writer.ts";
import { eventually } from "../support/eventually.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { patience } from "../support/patience.ts";

const key = (id: string) => `${PREFIX}default/webhooks/${id}`;

/** Leaves it to other reasons to list again. */
const NO_LIST_AFTER_RECONNECT = { timing: { listAfterReconnectMs: 600_000 }, random: () => 0.999 } as const;

async function fill(etcd: EtcdGateway, count: number): Promise<void> {
  await etcd.fill(Array.from({ length: count }, (_, id) => [key(`w${id}`), JSON.stringify({ "x-id": id })]));
}

/** Takes the provider's connection away while the server goes on. */
async function disconnect(test: TestProvider, proxy: TcpProxy): Promise<void> {
  await proxy.refuse();
  proxy.cut();
  await eventually(() => !test.provider.status().connected);
}

Deno.test("etcd provider lists again after a compaction in its absence, and touches only changes", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  const etcd = server.gateway;
  await fill(etcd, 30);
  await using test = await TestProvider.start({ endpoints: [proxy.address], ...NO_LIST_AFTER_RECONNECT });
  await disconnect(test, proxy);
  await etcd.putJson(key("w1"), { "x-id": "changed" });
  await etcd.delete(key("w2"));
  await etcd.compact(await etcd.putJson(key("new"), {}));
  const before = test.sink.changes.length;
  proxy.accept();
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
  assertEquals(test.sink.changes.slice(before), [
    "put webhook default/w1",
    "put webhook default/new",
    "delete webhook default/w2",
  ]);
  assertEquals(test.provider.stats().lists, { start: 1, compacted: 1 });

  await etcd.putJson(key("w3"), { "x-id": "live again" });
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
});

Deno.test("etcd provider follows a restore of an older backup, also where keys have the same revision", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  await fill(etcd, 30);
  const backup = await server.backUp();
  await etcd.putJson(key("w1"), { "x-id": "lost by the restore" });
  await etcd.putJson(key("late"), {});
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  const before = test.sink.changes.length;
  await server.restore(backup);
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
  assertEquals(test.sink.changes.slice(before), ["put webhook default/w1", "delete webhook default/late"]);
  assertEquals(test.provider.stats().lists, { start: 1, revision_regressed: 1 });

  await etcd.putJson(key("after"), {});
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
});

Deno.test("etcd provider follows a restored etcd that has come past its revision on another way", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  const etcd = server.gateway;
  await fill(etcd, 30);
  const backup = await server.backUp();
  for (const id of ["w1", "w2", "w3"]) await etcd.putJson(key(id), { "x-time": "before" });
  await using test = await TestProvider.start({ endpoints: [proxy.address] });
  await disconnect(test, proxy);
  await server.restore(backup);
  // What has happened up to the provider's revision happened otherwise: a watch from there does not tell.
  await etcd.putJson(key("w1"), { "x-time": "after" });
  await etcd.delete(key("w4"));
  await etcd.putJson(key("w5"), { "x-time": "after" });
  await etcd.putJson(key("w6"), { "x-time": "after" });
  proxy.accept();
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
});

Deno.test("etcd provider takes over another cluster's state and leaves equal values alone", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  const etcd = server.gateway;
  await fill(etcd, 30);
  await using test = await TestProvider.start({ endpoints: [proxy.address] });
  await disconnect(test, proxy);
  const before = test.sink.changes.length;
  await server.wipe({ newCluster: true });
  // The same values come to stand at other revisions.
  await etcd.putJson(key("new"), {});
  await fill(etcd, 30);
  proxy.accept();
  await eventually(() => assert(test.provider.status().connected));
  assertEquals(test.sink.changes.slice(before), ["put webhook default/new"]);
  assertEquals(test.provider.stats().lists, { start: 1, cluster_changed: 1 });

  await etcd.putJson(key("w1"), { "x-id": "live again" });
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
});

Deno.test("etcd provider holds a list back that removes most keys until a second one confirms it", async () => {
  await using server = await EtcdServer.start();
  await fill(server.gateway, 30);
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    timing: { confirmDeletesAfterMs: 600 },
  });
  await server.wipe();
  await eventually(() => assert(test.provider.status().degraded));
  assertEquals(test.sink.keys.length, 30);
  assertEquals(test.provider.stats().massDeletes, 1);
  await eventually(() => assertEquals(test.sink.keys, []));
  assertEquals(test.provider.status().degraded, false);
});

Deno.test("etcd provider keeps all keys when a second list does not confirm the loss of most", async () => {
  await using server = await EtcdServer.start();
  await fill(server.gateway, 30);
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    timing: { confirmDeletesAfterMs: 600 },
  });
  const before = test.sink.changes.length;
  await server.wipe();
  await eventually(() => assert(test.provider.status().degraded));
  // Whoever filled the new server was a moment late.
  await fill(server.gateway, 30);
  await eventually(() => test.provider.status().connected && !test.provider.status().degraded);
  assertEquals(test.sink.changes.length, before);
});

Deno.test("etcd provider applies a deletion of most keys at once when the watch brings it", async () => {
  await using server = await EtcdServer.start();
  await fill(server.gateway, 30);
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await server.gateway.deletePrefix(PREFIX);
  await eventually(() => assertEquals(test.sink.keys, []));
  assertEquals(test.provider.stats().massDeletes, 0);
});

Deno.test("etcd provider survives kill -9 of etcd and goes on where it was", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  await fill(etcd, 30);
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await server.kill();
  await eventually(() => !test.provider.status().connected);
  assertEquals(test.sink.keys.length, 30);
  await server.restart();
  await etcd.putJson(key("w1"), { "x-id": "after the restart" });
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
  assertOrderedAndUnique(test.sink);
});

Deno.test("etcd provider notices a frozen etcd and catches up when it thaws", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  server.freeze();
  await eventually(() => !test.provider.status().connected);
  server.thaw();
  await etcd.putJson(key("a"), {});
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
});

Deno.test("etcd provider notices a network that has gone silent in one direction", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  await using proxy = TcpProxy.start({ port: server.port });
  await using test = await TestProvider.start({ endpoints: [proxy.address] });
  for (const direction of ["to_client", "to_server"] as const) {
    proxy.freeze(direction);
    await eventually(() => !test.provider.status().connected);
    proxy.thaw(direction);
    await etcd.putJson(key("a"), { "x-direction": direction });
    await eventually(() => assertInStep(test.sink, etcd, PREFIX));
  }
});

Deno.test("etcd provider that starts while etcd is down loads when it comes up", async () => {
  await using server = await EtcdServer.start();
  await fill(server.gateway, 3);
  await server.kill();
  await using test = TestProvider.create({ endpoints: [server.endpoint] });
  const started = test.start();
  await eventually(() => assert((test.provider.stats().ends.unreachable ?? 0) >= 3));
  const { outage, ...status } = test.provider.status();
  assertEquals(outage?.reason, "unreachable");
  assertEquals(status, {
    backend: "etcd",
    connected: false,
    degraded: false,
    revision: "",
    lastSyncAt: undefined,
  });
  await server.restart();
  await started;
  await assertInStep(test.sink, server.gateway, PREFIX);
});

Deno.test("etcd provider stops trying when its start is aborted while etcd is down", async () => {
  await using server = await EtcdServer.start();
  await server.kill();
  await using test = TestProvider.create({ endpoints: [server.endpoint] });
  const aborter = new AbortController();
  const started = test.provider.start(test.sink, aborter.signal);
  await eventually(() => assert((test.provider.stats().ends.unreachable ?? 0) >= 1));
  aborter.abort();
  await assertRejects(() => started, DOMException);
  const { ends } = structuredClone(test.provider.stats());
  await server.restart();
  assertEquals(test.provider.stats().ends, ends);
});

Deno.test("etcd provider can be closed while it connects to a frozen etcd", async () => {
  await using server = await EtcdServer.start();
  server.freeze();
  const test = TestProvider.create({ endpoints: [server.endpoint], timing: { connectTimeoutMs: 60_000 } });
  const started = assertRejects(() => test.start(), DOMException);
  await test[Symbol.asyncDispose]();
  await started;
  server.thaw();
});

Deno.test("etcd provider tries at once when a reload is asked for during a long pause", async () => {
  await using server = await EtcdServer.start();
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    timing: { retryInitialMs: 600_000, retryMaxMs: 600_000, retryQuickMs: 0 },
  });
  await server.kill();
  await eventually(() => !test.provider.status().connected);
  await server.restart();
  await server.gateway.putJson(key("a"), {});
  await test.provider.reload(patience(10_000));
  await assertInStep(test.sink, server.gateway, PREFIX);
});

Deno.test("etcd provider gives up on a reload when its caller does, and on all when it is closed", async () => {
  await using server = await EtcdServer.start();
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await server.kill();
  const aborter = new AbortController();
  const abandoned = assertRejects(() => test.provider.reload(aborter.signal), Error, "No longer wanted");
  const closed = assertRejects(
    () => test.provider.reload(new AbortController().signal),
    DOMException,
    "closed",
  );
  aborter.abort(new Error("No longer wanted"));
  await abandoned;
  await test.provider[Symbol.asyncDispose]();
  await closed;
});

Deno.test("etcd provider does not take changes that are under way for missing ones", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  await fill(etcd, 30);
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    timing: { reconcileIntervalMs: 20 },
  });
  await using writer = new EtcdWriter(etcd, PREFIX, 5);
  await writer.writes(300);
  await writer.stop();
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
  assertEquals(test.provider.stats().lists, { start: 1 });
  assertOrderedAndUnique(test.sink);
});

Deno.test("etcd provider applies a change again that the sink has failed to take", async () => {
  await using server = await EtcdServer.start();
  const etcd = server.gateway;
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  const apply = test.sink.apply.bind(test.sink);
  let failures = 0;
  test.sink.apply = (changes) => {
    if (failures++ < 2) throw new Error("The sink is full");
    apply(changes);
  };
  const revision = await etcd.putJson(key("a"), {});
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
  assertEquals(revisionsOf(test.sink, "webhook default/a"), [revision]);
  assertEquals(test.provider.stats().ends.apply_failed, 2);
});
