import { assert, assertEquals } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { freePort, RedisServer } from "../support/redis/server.ts";
import { TempDir } from "../support/temp_dir.ts";

/** What `cwm check --probe` finds of what webhooks deliver to without a connection. */
async function probe(webhooks: Readonly<Record<string, object>>): Promise<{ code: number; lines: string[] }> {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", webhooks);
  const lines: string[] = [];
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  const code = await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return { code, lines: lines.slice(lines.findIndex((line) => line.startsWith("0 problems")) + 1) };
}

Deno.test("cwm check --probe asks what webhooks deliver to without a connection, and shows no secret", async () => {
  const asked: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    asked.push(`${request.method} ${request.headers.get("upgrade")}`);
    if (request.headers.get("authorization") !== "Bearer s3cret") return new Response(null, { status: 401 });
    return Deno.upgradeWebSocket(request).response;
  });
  const { port } = server.addr;
  await using redis = await RedisServer.start({ persistent: false });
  const [closed, bound] = [freePort(), freePort()];
  const wsConfig = (token: string) => ({
    url: `ws://127.0.0.1:${port}/t0ken`,
    headers: { Authorization: `Bearer ${token}` },
    allowed_hosts: ["127.0.0.1"],
  });
  const http = (url: string) => ({
    module: "http_webhook",
    "module-config": { url, allowed_hosts: ["127.0.0.1"] },
  });
  const { code, lines } = await probe({
    up: http(`http://127.0.0.1:${port}/t0ken?key=t0ken`),
    same: http(`http://127.0.0.1:${port}/other`),
    down: http(`http://127.0.0.1:${closed}/t0ken`),
    open: { module: "websocket", "module-config": wsConfig("s3cret") },
    refused: { module: "websocket", "module-config": wsConfig("wr0ng") },
    asking: {
      module: "zeromq",
      "module-config": { endpoint: `tcp://127.0.0.1:${closed}`, socket_type: "REQ" },
    },
    waiting: {
      module: "zeromq",
      "module-config": { endpoint: `tcp://127.0.0.1:${bound}`, socket_type: "REQ", bind: true },
    },
    printed: { module: "log" },
    own: { module: "redis_publish", redis: { host: "127.0.0.1", port: redis.port, channel: "orders" } },
    lost: { module: "redis_publish", redis: { host: "127.0.0.1", port: closed, channel: "orders" } },
  });
  const shown = lines.map((line) =>
    line.replaceAll(`:${port}`, ":UP").replaceAll(`:${closed}`, ":DOWN").replaceAll(`:${bound}`, ":BOUND")
      .replaceAll(`:${redis.port}`, ":REDIS")
  );
  assertEquals(shown, [
    "connection redis://127.0.0.1:REDIS: redis_publish can take events",
    "connection redis://127.0.0.1:DOWN: Redis 127.0.0.1:DOWN cannot be reached: ECONNREFUSED (output_unavailable)",
    "output http_webhook http://127.0.0.1:UP: http_webhook can take events",
    "output http_webhook http://127.0.0.1:DOWN: Destination 127.0.0.1:DOWN cannot be reached: ECONNREFUSED " +
    "(output_unavailable)",
    "output websocket ws://127.0.0.1:UP: websocket can take events",
    "output websocket ws://127.0.0.1:UP: WebSocket 127.0.0.1:UP does not let the gateway in: check headers and tls " +
    "(401) (output_unavailable)",
    "output zeromq tcp://127.0.0.1:DOWN: ZeroMQ peer tcp://127.0.0.1:DOWN cannot be reached: ECONNREFUSED " +
    "(output_unavailable)",
    "1 connection of 2 cannot take events",
    "3 outputs without a connection of 5 cannot take events",
  ]);
  assertEquals(code, 1);
  assert(!lines.join().includes("t0ken") && !lines.join().includes("s3cret"));
  assertEquals(asked.toSorted(), ["GET websocket", "GET websocket"], "nothing was sent over HTTP");
});
