import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { redisStreamModule } from "../../src/modules/redis/stream/redis_stream.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RedisServer } from "../support/redis/server.ts";
import { streamEntries, streamTexts } from "../support/redis/stream.ts";
import { verifiedEvent } from "../support/verified_event.ts";

function open(redis: RedisServer, settings: Readonly<Record<string, unknown>> = {}): Promise<OpenOutput> {
  return OpenOutput.open(redisStreamModule, { host: "127.0.0.1", port: redis.port, ...settings });
}

function numbered(count: number) {
  return Array.from({ length: count }, (_, index) => verifiedEvent({ body: `{"number":${index}}` }));
}

/** What `redis-cli` prints for a command, as JSON. */
async function redisCli(redis: RedisServer, ...args: string[]): Promise<unknown> {
  const { stdout } = await new Deno.Command("redis-cli", {
    args: ["-p", String(redis.port), "--json", ...args],
  })
    .output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("a consumer group reads entries that redis_stream adds, numbers with all their digits", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis);
  await redisCli(redis, "XGROUP", "CREATE", "orders", "billing", "0", "MKSTREAM");
  const event = verifiedEvent({
    namespace: "shop",
    headers: { "content-type": "application/json", "x-shop": "Zoë", authorization: "Bearer s3cret" },
    body: '{"id":12345678901234567890, "price":1.0,"name":"Zoë 🎉"}',
  });
  assertEquals(await output.attempt(event, { stream: "orders" }), "delivered");
  const read = ["XREADGROUP", "GROUP", "billing", "worker", "STREAMS", "orders", ">"];
  const { orders: [[, fields]] } = await redisCli(redis, ...read) as { orders: [[string, string[]]] };
  const names = fields.filter((_, index) => index % 2 === 0);
  assertEquals(names, ["event_id", "namespace", "webhook", "received_at", "headers", "payload"]);
  const values = fields.filter((_, index) => index % 2 === 1);
  assertEquals(values.toSpliced(4, 1), [
    event.id,
    "shop",
    "orders",
    "2026-01-02T03:04:05.678Z",
    '{"id":12345678901234567890, "price":1.0,"name":"Zoë 🎉"}',
  ]);
  assertEquals(JSON.parse(values[4]!), {
    "content-type": "application/json",
    "x-shop": "Zoë",
    "cwm-event-id": event.id,
    "cwm-namespace": "shop",
    "cwm-webhook": "orders",
    "cwm-received-at": "2026-01-02T03:04:05.678Z",
  });
});

Deno.test("redis_stream adds one JSON object, or the body alone, under the field that is named", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis);
  const event = verifiedEvent({ type: "order.paid", body: '{"price":1.0}' });
  await output.deliver([event], { stream: "json", format: "json", field: "event" });
  await output.deliver([event], { stream: "raw", format: "raw", field: "data" });
  const [json] = await streamTexts(redis, "json", "event");
  assertStringIncludes(json!, '"payload":{"price":1.0}}');
  assertEquals([JSON.parse(json!).event_id, JSON.parse(json!).event_type], [event.id, "order.paid"]);
  assertEquals((await streamEntries(redis, "raw")).map((entry) => [...entry.keys()]), [["data"]]);
  assertEquals(await streamTexts(redis, "raw", "data"), ['{"price":1.0}']);
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const blob = verifiedEvent({ body: bytes });
  await output.deliver([blob], { stream: "blob", format: "json" }, { dataType: "blob" });
  const [envelope] = await streamTexts(redis, "blob", "payload");
  assertEquals(JSON.parse(envelope!).body_base64, bytes.toBase64());
});

Deno.test("an event whose answer got lost is in the stream once, however often it is tried again", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis, { timeout: 0.3 });
  const events = numbered(20);
  const config = { stream: "orders", dedup_ttl: 60 };
  assertEquals(await output.attempt(events[0]!, config), "delivered");
  await redis.freeze();
  const lost = await output.deliver(events, config);
  const codes = lost.map((result) => result === "delivered" ? result : result.code);
  assertEquals(new Set(codes), new Set(["output_timeout"]));
  redis.thaw();
  await eventually(async () => {
    const results = await output.deliver(events, config);
    assertEquals(results, events.map(() => "delivered"));
  });
  assertEquals(await streamTexts(redis, "orders", "event_id"), events.map(({ id }) => id));
  const marks = await redis.call("KEYS", "cwm:stream:{orders}:*") as string[];
  assertEquals(marks.length, events.length);
  const secondsLeft = Number(await redis.call("TTL", marks[0]!));
  assert(secondsLeft > 0 && secondsLeft <= 60, String(secondsLeft));
  // Other streams, other forms of the same event, and events that nobody remembers are no repetitions.
  for (const more of [{ stream: "others" }, { stream: "orders", format: "raw" }]) {
    assertEquals(await output.attempt(events[0]!, more), "delivered");
  }
  const unmarked = { stream: "unmarked", dedup_ttl: 0 };
  for (let attempt = 1; attempt <= 2; attempt++) await output.attempt(events[0]!, unmarked);
  const lengths = ["others", "orders", "unmarked"].map((stream) => redis.call("XLEN", stream));
  assertEquals(await Promise.all(lengths), [1, 21, 2]);
  assertEquals(await redis.call("KEYS", "cwm:stream:{unmarked}:*"), []);
});

Deno.test("redis_stream removes nothing from a stream unless it is asked to", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis);
  await redis.call("CONFIG", "SET", "stream-node-max-entries", 10);
  const events = numbered(100);
  await output.deliver(events, { stream: "all" });
  await output.deliver(events, { stream: "exact", maxlen: 25, maxlen_exact: true });
  await output.deliver(events, { stream: "about", maxlen: 25 });
  assertEquals(await redis.call("XLEN", "all"), 100);
  const kept = await streamTexts(redis, "exact", "event_id");
  assertEquals(kept, events.slice(75).map(({ id }) => id));
  const about = Number(await redis.call("XLEN", "about"));
  assert(about > 25 && about < 40, `${about} entries`);
});

Deno.test("an event for a stream that nobody has made waits until somebody has, if that is asked for", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis);
  const event = verifiedEvent();
  const config = { stream: "orders", create_stream: false };
  const [failure] = await output.deliver([event], config);
  assert(failure instanceof DeliveryError && failure.disposition === "retry");
  assertStringIncludes(failure.message, "has no such stream");
  assertEquals(await redis.call("KEYS", "*"), []);
  await redis.call("XGROUP", "CREATE", "orders", "billing", "$", "MKSTREAM");
  assertEquals(await output.attempt(event, config), "delivered");
  await redis.call("DEL", "orders");
  const [deleted, later] = [verifiedEvent(), verifiedEvent()];
  assertEquals(await output.attempt(deleted, config), "output_failed");
  await redis.call("XGROUP", "CREATE", "orders", "billing", "$", "MKSTREAM");
  for (const each of [deleted, later]) assertEquals(await output.attempt(each, config), "delivered");
  assertEquals(await streamTexts(redis, "orders", "event_id"), [deleted.id, later.id]);
});

Deno.test("redis_stream adds an event once whatever its user was refused meanwhile, and names it", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const rights = ["~orders", "~cwm:stream:*", "+eval", "+evalsha", "+exists", "+set", "+xadd"];
  const permit = (without?: string) =>
    redis.call(
      ...["ACL", "SETUSER", "gateway", "reset", "on", ">s3cret"] as const,
      ...rights.filter((right) => right !== without),
    );
  await permit();
  await using output = await open(redis, { username: "gateway", password: "s3cret" });
  const config = { stream: "orders" };
  // A script that Redis knows, so that EVALSHA alone would do.
  assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
  for (const without of rights.filter((right) => right !== "+eval")) {
    await permit(without);
    const event = verifiedEvent();
    const before = await redis.call("XLEN", "orders");
    const [failure] = await output.deliver([event], config);
    assert(failure instanceof DeliveryError && failure.disposition === "retry", without);
    assertStringIncludes(failure.message, "does not permit");
    const named = without.startsWith("~") ? "EVALSHA" : without.slice(1).toUpperCase();
    assertStringIncludes(failure.message, named);
    assert(!failure.message.includes(event.id), failure.message);
    assertEquals([await redis.call("XLEN", "orders"), await redis.call("KEYS", `*${event.id}*`)], [
      before,
      [],
    ]);
    await permit();
    for (let attempt = 1; attempt <= 2; attempt++) {
      assertEquals(await output.attempt(event, config), "delivered", without);
    }
    assertEquals((await streamTexts(redis, "orders", "event_id")).filter((id) => id === event.id), [
      event.id,
    ]);
  }
});

/** A gateway whose webhook adds to the stream `orders`, and tries again after a moment. */
function startGateway(redis: RedisServer, connection: Readonly<Record<string, unknown>> = {}) {
  return TestGateway.start({
    webhooks: {
      orders: {
        module: "redis_stream",
        "module-config": { stream: "orders" },
        retry: { initial_delay: 0.05, max_delay: 0.1 },
      },
    },
    connections: { main: { type: "redis", host: "127.0.0.1", port: redis.port, ...connection } },
  });
}

async function post(gateway: TestGateway, body: string): Promise<string> {
  const { status, text } = await gateway.post("/webhook/orders", body);
  assertEquals(status, 200, text);
  return JSON.parse(text).event_id;
}

/** Waits until the gateway knows whether Redis takes events. */
async function isUp(gateway: TestGateway, expected: boolean): Promise<void> {
  await eventually(async () => {
    const { text } = await gateway.request("/metrics");
    assertEquals(/^cwm_output_up\{.*\} (\d)$/m.exec(text)?.[1], expected ? "1" : "0");
  });
}

Deno.test("an event longer than Redis takes goes alone to the dead letters, the others arrive", async () => {
  await using redis = await RedisServer.start({ persistent: false, args: ["--proto-max-bulk-len", "1mb"] });
  await using gateway = await startGateway(redis);
  await post(gateway, "[0]");
  await eventually(async () => assertEquals(await redis.call("XLEN", "orders"), 1));
  await redis.freeze();
  for (const body of ["[1]", "[2]", `["${"x".repeat(2 * 1024 * 1024)}"]`, "[3]", "[4]"]) {
    await post(gateway, body);
  }
  redis.thaw();
  await eventually(async () => {
    const payloads = await streamTexts(redis, "orders", "payload");
    assertEquals(payloads.toSorted(), ["[0]", "[1]", "[2]", "[3]", "[4]"]);
    assertMatch((await gateway.request("/metrics")).text, /^cwm_dead_letters 1$/m);
  });
});

Deno.test("no event is lost or added twice while Redis is killed, frozen, and refuses the user", async () => {
  await using redis = await RedisServer.start();
  const permit = (password: string) =>
    redis.call("ACL", "SETUSER", "gateway", "reset", "on", `>${password}`, "~*", "+@all");
  await permit("s3cret");
  await using gateway = await startGateway(redis, { username: "gateway", password: "s3cret", timeout: 0.5 });
  const ids: string[] = [];
  const send = async (isOver: () => boolean) => {
    while (!isOver()) ids.push(await post(gateway, `[${ids.length}]`));
  };
  const sent = (count: number) => eventually(() => ids.length >= count);
  const during = async (fault: () => Promise<void>) => {
    let isOver = false;
    const senders = Promise.all([send(() => isOver), send(() => isOver)]);
    try {
      await sent(ids.length + 10);
      await isUp(gateway, true);
      await fault();
      await sent(ids.length + 10);
    } finally {
      isOver = true;
      await senders;
    }
  };
  await during(async () => {
    await redis.restart();
    await permit("s3cret");
  });
  await during(async () => {
    await redis.freeze();
    await isUp(gateway, false);
    redis.thaw();
  });
  await during(async () => {
    await permit("another");
    await redis.call("CLIENT", "KILL", "USER", "gateway");
    await isUp(gateway, false);
    await permit("s3cret");
  });
  await eventually(async () => {
    const added = await streamTexts(redis, "orders", "event_id");
    assertEquals(added.toSorted(), ids.toSorted());
  });
});
