import { assertEquals, assertRejects } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { redisPublishModule } from "../../src/modules/redis/redis_publish.ts";
import { eventually } from "../support/eventually.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RedisServer } from "../support/redis/server.ts";
import { verifiedEvent } from "../support/verified_event.ts";

function open(port: number, settings: Readonly<Record<string, unknown>> = {}): Promise<OpenOutput> {
  return OpenOutput.open(redisPublishModule, { host: "127.0.0.1", port, ...settings });
}

Deno.test("redis_publish publishes events in an envelope, numbers with all their digits", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const messages = await redis.subscribe("webhook_events");
  await using output = await open(redis.port);
  const event = verifiedEvent({
    namespace: "shop",
    headers: { "content-type": "application/json", "x-shop": "Zoë", cookie: "s3cret" },
    body: '{"id":12345678901234567890, "price":1.0}',
  });
  assertEquals(await output.attempt(event, {}), "delivered");
  await eventually(() => assertEquals(messages.length, 1));
  const text = new TextDecoder().decode(messages[0]);
  assertEquals(text.slice(text.indexOf('"payload"')), '"payload":{"id":12345678901234567890, "price":1.0}}');
  const { payload: _, ...head } = JSON.parse(text);
  assertEquals(head, {
    event_id: event.id,
    namespace: "shop",
    webhook: "orders",
    received_at: "2026-01-02T03:04:05.678Z",
    headers: {
      "content-type": "application/json",
      "x-shop": "Zoë",
      "cwm-event-id": event.id,
      "cwm-namespace": "shop",
      "cwm-webhook": "orders",
      "cwm-received-at": "2026-01-02T03:04:05.678Z",
    },
  });
});

Deno.test("redis_publish puts a blob into the envelope in Base64, or publishes its bytes", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const messages = await redis.subscribe("blobs");
  await using output = await open(redis.port);
  const body = Uint8Array.from({ length: 256 }, (_, index) => index);
  const event = verifiedEvent({ body });
  await output.deliver([event], { channel: "blobs" }, { dataType: "blob" });
  await output.deliver([event], { channel: "blobs", format: "raw" }, { dataType: "blob" });
  await eventually(() => assertEquals(messages.length, 2));
  assertEquals(JSON.parse(new TextDecoder().decode(messages[0])).body_base64, body.toBase64());
  assertEquals(new Uint8Array(messages[1]!), body);
});

Deno.test("redis_publish counts as delivered what nobody was there to hear", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port);
  assertEquals(await output.attempt(verifiedEvent(), { channel: "nobody" }), "delivered");
});

Deno.test("redis_publish refuses for good what is not JSON although the webhook says so", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port);
  assertEquals(await output.attempt(verifiedEvent({ body: "{" }), {}), "output_rejected");
  assertEquals(await output.attempt(verifiedEvent({ body: "{" }), { format: "raw" }), "delivered");
});

Deno.test("redis_publish keeps events for later while Redis is frozen, down or forbids the channel", async () => {
  await using redis = await RedisServer.start();
  const rules = ["on", ">s3cret", "resetchannels", "&shop:*", "+publish", "+ping"];
  await redis.call("ACL", "SETUSER", "gateway", ...rules);
  await using output = await open(redis.port, { username: "gateway", password: "s3cret", timeout: 0.2 });
  assertEquals(await output.attempt(verifiedEvent(), { channel: "shop:orders" }), "delivered");
  assertEquals(await output.attempt(verifiedEvent(), { channel: "other" }), "output_unavailable");
  await redis.freeze();
  assertEquals(await output.attempt(verifiedEvent(), { channel: "shop:orders" }), "output_timeout");
  redis.thaw();
  await redis.kill();
  await eventually(async () => {
    assertEquals(await output.attempt(verifiedEvent(), { channel: "shop:orders" }), "output_unavailable");
  });
  await assertRejects(() => output.probe(), DeliveryError);
});
