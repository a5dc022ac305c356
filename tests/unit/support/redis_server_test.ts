import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { TestCertificates } from "../../support/etcd/certificates.ts";
import { RedisServer } from "../../support/redis/server.ts";

Deno.test("RedisServer keeps port and data over a restart", async () => {
  await using redis = await RedisServer.start();
  const { port } = redis;
  await redis.call("SET", "greeting", new Uint8Array([0, 255, 128]));
  await redis.restart();
  assertEquals(redis.port, port);
  assertEquals(await redis.callForBytes("GET", "greeting").then((value) => [...value as Uint8Array]), [
    0,
    255,
    128,
  ]);
});

Deno.test("RedisServer answers nothing while it is frozen, and then everything", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await redis.call("SET", "a", 1);
  await redis.freeze();
  let answered = false;
  const pending = redis.call("GET", "a").then((value) => {
    answered = true;
    return value;
  });
  assertEquals(answered, false);
  redis.thaw();
  assertEquals(await pending, "1");
});

Deno.test("RedisServer refuses writes beyond its memory and as a replica", async () => {
  await using master = await RedisServer.start({ maxmemory: "100kb" });
  await assertRejects(() => master.call("SET", "a", "b"), Error, "OOM");
  await using replica = await RedisServer.start({ replicaOf: master });
  await replica.caughtUp();
  await assertRejects(() => replica.call("SET", "a", "b"), Error, "READONLY");
});

Deno.test("RedisServer serves over TLS those who know its password", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1");
  await certificates.issue("client", "DNS:client");
  const tls = { certificates, name: "server", clientAuth: true };
  await using redis = await RedisServer.start({ password: "s3cret", tls });
  assertEquals(await redis.call("PING"), "PONG");
});

Deno.test("RedisServer collects what is published on a channel", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const messages = await redis.subscribe("news");
  await redis.call("PUBLISH", "news", "hello");
  await eventually(() => assertEquals(messages.map((bytes) => new TextDecoder().decode(bytes)), ["hello"]));
  assertEquals(await redis.foreignClients(), 0);
});
