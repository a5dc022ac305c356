import { assertEquals, assertRejects } from "@std/assert";
import { assertInStep, assertOrderedAndUnique } from "../support/etcd/assertions.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { PREFIX, TestProvider } from "../support/etcd/test_provider.ts";
import { EtcdWriter } from "../support/etcd/writer.ts";
import { eventually } from "../support/eventually.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";

const key = (id: string) => `${PREFIX}default/webhooks/${id}`;

/** Writes as soon as the cluster has a leader again: what was sent to one that died is lost. */
async function putSoon(server: EtcdServer, id: string): Promise<void> {
  await eventually(() => server.gateway.putJson(key(id), {}), { timeoutMs: 30_000 });
}

Deno.test("etcd provider goes to another member when its own is killed", async () => {
  await using cluster = await EtcdServer.startCluster(3);
  const [first, second] = cluster.members;
  await using test = await TestProvider.start({ endpoints: cluster.endpoints });
  await first!.kill();
  await putSoon(second!, "a");
  await eventually(() => assertInStep(test.sink, second!.gateway, PREFIX));
  assertEquals(test.provider.status().connected, true);
});

Deno.test("etcd provider follows every change while the members of a cluster take turns in dying", async () => {
  await using cluster = await EtcdServer.startCluster(3);
  await using test = await TestProvider.start({ endpoints: cluster.endpoints });
  for (const [index, member] of cluster.members.entries()) {
    // One of the three leads, so one of the turns is a change of leader.
    await member.kill();
    const other = cluster.members[(index + 1) % 3]!;
    await putSoon(other, `w${index}`);
    await eventually(() => assertInStep(test.sink, other.gateway, PREFIX));
    await member.restart();
  }
  assertOrderedAndUnique(test.sink);
});

Deno.test("etcd provider starts with the second endpoint when the first one is frozen", async () => {
  await using cluster = await EtcdServer.startCluster(3);
  const [first, second] = cluster.members;
  await second!.gateway.putJson(key("a"), {});
  first!.freeze();
  await using test = await TestProvider.start({ endpoints: cluster.endpoints });
  await assertInStep(test.sink, second!.gateway, PREFIX);
  first!.thaw();
});

Deno.test("etcd provider starts with the second endpoint when nothing listens at the first one", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  await proxy.refuse();
  await server.gateway.putJson(key("a"), {});
  await using test = await TestProvider.start({
    endpoints: [`http://${proxy.address}`, "http://no-such-host.invalid:2379", server.endpoint],
    // With one endpoint tried and in vain there is no pause before the next.
    timing: { retryInitialMs: 600_000, retryMaxMs: 600_000 },
  });
  await assertInStep(test.sink, server.gateway, PREFIX);
});

Deno.test("etcd provider names a learner as such, and is served by the voting member beside it", async () => {
  await using server = await EtcdServer.start();
  await server.gateway.putJson(key("a"), {});
  await using learner = await EtcdServer.startLearner(server);
  await using alone = TestProvider.create({ endpoints: [learner.endpoint] });
  const starting = alone.start();
  await eventually(() => alone.provider.stats().ends.learner! > 0);
  await alone[Symbol.asyncDispose]();
  await assertRejects(() => starting, DOMException);
  await using test = await TestProvider.start({ endpoints: [learner.endpoint, server.endpoint] });
  await assertInStep(test.sink, server.gateway, PREFIX);
});

Deno.test("etcd provider names a learner as such where it has to log in, too", async () => {
  await using server = await EtcdServer.start();
  await using learner = await EtcdServer.startLearner(server);
  await server.enableAuth(PREFIX);
  await using test = TestProvider.create({
    endpoints: [learner.endpoint],
    credentials: { username: { text: "reader" }, password: { text: "reader" } },
  });
  const starting = assertRejects(() => test.start(), DOMException);
  await eventually(() => assertEquals(test.provider.status().outage?.reason, "learner"));
  await test[Symbol.asyncDispose]();
  await starting;
});

Deno.test("etcd provider takes a voting member without its cluster for unreachable, not for a learner", async () => {
  await using cluster = await EtcdServer.startCluster(2);
  const [voter, other] = cluster.members;
  await voter!.enableAuth(PREFIX);
  await other!.kill();
  await using test = TestProvider.create({
    endpoints: [voter!.endpoint],
    credentials: { username: { text: "reader" }, password: { text: "reader" } },
  });
  const starting = assertRejects(() => test.start(), DOMException);
  // Until it notices, it answers nothing.
  await eventually(() => assertEquals(test.provider.status().outage?.reason, "unreachable"));
  assertEquals(test.provider.stats().ends.learner, undefined);
  await test[Symbol.asyncDispose]();
  await starting;
});

Deno.test("etcd provider tries the next endpoint while one swallows connections", async () => {
  await using server = await EtcdServer.start();
  await server.gateway.putJson(key("a"), {});
  await using first = TcpProxy.start({ port: server.port });
  await using second = TcpProxy.start({ port: server.port });
  first.freeze();
  second.freeze();
  await using test = await TestProvider.start({
    endpoints: [`http://${first.address}`, `http://${second.address}`, server.endpoint],
    // Waiting for the first two would take the test's time limit.
    timing: { connectTimeoutMs: 600_000 },
  });
  await assertInStep(test.sink, server.gateway, PREFIX);
});

for (const outage of ["refused connections", "frozen"] as const) {
  Deno.test(`etcd provider ends a pause as soon as an endpoint is back (${outage})`, async () => {
    await using server = await EtcdServer.start();
    await using test = await TestProvider.start({
      endpoints: [server.endpoint],
      timing: { retryInitialMs: 3_600_000, retryMaxMs: 3_600_000, silenceMs: 200, callTimeoutMs: 300 },
    });
    if (outage === "frozen") server.freeze();
    else await server.kill();
    // The back-off of an hour has begun, or is about to.
    await eventually(() => assertEquals(test.provider.status().connected, false));
    if (outage === "frozen") server.thaw();
    else await server.restart();
    await server.gateway.putJson(key("a"), {});
    await eventually(() => assertInStep(test.sink, server.gateway, PREFIX));
  });
}

Deno.test("etcd provider leaves a member that has lost its cluster", async () => {
  await using cluster = await EtcdServer.startCluster(3);
  const [first, second, third] = cluster.members;
  await using test = await TestProvider.start({ endpoints: cluster.endpoints });
  // The first member goes on answering, but knows no majority any more.
  second!.freeze();
  third!.freeze();
  await eventually(() => assertEquals(test.provider.status().connected, false));
  second!.thaw();
  third!.thaw();
  await putSoon(first!, "a");
  await eventually(() => assertInStep(test.sink, first!.gateway, PREFIX));
});

Deno.test("etcd provider loses nothing while it is sent from member to member", async () => {
  await using cluster = await EtcdServer.startCluster(3);
  await using proxies = new AsyncDisposableStack();
  const doors = cluster.members.map(({ port }) => proxies.use(TcpProxy.start({ port })));
  const etcd = cluster.members[0]!.gateway;
  await using test = await TestProvider.start({ endpoints: doors.map(({ address }) => address) });
  await using writer = new EtcdWriter(etcd, PREFIX, 7);
  for (let cuts = 0; cuts < 9; cuts++) {
    await writer.writes(10);
    for (const door of doors) door.cut();
  }
  await writer.stop();
  await eventually(() => assertInStep(test.sink, etcd, PREFIX));
  assertOrderedAndUnique(test.sink);
});
