/**
 * What etcd promises of watches, and what the provider must not lose on the way: ordered, unique, atomic,
 * reliable, resumable, bookmarkable.
 *
 * @see https://etcd.io/docs/v3.5/learning/api_guarantees/#watch-apis
 */

import { assert, assertEquals } from "@std/assert";

import { assertInStep, assertOrderedAndUnique, revisionsOf } from "../support/etcd/assertions.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { PREFIX, TestProvider } from "../support/etcd/test_provider.ts";
import { EtcdWriter } from "../support/etcd/writer.ts";
import { eventually } from "../support/eventually.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { patience } from "../support/patience.ts";

/** No list but the first may come to the help of the watch. */
const WATCH_ALONE = { listAfterReconnectMs: 600_000 } as const;
const alwaysLate = () => 0.999;

/** How often a member notifies of its progress: the flag is no experiment from etcd 3.6 on. */
async function progressFlag(): Promise<string> {
  const { stdout } = await new Deno.Command("etcd", { args: ["--help"], stderr: "null" }).output();
  const flag = "--watch-progress-notify-interval";
  return new TextDecoder().decode(stdout).includes(flag) ? flag : flag.replace("--", "--experimental-");
}

Deno.test("etcd provider applies changes in the order of their revisions", async () => {
  await using server = await EtcdServer.start();
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await using writer = new EtcdWriter(server.gateway, PREFIX, 3);
  await writer.writes(100);
  await writer.stop();
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  const revisions = test.sink.batches.map(([change]) => Number(change!.revision));
  assertEquals(revisions, revisions.toSorted((a, b) => a - b));
  assertEquals(revisions, writer.written.map(({ revision }) => revision));
});

Deno.test("etcd provider applies no change twice when connections break", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  await using test = await TestProvider.start({ endpoints: [proxy.address] });
  await using writer = new EtcdWriter(server.gateway, PREFIX, 3);
  for (let cuts = 0; cuts < 5; cuts++) {
    await writer.writes(20);
    proxy.cut();
  }
  await writer.stop();
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  assertOrderedAndUnique(test.sink);
});

Deno.test("etcd provider applies all changes of one transaction in one step", async () => {
  await using server = await EtcdServer.start();
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  const key = (id: number) => `${PREFIX}default/webhooks/w${id}`;
  for (let version = 0; version < 20; version++) {
    const value = JSON.stringify({ "x-version": version });
    await server.gateway.transact(Array.from({ length: 100 }, (_, id) => ({ put: key(id), value })));
  }
  await server.gateway.transact([
    ...Array.from({ length: 50 }, (_, id) => ({ delete: key(id) })),
    ...Array.from({ length: 50 }, (_, id) => ({ put: key(id + 100), value: "{}" })),
  ]);
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  assertEquals(test.sink.batches.map(({ length }) => length), Array(21).fill(100));
});

Deno.test("etcd provider applies all keys of a deleted range in one step", async () => {
  await using server = await EtcdServer.start();
  await server.gateway.fill(
    Array.from({ length: 1_000 }, (_, id) => [`${PREFIX}default/webhooks/w${id}`, "{}"]),
  );
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  const before = test.sink.batches.length;
  await server.gateway.deletePrefix(PREFIX);
  await eventually(() => assertEquals(test.sink.keys, []));
  assertEquals(test.sink.batches.slice(before).map(({ length }) => length), [1_000]);
});

Deno.test("etcd provider misses no change while connections break", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  await using test = await TestProvider.start({
    endpoints: [proxy.address],
    timing: WATCH_ALONE,
    random: alwaysLate,
  });
  await using writer = new EtcdWriter(server.gateway, PREFIX, 3);
  for (let cuts = 0; cuts < 5; cuts++) {
    await writer.writes(20);
    proxy.cut();
  }
  await writer.stop();
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  // Each single revision, not only the last one of each key.
  for (const id of ["w0", "w1", "w2"]) {
    const expected = writer.written.filter((write) => write.id === id).map(({ revision }) => revision);
    assertEquals(revisionsOf(test.sink, `webhook default/${id}`), expected);
  }
  assertEquals(test.provider.stats().lists, { start: 1 });
});

Deno.test("etcd provider resumes after an outage with every change in between", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  await using test = await TestProvider.start({
    endpoints: [proxy.address],
    timing: WATCH_ALONE,
    random: alwaysLate,
  });
  await proxy.refuse();
  proxy.cut();
  await eventually(() => !test.provider.status().connected);
  const revisions: number[] = [];
  for (let version = 0; version < 10; version++) {
    revisions.push(await server.gateway.putJson(`${PREFIX}default/webhooks/a`, { "x-version": version }));
  }
  proxy.accept();
  await eventually(() => assertEquals(revisionsOf(test.sink, "webhook default/a"), revisions));
  assertEquals(test.provider.stats().lists, { start: 1 });
});

Deno.test("etcd provider moves on with progress notifications, and compaction behind it does no harm", async () => {
  await using server = await EtcdServer.start({
    args: [await progressFlag(), "100ms"],
  });
  await using proxy = TcpProxy.start({ port: server.port });
  await using test = await TestProvider.start({
    endpoints: [proxy.address],
    timing: WATCH_ALONE,
    random: alwaysLate,
  });
  const elsewhere = await server.gateway.put("/elsewhere", "1");
  await eventually(() => assertEquals(test.provider.stats().lastAppliedRevision, elsewhere));
  await proxy.refuse();
  proxy.cut();
  await server.gateway.compact(elsewhere);
  proxy.accept();
  await server.gateway.putJson(`${PREFIX}default/webhooks/a`, {});
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  assertEquals(test.provider.stats().lists, { start: 1 });
});

Deno.test("etcd provider stays where it is while only answers to its own questions arrive", async () => {
  await using server = await EtcdServer.start();
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    timing: { checkIntervalMs: 20 },
  });
  const position = test.provider.stats().lastAppliedRevision;
  await server.gateway.put("/elsewhere", "1");
  const since = test.provider.status().lastSyncAt!;
  await eventually(() => assert(test.provider.status().lastSyncAt! > since));
  // Both the reads and the requested progress have said by now that etcd is further.
  assertEquals(test.provider.stats().lastAppliedRevision, position);
});

Deno.test("etcd provider makes every key routable that is written while it starts", async () => {
  await using server = await EtcdServer.start();
  await server.gateway.fill(Array.from({ length: 3_000 }, (_, id) => [`${PREFIX}old/webhooks/w${id}`, "{}"]));
  await using writer = new EtcdWriter(server.gateway, PREFIX, 1_000);
  await writer.writes(20);
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await writer.writes(20);
  await writer.stop();
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  assertOrderedAndUnique(test.sink);
});

Deno.test("etcd provider loses and repeats nothing when it lists while changes arrive", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  await server.gateway.fill(Array.from({ length: 3_000 }, (_, id) => [`${PREFIX}old/webhooks/w${id}`, "{}"]));
  await using test = await TestProvider.start({ endpoints: [proxy.address] });
  // Slow pages, so that many changes are newer than the list that they meet.
  proxy.shape({ delayMs: 10 });
  await using writer = new EtcdWriter(server.gateway, PREFIX, 5);
  for (let round = 0; round < 3; round++) {
    const before = writer.written.length;
    await test.provider.reload(patience(20_000));
    assert(writer.written.length > before);
    proxy.cut();
  }
  await writer.stop();
  proxy.shape({});
  await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  assertOrderedAndUnique(test.sink);
  assert((test.provider.stats().lists.reload ?? 0) >= 3);
});
