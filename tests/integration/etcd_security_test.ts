import { assert, assertEquals, assertRejects } from "@std/assert";
import { Health } from "../../src/health/health.ts";
import type { EndReason } from "../../src/config/etcd/session_end.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { EtcdServer, type EtcdServerOptions } from "../support/etcd/server.ts";
import { PREFIX, TestProvider, type TestProviderOptions } from "../support/etcd/test_provider.ts";
import { eventually } from "../support/eventually.ts";
import { TempDir } from "../support/temp_dir.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";

const KEY = `${PREFIX}default/webhooks/a`;
const AS_ROOT = ["--user", "root:root"] as const;
const READER = { credentials: { username: { text: "reader" }, password: { text: "reader" } } } as const;

async function put(server: EtcdServer, version: number, ...flags: readonly string[]): Promise<void> {
  await server.ctl(...flags, "put", KEY, JSON.stringify({ "x-version": version }));
}

async function arrives(test: TestProvider, version: number): Promise<void> {
  await eventually(() => assertEquals(test.sink.json("webhook default/a"), { "x-version": version }));
}

Deno.test("etcd provider needs no more than the right to read its prefix", async () => {
  await using server = await EtcdServer.start();
  await put(server, 1);
  await server.enableAuth(PREFIX);
  await using test = await TestProvider.start({ endpoints: [server.endpoint], ...READER });
  await arrives(test, 1);
  await put(server, 2, ...AS_ROOT);
  await arrives(test, 2);
});

Deno.test("etcd provider goes on when its tokens expire", async () => {
  await using server = await EtcdServer.start({ args: ["--auth-token-ttl", "1"] });
  await using proxy = TcpProxy.start({ port: server.port });
  await server.enableAuth(PREFIX);
  // A check in every three seconds lets a token of one second expire, as etcd extends those in use.
  await using test = await TestProvider.start({
    endpoints: [proxy.address],
    ...READER,
    timing: { checkIntervalMs: 3_000, silenceMs: 10_000 },
  });
  const before = test.provider.status().lastSyncAt!;
  await eventually(() => assert(test.provider.status().lastSyncAt! > before));
  // The proof of life that has come used a new token, and the watch has lasted.
  assertEquals(test.provider.stats().ends, {});
  await put(server, 1, ...AS_ROOT);
  await arrives(test, 1);
  proxy.cut();
  await put(server, 2, ...AS_ROOT);
  await arrives(test, 2);
});

Deno.test("etcd provider authenticates once authentication is switched on", async () => {
  await using server = await EtcdServer.start();
  await server.addUsers(PREFIX);
  await using test = await TestProvider.start({ endpoints: [server.endpoint], ...READER });
  await put(server, 1);
  await arrives(test, 1);
  await server.setAuth(true);
  const before = test.provider.status().lastSyncAt!;
  await eventually(() => assert(test.provider.status().lastSyncAt! > before));
  await put(server, 2, ...AS_ROOT);
  await arrives(test, 2);
  await server.restart();
  await put(server, 3, ...AS_ROOT);
  await arrives(test, 3);
});

Deno.test("etcd provider says so when authentication is switched on and it has no user", async () => {
  await using server = await EtcdServer.start();
  await using test = await TestProvider.start({ endpoints: [server.endpoint] });
  await put(server, 1);
  await arrives(test, 1);
  await server.enableAuth(PREFIX);
  await eventually(() => assert((test.provider.stats().ends.denied ?? 0) >= 2));
  assertEquals(test.provider.status().connected, false);
  assertEquals(test.sink.json("webhook default/a"), { "x-version": 1 });
  await server.ctl(...AS_ROOT, "auth", "disable");
  await put(server, 2);
  await arrives(test, 2);
});

Deno.test("etcd provider keeps what it has while its role is revoked, and recovers afterwards", async () => {
  await using server = await EtcdServer.start();
  await put(server, 1);
  await server.enableAuth(PREFIX);
  await using test = await TestProvider.start({ endpoints: [server.endpoint], ...READER });
  await server.ctl(...AS_ROOT, "user", "revoke-role", "reader", "reader");
  await eventually(() => assert((test.provider.stats().ends.denied ?? 0) >= 2));
  assertEquals(test.sink.keys, ["webhook default/a"]);
  await put(server, 2, ...AS_ROOT);
  await server.ctl(...AS_ROOT, "user", "grant-role", "reader", "reader");
  await arrives(test, 2);
});

Deno.test("etcd provider loads as soon as a wrong password becomes the right one", async () => {
  await using server = await EtcdServer.start();
  await put(server, 1);
  await server.enableAuth(PREFIX);
  await using test = TestProvider.create({
    endpoints: [server.endpoint],
    credentials: { username: { text: "reader" }, password: { text: "next" } },
  });
  const started = test.start();
  await eventually(() => assert((test.provider.stats().ends.denied ?? 0) >= 1));
  await server.ctl(...AS_ROOT, "user", "delete", "reader");
  await server.ctl(...AS_ROOT, "user", "add", "reader:next");
  await server.ctl(...AS_ROOT, "user", "grant-role", "reader", "reader");
  await started;
  await arrives(test, 1);
});

Deno.test("etcd provider takes up a changed password from its file without a restart", async () => {
  await using server = await EtcdServer.start();
  await using directory = await TempDir.create();
  await put(server, 1);
  await server.enableAuth(PREFIX);
  const file = await directory.writeText("password", "reader\n");
  const name = await directory.writeText("name", "reader");
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    credentials: { username: { file: name }, password: { file } },
  });
  await arrives(test, 1);
  await server.ctl(...AS_ROOT, "user", "delete", "reader");
  await server.ctl(...AS_ROOT, "user", "add", "reader:rotated");
  await server.ctl(...AS_ROOT, "user", "grant-role", "reader", "reader");
  await eventually(() => assertEquals(test.provider.status().outage?.reason, "denied"));
  await directory.writeText("password", "rotated\n");
  await put(server, 2, ...AS_ROOT);
  await arrives(test, 2);
  assertEquals(test.provider.status().outage, undefined);
});

Deno.test("etcd provider that is locked out says why and since when, and is degraded after a while", async () => {
  await using server = await EtcdServer.start();
  await put(server, 1);
  await server.enableAuth(PREFIX);
  const health = new Health();
  await using test = await TestProvider.start({
    endpoints: [server.endpoint],
    degradedAfterMs: 50,
    health,
    ...READER,
  });
  const begun = Date.now();
  const { revision } = test.provider.status();
  await server.ctl(...AS_ROOT, "user", "delete", "reader");
  await eventually(() => assert(test.provider.status().degraded));
  const { outage, ...status } = test.provider.status();
  assertEquals([outage?.reason, status.connected, status.revision], ["denied", false, revision]);
  assert(outage!.since >= begun && outage!.since <= Date.now());
  assert(!outage!.message.includes("reader:"));
  await eventually(() =>
    assertEquals(health.troubles().map(({ name, kind }) => [name, kind]), [["etcd", "outdated"]])
  );
  await server.ctl(...AS_ROOT, "auth", "disable");
  await put(server, 2);
  await arrives(test, 2);
  assertEquals([test.provider.status().outage, test.provider.status().degraded], [undefined, false]);
  assertEquals(health.troubles(), []);
});

Deno.test("etcd provider keeps its pause, and leaves etcd alone, while it cannot read its password", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  await using test = TestProvider.create({
    endpoints: [proxy.address],
    credentials: { username: { text: "reader" }, password: { file: "/nowhere/password" } },
    timing: { retryInitialMs: 3_600_000, retryMaxMs: 3_600_000, knockIntervalMs: 3_600_000 },
  });
  const started = assertRejects(() => test.start(), DOMException);
  await eventually(() => assert((test.provider.stats().ends.denied ?? 0) > 0));
  // Time enough for a hundred attempts.
  await server.restart();
  await server.restart();
  assertEquals(test.provider.stats().ends, { denied: 1 });
  assertEquals(proxy.acceptedCount, 0);
  await test[Symbol.asyncDispose]();
  await started;
});

Deno.test("etcd provider names a password file that it cannot use, and goes on when it is there", async () => {
  await using server = await EtcdServer.start();
  await using directory = await TempDir.create();
  await put(server, 1);
  await server.enableAuth(PREFIX);
  const file = directory.file("password");
  await using test = TestProvider.create({
    endpoints: [server.endpoint],
    credentials: { username: { text: "reader" }, password: { file } },
  });
  const started = test.start();
  await eventually(() => assert(test.provider.status().outage?.message.includes(file)));
  assertEquals(test.provider.status().outage?.reason, "denied");
  await directory.writeText("password", "reader");
  await started;
  await arrives(test, 1);
});

/** Starts the provider, sees it fail again and again for one reason, and gives up. */
async function failsToStart(test: TestProvider, reason: EndReason): Promise<void> {
  const aborter = new AbortController();
  const started = assertRejects(() => test.provider.start(test.sink, aborter.signal));
  await eventually(() => assert((test.provider.stats().ends[reason] ?? 0) >= 2));
  aborter.abort();
  await started;
}

/** A server and a provider that are to meet over TLS. */
async function secured(
  names: string,
  host: string,
  options: Partial<TestProviderOptions> & { readonly clientAuth?: boolean; readonly identify?: boolean } = {},
): Promise<AsyncDisposable & { readonly server: EtcdServer; readonly test: TestProvider }> {
  const { clientAuth = false, identify = false, ...more } = options;
  await using resources = new AsyncDisposableStack();
  const certificates = resources.use(await TestCertificates.create());
  await certificates.issue("server", names);
  await certificates.issue("client", "DNS:client");
  const tls: NonNullable<EtcdServerOptions["tls"]> = { certificates, name: "server", clientAuth };
  const server = resources.use(await EtcdServer.start({ tls }));
  const identity = identify
    ? { certFile: certificates.certificateOf("client"), keyFile: certificates.keyOf("client") }
    : {};
  const test = resources.use(TestProvider.create({
    endpoints: [`https://${host}:${server.port}`],
    tls: { caFile: certificates.ca, ...identity },
    ...more,
  }));
  const owned = resources.move();
  return { server, test, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

for (
  const { names, host } of [
    { names: "DNS:localhost,IP:127.0.0.1", host: "localhost" },
    { names: "DNS:localhost,IP:127.0.0.1", host: "127.0.0.1" },
    { names: "IP:127.0.0.1", host: "127.0.0.1" },
  ]
) {
  Deno.test(`etcd provider speaks TLS to ${host} with a certificate for ${names}`, async () => {
    await using subject = await secured(names, host);
    const { server, test } = subject;
    await test.start();
    await put(server, 1);
    await arrives(test, 1);
  });
}

for (
  const { names, host } of [{ names: "DNS:elsewhere.test,IP:127.0.0.1", host: "localhost" }, {
    names: "DNS:localhost,IP:127.0.0.2",
    host: "127.0.0.1",
  }]
) {
  Deno.test(`etcd provider refuses ${host} with a certificate for ${names}`, async () => {
    // The test's own hands reach the server by its address, whatever it calls itself.
    await using subject = await secured(names, host);
    const { test } = subject;
    await failsToStart(test, "unreachable");
    assertEquals(test.sink.batches, []);
  });
}

Deno.test("etcd provider refuses a server whose certificate an unknown authority has issued", async () => {
  await using other = await TestCertificates.create();
  await using subject = await secured("DNS:localhost,IP:127.0.0.1", "localhost", {
    tls: { caFile: other.ca },
  });
  const { test } = subject;
  await failsToStart(test, "unreachable");
});

Deno.test("etcd provider identifies itself with its certificate where etcd asks for one", async () => {
  await using subject = await secured("DNS:localhost,IP:127.0.0.1", "127.0.0.1", {
    clientAuth: true,
    identify: true,
  });
  const { server, test } = subject;
  await test.start();
  await put(server, 1);
  await arrives(test, 1);
});

Deno.test("etcd provider is refused without a certificate where etcd asks for one", async () => {
  await using subject = await secured("DNS:localhost,IP:127.0.0.1", "127.0.0.1", { clientAuth: true });
  const { test } = subject;
  await failsToStart(test, "unreachable");
});

Deno.test("etcd provider reports TLS files that cannot be read and goes on trying", async () => {
  await using server = await EtcdServer.start();
  await using test = TestProvider.create({
    endpoints: [server.endpoint.replace("http:", "https:")],
    tls: { caFile: "/nowhere/ca.crt" },
  });
  await failsToStart(test, "call_failed");
});

Deno.test("etcd provider authenticates over TLS by address, with user and certificate", async () => {
  await using subject = await secured("IP:127.0.0.1", "127.0.0.1", {
    clientAuth: true,
    identify: true,
    ...READER,
  });
  const { server, test } = subject;
  await put(server, 1);
  await server.enableAuth(PREFIX);
  await test.start();
  await arrives(test, 1);
  await put(server, 2, ...AS_ROOT);
  await arrives(test, 2);
});
