import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { redisRqModule } from "../../src/modules/redis/rq/redis_rq.ts";
import { BufferedLineWriter } from "../../src/io/line_writer.ts";
import { setUpLogging } from "../../src/observability/logging.ts";
import { eventually } from "../support/eventually.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { TestGateway } from "../support/gateway.ts";
import { RedisServer } from "../support/redis/server.ts";
import { RqWorker } from "../support/redis/rq_worker.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CONFIG = { function: "shop.tasks.record" };

function open(port: number, settings: Readonly<Record<string, unknown>> = {}): Promise<OpenOutput> {
  return OpenOutput.open(redisRqModule, { host: "127.0.0.1", port, ...settings });
}

/** The ids of the events whose jobs wait in the queue, in order. */
async function queuedEvents(redis: RedisServer, queue = "default"): Promise<string[]> {
  const ids = await redis.call("LRANGE", `rq:queue:${queue}`, 0, -1) as string[];
  return ids.map((id) => id.slice(0, id.lastIndexOf("-")));
}

function numbered(count: number) {
  return Array.from({ length: count }, (_, index) => verifiedEvent({ body: `{"number":${index}}` }));
}

Deno.test("redis_rq fails at once while Redis is down, and delivers by itself when it is back", async () => {
  await using redis = await RedisServer.start();
  await using output = await open(redis.port);
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await redis.kill();
  await eventually(async () => {
    assertEquals(await output.attempt(verifiedEvent(), CONFIG), "output_unavailable");
  });
  // For a moment it is the connection that was lost, which is not opened again at once.
  await eventually(() => assertRejects(() => output.probe(), DeliveryError, "ECONNREFUSED"));
  await redis.restart();
  const event = verifiedEvent();
  await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "delivered"));
  assertEquals((await queuedEvents(redis)).at(-1), event.id);
  await output.probe();
});

Deno.test("redis_rq opens before Redis is there", async () => {
  await using redis = await RedisServer.start();
  await redis.kill();
  await using output = await open(redis.port);
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "output_unavailable");
  await redis.restart();
  const event = verifiedEvent();
  await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "delivered"));
});

Deno.test("redis_rq gives up a frozen Redis, and enqueues once what is tried again after the thaw", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port, { timeout: 0.2 });
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await redis.freeze();
  const events = numbered(300);
  const results = await Promise.all(events.map((event) => output.attempt(event, CONFIG)));
  assertEquals(results.filter((result) => result === "output_timeout").length > 0, true);
  assertEquals(results.filter((result) => !/^output_(timeout|unavailable)$/.test(result)), []);
  redis.thaw();
  for (const event of events) {
    await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "delivered"));
  }
  const queued = await queuedEvents(redis);
  assertEquals(queued.slice(1).sort(), events.map(({ id }) => id).sort());
});

Deno.test("redis_rq takes a Redis again that was frozen for longer than connecting may take", async () => {
  await using log = RecordedLog.start("debug");
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port, { timeout: 0.2 });
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await redis.freeze();
  const events = numbered(20);
  // First the connection is silent, and then those that take its place.
  await eventually(async () => {
    await Promise.all(events.map((event) => output.attempt(event, CONFIG)));
    assertStringIncludes(await log.text(), "did not answer within 3000 ms");
  });
  redis.thaw();
  for (const event of events) {
    await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "delivered"));
  }
  assertEquals((await queuedEvents(redis)).slice(1).sort(), events.map(({ id }) => id).sort());
  assertStringIncludes((await log.records()).at(-1)?.["message"] as string, "answers again");
});

Deno.test("redis_rq does not enqueue again what was enqueued although its answer got lost", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using proxy = TcpProxy.start({ port: redis.port });
  await using output = await open(proxy.port, { timeout: 0.2 });
  await output.probe();
  proxy.freeze("to_client");
  const events = numbered(50);
  const lost = await output.deliver(events, CONFIG);
  assertEquals(lost.filter((result) => result === "delivered"), []);
  assertEquals((await queuedEvents(redis)).length, events.length);
  proxy.thaw("to_client");
  await eventually(async () => {
    const again = await output.deliver(events, CONFIG);
    assertEquals(again.filter((result) => result !== "delivered"), []);
  });
  assertEquals(await queuedEvents(redis), events.map(({ id }) => id));
});

Deno.test("redis_rq does not enqueue again what has been run and removed meanwhile", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using proxy = TcpProxy.start({ port: redis.port });
  await using output = await open(proxy.port, { timeout: 0.2 });
  await using worker = await RqWorker.start(redis);
  const config = { ...CONFIG, result_ttl: 0 };
  await output.probe();
  proxy.freeze("to_client");
  const event = verifiedEvent();
  assertEquals(await output.attempt(event, config), "output_timeout");
  await worker.waitForCalls(1);
  await eventually(async () => assertEquals(await redis.call("KEYS", "rq:job:*"), []));
  proxy.thaw("to_client");
  await eventually(async () => assertEquals(await output.attempt(event, config), "delivered"));
  const other = verifiedEvent();
  assertEquals(await output.attempt(other, config), "delivered");
  const calls = await worker.waitForCalls(2);
  assertEquals(calls.map(({ headers }) => headers["cwm-event-id"]), [event.id, other.id]);
});

Deno.test("redis_rq enqueues one event for each function and queue that it is delivered to", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port);
  const event = verifiedEvent();
  for (
    const config of [CONFIG, { ...CONFIG, queue_name: "other" }, { function: "shop.tasks.fail" }, CONFIG]
  ) {
    assertEquals(await output.attempt(event, config), "delivered");
  }
  assertEquals(await queuedEvents(redis), [event.id, event.id]);
  assertEquals(await queuedEvents(redis, "other"), [event.id]);
  assertEquals((await redis.call("SMEMBERS", "rq:queues") as string[]).sort(), [
    "rq:queue:default",
    "rq:queue:other",
  ]);
});

Deno.test("redis_rq remembers for dedup_ttl seconds what it has enqueued", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port);
  await output.attempt(verifiedEvent(), { ...CONFIG, dedup_ttl: 100 });
  const [mark] = await redis.call("KEYS", "cwm:*") as string[];
  assertEquals(await redis.call("TTL", mark!), 100);
  await redis.call("FLUSHALL");
  await output.attempt(verifiedEvent(), { ...CONFIG, dedup_ttl: 0 });
  assertEquals(await redis.call("KEYS", "cwm:*"), []);
  assertEquals((await queuedEvents(redis)).length, 1);
});

Deno.test("redis_rq keeps events for later while Redis is a replica, and finds the new primary", async () => {
  await using primary = await RedisServer.start();
  await using replica = await RedisServer.start({ replicaOf: primary });
  await using output = await open(replica.port);
  await assertRejects(() => output.probe(), DeliveryError, "READONLY");
  const event = verifiedEvent();
  assertEquals(await output.attempt(event, CONFIG), "output_unavailable");
  await replica.call("REPLICAOF", "NO", "ONE");
  await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "delivered"));
  assertEquals(await queuedEvents(replica), [event.id]);
});

Deno.test("redis_rq leaves a connection that turned read-only, since a failover moves the name", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using proxy = TcpProxy.start({ port: redis.port });
  await using output = await open(proxy.port);
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await redis.call("REPLICAOF", "127.0.0.1", 1);
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "output_unavailable");
  await eventually(async () => {
    await output.attempt(verifiedEvent(), CONFIG);
    assert(proxy.acceptedCount > 1, "no second connection was opened");
  });
});

Deno.test("redis_rq keeps events for later while Redis is out of memory, all or nothing of each", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port);
  await redis.call("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "noeviction");
  const event = verifiedEvent();
  assertEquals(await output.attempt(event, CONFIG), "output_unavailable");
  await assertRejects(() => output.probe(), DeliveryError, "OOM");
  assertEquals(await redis.call("DBSIZE"), 0);
  await redis.call("CONFIG", "SET", "maxmemory", 0);
  assertEquals(await output.attempt(event, CONFIG), "delivered");
  assertEquals(await queuedEvents(redis), [event.id]);
});

Deno.test("redis_rq keeps events for later while its password is wrong, and does not show it", async () => {
  await using redis = await RedisServer.start({ password: "right-s3cret" });
  await using output = await open(redis.port, { password: "wrong-s3cret" });
  const event = verifiedEvent();
  const [failure] = await output.deliver([event], CONFIG);
  assertEquals(failure instanceof DeliveryError && failure.code, "output_unavailable");
  const shown = Deno.inspect(failure, { depth: Infinity });
  assertStringIncludes(shown, "WRONGPASS");
  assert(!shown.includes("s3cret"), shown);
  await redis.call("CONFIG", "SET", "requirepass", "wrong-s3cret");
  await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "delivered"));
});

Deno.test("redis_rq keeps events for later while Redis asks for a password that it was not given", async () => {
  await using redis = await RedisServer.start({ password: "s3cret" });
  await using output = await open(redis.port);
  await assertRejects(() => output.probe(), DeliveryError, "NOAUTH");
  await redis.call("CONFIG", "SET", "requirepass", "");
  await eventually(async () => assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered"));
});

Deno.test("redis_rq works for a user who may do what it needs and nothing else", async () => {
  await using redis = await RedisServer.start();
  const rules = ["on", ">s3cret", "~rq:*", "~cwm:rq:*", "+eval", "+evalsha"];
  const commands = ["+exists", "+sadd", "+rpush", "+hset", "+expire", "+set"];
  await redis.call("ACL", "SETUSER", "gateway", ...rules, ...commands);
  await using output = await open(redis.port, { username: "gateway", password: "s3cret" });
  await output.probe();
  assertEquals(await output.attempt(verifiedEvent(), { ...CONFIG, ttl: 60 }), "delivered");
  await redis.call("ACL", "SETUSER", "gateway", "-eval", "-evalsha");
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "output_unavailable");
});

Deno.test("redis_rq writes into no other database than the one that is configured", async () => {
  await using redis = await RedisServer.start({ args: ["--databases", "4"] });
  await using good = await open(redis.port, { db: 3 });
  assertEquals(await good.attempt(verifiedEvent(), CONFIG), "delivered");
  await using bad = await open(redis.port, { db: 4 });
  assertEquals(await bad.attempt(verifiedEvent(), CONFIG), "output_failed");
  assertStringIncludes(String(await redis.call("INFO", "keyspace")), "db3:keys=");
  assertEquals(await redis.call("DBSIZE"), 0);
});

Deno.test("redis_rq keeps events for later while Redis runs an endless script", async () => {
  await using redis = await RedisServer.start({ args: ["--lua-time-limit", "20"] });
  await using output = await open(redis.port);
  await output.probe();
  await redis.call("PING");
  const endless = redis.client().eval("while true do end", 0);
  const event = verifiedEvent();
  await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "output_unavailable"));
  await Promise.all([redis.call("SCRIPT", "KILL"), assertRejects(() => endless, Error, "killed")]);
  assertEquals(await output.attempt(event, CONFIG), "delivered");
});

Deno.test("redis_rq says of a Redis in cluster mode that it is not supported", async () => {
  await using redis = await RedisServer.start({ args: ["--cluster-enabled", "yes"] });
  await using output = await open(redis.port);
  const [failure] = await output.deliver([verifiedEvent()], CONFIG);
  assertStringIncludes(String(failure), "cluster");
});

Deno.test("redis_rq delivers after Redis has forgotten its scripts", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port);
  await output.deliver(numbered(3), CONFIG);
  await redis.call("SCRIPT", "FLUSH");
  assertEquals(await output.deliver(numbered(3), CONFIG), ["delivered", "delivered", "delivered"]);
  assertEquals((await queuedEvents(redis)).length, 6);
});

Deno.test("redis_rq refuses for good an event that it cannot enqueue, and delivers its neighbours", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port);
  const bodies = ["[1]", "not JSON", `[${"9".repeat(4301)}]`, "[2]"];
  const events = bodies.map((body) => verifiedEvent({ body }));
  const results = await output.deliver(events, CONFIG);
  assertEquals(results.map((result) => result instanceof DeliveryError ? result.code : result), [
    "delivered",
    "output_rejected",
    "output_rejected",
    "delivered",
  ]);
  assertEquals(await queuedEvents(redis), [events[0]!.id, events[3]!.id]);
});

Deno.test("redis_rq writes together what many senders deliver while Redis is at work", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const webhook = { module: "redis_rq", accept: "delivered", "module-config": CONFIG };
  await using gateway = await TestGateway.start({
    webhooks: { orders: webhook },
    connections: { redis: { type: "redis-rq", host: "127.0.0.1", port: redis.port } },
  });
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  const before = await readsProcessed(redis);
  await redis.freeze();
  const answers = Array.from({ length: 300 }, () => gateway.post("/webhook/orders", "{}"));
  await eventually(async () => {
    const { text } = await gateway.request("/metrics");
    assertEquals(/^cwm_inflight_requests (\d+)$/m.exec(text)?.[1], "300");
  });
  redis.thaw();
  assertEquals(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([200]));
  assertEquals((await queuedEvents(redis)).length, 301);
  // Each look at the count is a read of its own.
  assert(await readsProcessed(redis) - before < 20);
});

async function readsProcessed(redis: RedisServer): Promise<number> {
  return Number(/total_reads_processed:(\d+)/.exec(String(await redis.call("INFO", "stats")))?.[1]);
}

Deno.test("redis_rq logs that Redis refuses it a few times, not at every attempt, and no password", async () => {
  await using redis = await RedisServer.start({ password: "right-s3cret" });
  let log = "";
  const target = {
    writeSync: (bytes: Uint8Array) => {
      log += new TextDecoder().decode(bytes);
      return bytes.length;
    },
    write: (bytes: Uint8Array) => Promise.resolve(target.writeSync(bytes)),
  };
  {
    await using writer = new BufferedLineWriter(target);
    await using _logging = setUpLogging({ level: "debug", format: "json", writer });
    await using output = await open(redis.port, { password: "wrong-s3cret" });
    for (let number = 0; number < 200; number++) await output.attempt(verifiedEvent(), CONFIG);
    await redis.call("CONFIG", "SET", "requirepass", "wrong-s3cret");
    await eventually(async () => assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered"));
  }
  const records = log.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assertEquals(records.map(({ level }) => level), ["warning", "info"]);
  assertStringIncludes(records[0].message, "WRONGPASS");
  assertStringIncludes(records[1].message, "answers again");
  assert(!log.includes("s3cret"), log);
});

Deno.test("redis_rq can be closed while Redis is frozen, and leaves no connection behind", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port);
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await redis.freeze();
  const pending = output.attempt(verifiedEvent(), CONFIG);
  await output[Symbol.asyncDispose]();
  assertEquals(await pending, "output_unavailable");
  redis.thaw();
  await eventually(async () => assertEquals(await redis.foreignClients(), 0));
});

Deno.test("redis_rq can be closed while it waits for a frozen Redis to answer its first connection", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await redis.freeze();
  await using proxy = TcpProxy.start({ port: redis.port });
  await using output = await open(proxy.port);
  const pending = output.attempt(verifiedEvent(), CONFIG);
  await eventually(() => proxy.connectionCount === 1);
  await output[Symbol.asyncDispose]();
  assertEquals(await pending, "output_unavailable");
});

Deno.test("redis_rq ends an attempt whose time is up while Redis is frozen", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await open(redis.port, { timeout: 60 });
  await output.probe();
  await redis.freeze();
  const controller = new AbortController();
  const pending = output.attempt(verifiedEvent(), CONFIG, { signal: controller.signal });
  controller.abort();
  assertEquals(await pending, "output_timeout");
});
