import { assertEquals, assertMatch } from "@std/assert";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { RedisServer } from "../support/redis/server.ts";
import { RelayProcesses } from "../support/relay/processes.ts";
import { RelayStream } from "../support/relay/stream.ts";
import { gatewayWebhooks } from "../support/relay/world.ts";
import { startConnectProxy, startTlsFront } from "../support/http/secure_front.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("connector reaches its gateway through the environment's proxy, with authority and identity", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("gateway", "IP:127.0.0.1");
  await certificates.issue("connector", "DNS:connector");
  await using relay = await RelayProcesses.start();
  await using front = await startTlsFront(certificates, "gateway", relay.gateway.port);
  await using proxy = await startConnectProxy();
  const secure = {
    CONNECTOR_CLOUD_URL: `https://127.0.0.1:${front.port}`,
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
    CONNECTOR_CA_CERT_PATH: certificates.ca,
    CONNECTOR_CLIENT_CERT_PATH: certificates.certificateOf("connector"),
    CONNECTOR_CLIENT_KEY_PATH: certificates.keyOf("connector"),
  };
  for (const [n, protocol] of ["websocket", "sse", "long_poll"].entries()) {
    const asked = proxy.asked.length;
    const connector = relay.startConnector({ ...secure, CONNECTOR_PROTOCOL: protocol });
    await connector.waitForLine(/Connected to channel inbox/);
    await relay.send("orders", n);
    // What a slow machine does not acknowledge in time is sent again.
    await eventually(() =>
      assertEquals([...new Set(relay.arrivals.map((arrival) => arrival.n))], [0, 1, 2].slice(0, n + 1))
    );
    assertEquals(proxy.asked[asked], `CONNECT 127.0.0.1:${front.port} HTTP/1.1`);
    connector.kill("SIGTERM");
    assertEquals((await connector.exited).code, 0);
  }
  const { CONNECTOR_CA_CERT_PATH: _, ...untrusting } = secure;
  const stranger = relay.startConnector(untrusting);
  const [line] = await stranger.waitForLine(/Cannot connect to channel inbox .*/);
  assertMatch(line, /certificate/i);
});

Deno.test("gateways that share a queue on Redis lose nothing that one of them held when killed", async () => {
  await using redis = await RedisServer.start();
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", gatewayWebhooks({ ack_timeout_seconds: 1 }));
  const start = (data: string) =>
    GatewayProcess.start({
      cwd: directory.path,
      env: { RELAY_QUEUE: redis.url, DATA_DIR: directory.file(data) },
    });
  await using one = await start("one");
  await using other = await start("other");
  await Promise.all([one.waitUntilReady(), other.waitUntilReady()]);
  for (let n = 0; n < 4; n++) {
    const response = await fetch(`${n % 2 === 0 ? one.url : other.url}/webhook/orders`, {
      method: "POST",
      body: `{"n":${n}}`,
    });
    await response.body?.cancel();
    assertEquals(response.status, 200);
  }
  await using lost = await RelayStream.open(one.url);
  const [first] = await lost.waitForWebhooks(4);
  lost.ack(first!);
  await eventually(async () => assertEquals(await redis.call("XLEN", "cwm:relay:{inbox}:stream"), 3));
  one.kill("SIGKILL");
  await lost.closed;
  await using stream = await RelayStream.open(other.url);
  await stream.waitForWebhooks(3);
  assertEquals(stream.bodies, [1, 2, 3].map((n) => `{"n":${n}}`));
  for (const message of stream.webhooks) stream.ack(message);
  await eventually(async () => assertEquals(await redis.call("XLEN", "cwm:relay:{inbox}:stream"), 0));
});
