import { assertEquals, assertRejects } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { redisRqModule } from "../../src/modules/redis/rq/redis_rq.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RedisServer } from "../support/redis/server.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CONFIG = { function: "shop.tasks.record" };

Deno.test("redis_rq reaches Redis over TLS when it knows who issued the certificate, and for whom", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:redis.test");
  await certificates.issue("client", "DNS:client");
  await using redis = await RedisServer.start({ password: "s3cret", tls: { certificates, name: "server" } });
  const settings = { port: redis.port, password: "s3cret" };
  const { ca } = certificates;
  const attempts: readonly [settings: object, outcome: string][] = [
    [{ host: "127.0.0.1", tls: { ca } }, "delivered"],
    [{ host: "localhost", tls: { ca, servername: "redis.test" } }, "delivered"],
    [{ host: "127.0.0.1", tls: { insecure_skip_verify: true } }, "delivered"],
    [{ host: "127.0.0.1", tls: {} }, "output_unavailable"],
    [{ host: "localhost", tls: { ca } }, "output_unavailable"],
    [{ host: "127.0.0.1" }, "output_unavailable"],
    [{ host: "127.0.0.1", tls: { ca: "/nowhere/ca.crt" } }, "output_unavailable"],
  ];
  for (const [more, outcome] of attempts) {
    await using output = await OpenOutput.open(redisRqModule, { ...settings, ...more });
    assertEquals(await output.attempt(verifiedEvent(), CONFIG), outcome, JSON.stringify(more));
  }
});

Deno.test("redis_rq shows Redis a certificate of its own, read anew for each connection", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1");
  await certificates.issue("client", "DNS:client");
  const { ca } = certificates;
  const [cert, key] = [certificates.certificateOf("late"), certificates.keyOf("late")];
  await using redis = await RedisServer.start({ tls: { certificates, name: "server", clientAuth: true } });
  const settings = { host: "127.0.0.1", port: redis.port };
  await using stranger = await OpenOutput.open(redisRqModule, { ...settings, tls: { ca } });
  await assertRejects(() => stranger.probe(), DeliveryError);
  await using output = await OpenOutput.open(redisRqModule, { ...settings, tls: { ca, cert, key } });
  await assertRejects(() => output.probe(), DeliveryError, "late.");
  await certificates.issue("late", "DNS:client");
  await eventually(async () => assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered"));
});
