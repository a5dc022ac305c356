import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { assertFailed, ClickhouseOutput, numberedEvents } from "../support/clickhouse/output.ts";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";

/** A server with a certificate for `clickhouse.test` that wants one of its clients. */
async function setUp() {
  await using resources = new AsyncDisposableStack();
  const certificates = resources.use(await TestCertificates.create());
  await certificates.issue("server", "DNS:clickhouse.test");
  await certificates.issue("client", "DNS:gateway.test");
  const tls = { certificates, name: "server", clientAuth: true };
  const server = resources.use(await ClickhouseServer.start({ tls }));
  await server.createTable("webhook_logs");
  const stack = resources.move();
  return {
    server,
    ca: certificates.ca,
    identity: { cert: certificates.certificateOf("client"), key: certificates.keyOf("client") },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("clickhouse inserts over HTTPS with authorities, server name and client certificate", async () => {
  await using world = await setUp();
  const { server: { httpsPort }, ca, identity } = world;
  for (
    const settings of [
      { tls: { ca, servername: "clickhouse.test", ...identity } },
      { tls: { insecure_skip_verify: true, ...identity } },
      { verify: false, tls: identity },
    ]
  ) {
    await using output = await ClickhouseOutput.open({ secure: true, http_port: httpsPort, ...settings });
    assertEquals(await output.deliverAll(numberedEvents(1), {}), ["delivered"]);
  }
  assertEquals(await world.server.count("webhook_logs"), 3);
});

Deno.test("clickhouse sends nothing to a server that one of the two cannot verify", async () => {
  await using world = await setUp();
  const { server: { httpsPort }, ca, identity } = world;
  for (
    const settings of [
      {},
      { tls: { ca, ...identity } },
      { tls: { ca, servername: "other.test", ...identity } },
      { tls: { ca, servername: "clickhouse.test" } },
    ]
  ) {
    await using output = await ClickhouseOutput.open({ secure: true, http_port: httpsPort, ...settings });
    const [result] = await output.deliverAll(numberedEvents(1), {});
    assertFailed(result, "output_unavailable");
  }
  assertEquals(await world.server.count("webhook_logs"), 0);
});

Deno.test("clickhouse says which file for TLS it cannot read", async () => {
  await using output = await ClickhouseOutput.open({ secure: true, tls: { ca: "does-not-exist.pem" } });
  const error = await assertRejects(() => output.probe(), DeliveryError);
  assertEquals(error.code, "output_unavailable");
  assertStringIncludes(error.message, "does-not-exist.pem");
});
