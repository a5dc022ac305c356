import { assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { RedisServer } from "../support/redis/server.ts";
import { RqWorker } from "../support/redis/rq_worker.ts";

const WEBHOOKS = {
  jobs: { module: "redis_rq", accept: "delivered", "module-config": { function: "shop.tasks.record" } },
  blobs: {
    data_type: "blob",
    module: "redis_rq",
    accept: "delivered",
    "module-config": { function: "shop.tasks.record" },
  },
  news: { module: "redis_publish", accept: "delivered", "module-config": { channel: "news" } },
  printed: { module: "log" },
};

function connectionsTo(redis: RedisServer) {
  const settings = { host: "127.0.0.1", port: redis.port };
  return {
    redis_main: { type: "redis-rq", ...settings, timeout: "{$REDIS_TIMEOUT:5}", password: null },
    redis_news: { type: "redis", ...settings },
  };
}

Deno.test("webhooks reach rq workers and subscribers over the only connection of their type", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const messages = await redis.subscribe("news");
  await using worker = await RqWorker.start(redis);
  await using gateway = await TestGateway.start({ webhooks: WEBHOOKS, connections: connectionsTo(redis) });
  const body = '{"id":9007199254740993,"price":1.0}';
  const headers = { "content-type": "application/json", authorization: "Bearer s3cret" };
  for (const webhook of ["jobs", "blobs", "news"]) {
    assertEquals((await gateway.post(`/webhook/${webhook}`, body, headers)).status, 200);
  }
  const calls = await worker.waitForCalls(2);
  assertEquals(calls.map(({ type }) => type), ["dict", "bytes"]);
  assertEquals(calls[0]?.payload, '{"id": 9007199254740993, "price": 1.0}');
  assertEquals(calls[1]?.payload, new TextEncoder().encode(body).toBase64());
  assertEquals(calls[0]?.headers["authorization"], undefined);
  await eventually(() => assertEquals(messages.length, 1));
  assertStringIncludes(new TextDecoder().decode(messages[0]), `"payload":${body}`);
});

Deno.test("a frozen Redis holds up no other webhook, and takes every event once when it goes on", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using gateway = await TestGateway.start({
    webhooks: WEBHOOKS,
    connections: connectionsTo(redis),
    environment: { REDIS_TIMEOUT: "8" },
  });
  assertEquals((await gateway.post("/webhook/jobs", "{}")).status, 200);
  await redis.freeze();
  const jobs = Array.from({ length: 30 }, (_, index) => gateway.post("/webhook/jobs", `{"number":${index}}`));
  for (let number = 0; number < 100; number++) {
    assertEquals((await gateway.post("/webhook/printed", `{"number":${number}}`)).status, 200);
  }
  // Redis is given eight seconds, so none of the senders has been told anything yet.
  assertEquals(await Promise.race([...jobs, "none"]), "none");
  redis.thaw();
  const answers = await Promise.all(jobs);
  assertEquals(answers.map(({ status }) => status), answers.map(() => 200));
  const ids = answers.map(({ text }) => JSON.parse(text).event_id as string);
  const queued = await redis.call("LRANGE", "rq:queue:default", 1, -1) as string[];
  assertEquals(queued.map((id) => id.slice(0, id.lastIndexOf("-"))).sort(), ids.sort());
});

Deno.test("events that were accepted while Redis was down are jobs once each when it is back", async () => {
  await using redis = await RedisServer.start();
  const { jobs: { accept: _, ...jobs } } = WEBHOOKS;
  const webhooks = { jobs: { ...jobs, retry: { initial_delay: 0.1, max_delay: 0.2 } } };
  await using gateway = await TestGateway.start({ webhooks, connections: connectionsTo(redis) });
  await redis.kill();
  const answers = [];
  for (let number = 0; number < 20; number++) {
    answers.push(await gateway.post("/webhook/jobs", `[${number}]`));
  }
  assertEquals(answers.map(({ status }) => status), answers.map(() => 200));
  await redis.restart();
  const ids = answers.map(({ text }) => JSON.parse(text).event_id as string);
  await eventually(async () => {
    const queued = await redis.call("LRANGE", "rq:queue:default", 0, -1) as string[];
    assertEquals(queued.map((id) => id.slice(0, id.lastIndexOf("-"))).sort(), ids.toSorted());
  });
});

Deno.test("a webhook whose function could run anything is refused with the reason, at configuration", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const webhooks = { bad: { module: "redis_rq", "module-config": { function: "os.system" } } };
  await using gateway = await TestGateway.start({ webhooks, connections: connectionsTo(redis) });
  const answer = await gateway.post("/webhook/bad", "{}");
  assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"]);
});
