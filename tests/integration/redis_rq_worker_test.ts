import { assertEquals, assertMatch } from "@std/assert";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { redisRqModule } from "../../src/modules/redis/rq/redis_rq.ts";
import { eventually } from "../support/eventually.ts";
import { OpenOutput } from "../support/open_output.ts";
import { runPython } from "../support/python.ts";
import { JSON_BODIES } from "../support/python_bodies.ts";
import { RedisServer } from "../support/redis/server.ts";
import { type RecordedCall, RqWorker } from "../support/redis/rq_worker.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** The calls of events, each of which has had one: jobs of large bodies are queued after others of their batch. */
function inOrderOf(
  events: readonly VerifiedEvent[],
  calls: readonly RecordedCall[],
): readonly RecordedCall[] {
  const ids = events.map(({ id }) => id);
  const sorted = calls.toSorted((a, b) => indexOf(a) - indexOf(b));
  assertEquals(sorted.map(({ headers }) => headers["cwm-event-id"]), ids);
  return sorted;

  function indexOf({ headers }: RecordedCall): number {
    return ids.indexOf(headers["cwm-event-id"]!);
  }
}

for (const serializer of ["pickle", "json"] as const) {
  Deno.test(`an rq worker gets payloads of serializer ${serializer} as Python itself would read them`, async () => {
    await using redis = await RedisServer.start({ persistent: false });
    await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
    await using worker = await RqWorker.start(redis, { serializer });
    const events = JSON_BODIES.map((body) => verifiedEvent({ body }));
    const results = await output.deliver(events, { function: "shop.tasks.record", serializer });
    assertEquals(results, events.map(() => "delivered"));
    const calls = inOrderOf(events, await worker.waitForCalls(events.length));
    const cases = calls.map(({ payload }, index) =>
      JSON.stringify({ json: JSON_BODIES[index], recorded: payload })
    );
    assertEquals(await runPython("python_values.py", cases.join("\n")), `${JSON_BODIES.length} judged\n`);
  });
}

Deno.test("an rq worker gets what its own JSON parser would not follow, however deep it is nested", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
  await using worker = await RqWorker.start(redis);
  const depths = [500, 501, 5_000, 200_000];
  const events = depths.map((depth) => verifiedEvent({ body: "[".repeat(depth) + "]".repeat(depth) }));
  const results = await output.deliver(events, { function: "shop.tasks.record_depth" });
  assertEquals(results, events.map(() => "delivered"));
  const calls = await worker.waitForCalls(depths.length);
  const reached = new Map(calls.map(({ headers, payload }) => [headers["cwm-event-id"], Number(payload)]));
  assertEquals(events.map(({ id }) => reached.get(id)), depths);
});

Deno.test("an event whose integer no Python reads is refused, and the others of its batch delivered", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
  const bodies = ["9".repeat(4301), "1", `[${"9".repeat(4301)},"${"x".repeat(300_000)}"]`, "2"];
  const events = bodies.map((body) => verifiedEvent({ body }));
  const results = await output.deliver(events, { function: "shop.tasks.record" });
  const codes = results.map((result) => result === "delivered" ? result : result.code);
  assertEquals(codes, ["output_rejected", "delivered", "output_rejected", "delivered"]);
});

Deno.test("an rq worker gets a blob as bytes, or in Base64 where JSON has to hold it", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
  await using pickleWorker = await RqWorker.start(redis);
  await using jsonWorker = await RqWorker.start(redis, { serializer: "json", queues: ["json"] });
  const bodies = [2000, 0, 1, 1024 * 1024].map((length) =>
    Uint8Array.from({ length }, (_, index) => (index + 255) % 256)
  );
  const events = bodies.map((body) => verifiedEvent({ body }));
  const config = { function: "shop.tasks.record" };
  await output.deliver(events, config, { dataType: "blob" });
  await output.deliver(events, { ...config, serializer: "json", queue_name: "json" }, { dataType: "blob" });
  const base64 = bodies.map((body) => body.toBase64());
  const pickled = inOrderOf(events, await pickleWorker.waitForCalls(bodies.length));
  assertEquals(pickled.map(({ type, payload }) => [type, payload]), base64.map((text) => ["bytes", text]));
  const json = inOrderOf(events, await jsonWorker.waitForCalls(bodies.length));
  assertEquals(json.map(({ type, payload }) => [type, payload]), base64.map((text) => ["str", `"${text}"`]));
});

Deno.test("an rq worker gets the event's headers without credentials, and the job's settings", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
  await using worker = await RqWorker.start(redis, { queues: ["high"] });
  const headers = {
    "content-type": "application/json",
    "x-shop": "Zoë",
    authorization: "Bearer s3cret",
    "x-hub-signature-256": "s3cret",
    "content-length": "11",
  };
  const event = verifiedEvent({ webhook: "orders", namespace: "shop", headers });
  const limits = { timeout: 20, result_ttl: 30, failure_ttl: 40, ttl: 50 };
  await output.deliver([event], { function: "shop.tasks.record", queue_name: "high", ...limits });
  const [call] = await worker.waitForCalls(1);
  assertEquals(call?.headers, {
    "content-type": "application/json",
    "x-shop": "Zoë",
    "cwm-event-id": event.id,
    "cwm-namespace": "shop",
    "cwm-webhook": "orders",
    "cwm-received-at": "2026-01-02T03:04:05.678Z",
  });
  const { id, created_at, ...job } = call!.job;
  assertMatch(id, new RegExp(`^${event.id}-[0-9a-f]{8}$`));
  assertEquals(job, {
    description: "shop.tasks.record (shop/orders)",
    origin: "high",
    ...limits,
    meta: {},
  });
  // Newer releases of RQ add the offset.
  assertMatch(created_at, /^2026-01-02T03:04:05\.678000(\+00:00)?$/);
  await eventually(async () => {
    assertEquals(await redis.call("ZRANGE", "rq:finished:high", 0, -1), [id]);
    const secondsLeft = Number(await redis.call("TTL", `rq:job:${id}`));
    assertEquals(secondsLeft > 0 && secondsLeft <= limits.result_ttl, true);
  });
});

Deno.test("an rq worker keeps a job that fails, as long as the configuration says", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
  await using _worker = await RqWorker.start(redis);
  const event = verifiedEvent();
  await output.deliver([event], { function: "shop.tasks.fail", failure_ttl: 1000 });
  const [id] = await eventually(async () => {
    const failed = await redis.call("ZRANGE", "rq:failed:default", 0, -1) as string[];
    assertEquals(failed.length, 1);
    return failed;
  });
  assertEquals(await redis.call("HGET", `rq:job:${id}`, "status"), "failed");
  assertEquals(Number(await redis.call("TTL", `rq:job:${id}`)) > 900, true);
});

Deno.test("a job that no worker has begun within its ttl is gone", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
  await output.deliver([verifiedEvent()], { function: "shop.tasks.record", ttl: 100 });
  await output.deliver([verifiedEvent()], { function: "shop.tasks.record" });
  const ids = await redis.call("LRANGE", "rq:queue:default", 0, -1) as string[];
  assertEquals(await redis.call("TTL", `rq:job:${ids[0]}`), 100);
  assertEquals(await redis.call("TTL", `rq:job:${ids[1]}`), -1);
});

for (const serializer of ["pickle", "json"] as const) {
  Deno.test(`an rq worker repeats a failed job as retries says, and finds its meta, with ${serializer}`, async () => {
    await using redis = await RedisServer.start({ persistent: false });
    await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
    await using worker = await RqWorker.start(redis, { serializer });
    const meta = { team: "Zoë 🎉", level: 2, tags: ["a", null, 0.5], nested: { "": true } };
    const config = { function: "shop.tasks.fail_twice", serializer, retries: 2, meta };
    assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
    const [call] = await worker.waitForCalls(1);
    assertEquals(call?.job.meta, meta);
  });
}
