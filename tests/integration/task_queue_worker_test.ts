import { assertEquals, assertExists, assertMatch } from "@std/assert";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { taskQueueModule } from "../../src/modules/redis/task_queue/task_queue.ts";
import { eventually } from "../support/eventually.ts";
import { OpenOutput } from "../support/open_output.ts";
import { runPython } from "../support/python.ts";
import { JSON_BODIES } from "../support/python_bodies.ts";
import { RedisServer } from "../support/redis/server.ts";
import {
  KEY_PREFIX,
  type RecordedTask,
  TaskWorker,
  type WorkerKind,
} from "../support/redis/task_queues/worker.ts";
import { verifiedEvent } from "../support/verified_event.ts";

type Config = Readonly<Record<string, unknown>>;

/** A Redis, the module's output and a worker that runs what it enqueues. */
class WorkerBench implements AsyncDisposable {
  private constructor(
    readonly redis: RedisServer,
    readonly output: OpenOutput,
    readonly worker: TaskWorker,
  ) {}

  static async start(kind: WorkerKind): Promise<WorkerBench> {
    await using resources = new AsyncDisposableStack();
    const redis = resources.use(await RedisServer.start({ persistent: false }));
    const connection = { host: "127.0.0.1", port: redis.port };
    const output = resources.use(await OpenOutput.open(taskQueueModule, connection));
    const worker = resources.use(await TaskWorker.start(redis, kind));
    resources.move();
    return new WorkerBench(redis, output, worker);
  }

  /**
   * Has the worker run events of every kind, each of which is delivered twice, and holds what it got to what Python makes
   * of their bodies.
   *
   * @returns what the worker knows of each besides
   */
  async holdToPython(config: Config): Promise<readonly RecordedTask["more"][]> {
    const before = (await this.worker.calls()).length;
    const events = JSON_BODIES.map((body) => verifiedEvent({ body, namespace: "shop", headers: HEADERS }));
    for (let attempt = 1; attempt <= 2; attempt++) {
      assertEquals(await this.output.deliver(events, config), events.map(() => "delivered"));
    }
    const calls = (await this.worker.waitForCalls(before + events.length)).slice(before);
    const sorted = calls.toSorted((one, other) => indexOf(events, one) - indexOf(events, other));
    for (const [index, { id, headers }] of sorted.entries()) {
      const event = events[index]!;
      assertMatch(id, new RegExp(`^${event.id}-[0-9a-f]{8}$`));
      assertEquals(headers, {
        "x-shop": "Zoë",
        "content-type": "application/json",
        "cwm-event-id": event.id,
        "cwm-namespace": "shop",
        "cwm-webhook": "orders",
        "cwm-received-at": "2026-01-02T03:04:05.678Z",
      });
    }
    const deepest = "[".repeat(500) + "]".repeat(500);
    assertEquals((await this.run(verifiedEvent({ body: deepest }), config)).payload, deepest);
    const cases = sorted.map(({ payload }, index) =>
      JSON.stringify({ json: JSON_BODIES[index], recorded: payload })
    );
    assertEquals(await runPython("python_values.py", cases.join("\n")), `${JSON_BODIES.length} judged\n`);
    return sorted.map(({ more }) => more);
  }

  /** Delivers one event, and returns what the worker wrote down of it. */
  async run(event: VerifiedEvent, config: Config, dataType: "json" | "blob" = "json"): Promise<RecordedTask> {
    assertEquals(await this.output.attempt(event, config, { dataType }), "delivered");
    return await eventually(async () => {
      const call = (await this.worker.calls()).find(({ headers }) => headers["cwm-event-id"] === event.id);
      assertExists(call, `The task of ${event.id} has not run`);
      return call;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker[Symbol.asyncDispose]();
    await this.output[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
  }
}

const HEADERS = { "content-type": "application/json", "x-shop": "Zoë", authorization: "Bearer s3cret" };

function indexOf(events: readonly VerifiedEvent[], { headers }: RecordedTask): number {
  return events.findIndex(({ id }) => id === headers["cwm-event-id"]);
}

const BLOB = Uint8Array.from({ length: 2000 }, (_, index) => index % 256);
const LARGE = `["${"x".repeat(1024 * 1024)}",12345678901234567890123]`;

Deno.test("a worker of Celery 5.7 runs each event once, with the values that Python would read", async () => {
  await using bench = await WorkerBench.start("celery");
  const config = {
    protocol: "celery",
    function: "shop.tasks.record",
    queue_name: "high",
    key_prefix: KEY_PREFIX,
  };
  const usual = { timelimit: [null, null], expires: false, queue: "high" };
  assertEquals(await bench.holdToPython(config), JSON_BODIES.map(() => usual));
  const limited = await bench.run(verifiedEvent(), { ...config, timeout: 60, ttl: 600 });
  assertEquals(limited.more, { timelimit: [60, null], expires: true, queue: "high" });
  const blob = await bench.run(verifiedEvent({ body: BLOB }), config, "blob");
  assertEquals([blob.type, blob.payload], ["str", `"${BLOB.toBase64()}"`]);
  const large = await bench.run(verifiedEvent({ body: LARGE }), config);
  assertEquals(large.payload, LARGE.replace(",", ", "));
  // What has expired is dropped, and what has run leaves nothing behind.
  await eventually(async () => assertEquals(await bench.redis.call("KEYS", `${KEY_PREFIX}unacked*`), []));
  assertEquals(await bench.redis.call("LLEN", `${KEY_PREFIX}high`), 0);
});

Deno.test("a worker of Dramatiq 2.2 runs each event once, with the values that Python would read", async () => {
  await using bench = await WorkerBench.start("dramatiq");
  const config = { protocol: "dramatiq", function: "record", queue_name: "high", key_prefix: KEY_PREFIX };
  const usual = { queue: "high", time_limit: null, max_age: null, max_retries: null };
  assertEquals(await bench.holdToPython(config), JSON_BODIES.map(() => usual));
  const limited = await bench.run(verifiedEvent(), { ...config, timeout: 60, ttl: 600, retries: 3 });
  assertEquals(limited.more, { queue: "high", time_limit: 60_000, max_age: 600_000, max_retries: 3 });
  const blob = await bench.run(verifiedEvent({ body: BLOB }), config, "blob");
  assertEquals([blob.type, blob.payload], ["str", `"${BLOB.toBase64()}"`]);
  const large = await bench.run(verifiedEvent({ body: LARGE }), config);
  assertEquals(large.payload, LARGE.replace(",", ", "));
  await eventually(async () => assertEquals(await bench.redis.call("EXISTS", `${KEY_PREFIX}:high.msgs`), 0));
});

Deno.test("a worker of arq 0.28 runs each event once, with the values that Python would read", async () => {
  await using bench = await WorkerBench.start("arq");
  const config = { protocol: "arq", function: "record" };
  const json = { ...config, serializer: "json", queue_name: "json" };
  for (const each of [config, json]) {
    assertEquals(await bench.holdToPython(each), JSON_BODIES.map(() => ({ job_try: 1 })));
  }
  const blob = await bench.run(verifiedEvent({ body: BLOB }), { ...config, ttl: 600 }, "blob");
  assertEquals([blob.type, blob.payload], ["bytes", BLOB.toBase64()]);
  const base64 = await bench.run(verifiedEvent({ body: BLOB }), json, "blob");
  assertEquals([base64.type, base64.payload], ["str", `"${BLOB.toBase64()}"`]);
  const large = await bench.run(verifiedEvent({ body: LARGE }), config);
  assertEquals(large.payload, LARGE.replace(",", ", "));
  await eventually(async () => assertEquals(await bench.redis.call("KEYS", "arq:job:*"), []));
});

Deno.test("a worker of TaskIQ 0.13 runs each event once, with the values that Python would read", async () => {
  await using bench = await WorkerBench.start("taskiq");
  const config = { protocol: "taskiq", function: "shop.tasks:record" };
  const stream = { ...config, queue_type: "stream", queue_name: "stream" };
  for (const each of [config, stream]) {
    assertEquals(await bench.holdToPython(each), JSON_BODIES.map(() => ({ timeout: null })));
    const limited = await bench.run(verifiedEvent(), { ...each, timeout: 60 });
    assertEquals(limited.more, { timeout: 60 });
    const blob = await bench.run(verifiedEvent({ body: BLOB }), each, "blob");
    assertEquals([blob.type, blob.payload], ["str", `"${BLOB.toBase64()}"`]);
    const large = await bench.run(verifiedEvent({ body: LARGE }), each);
    assertEquals(large.payload, LARGE.replace(",", ", "));
  }
  assertEquals(await bench.redis.call("LLEN", "taskiq"), 0);
  const failing = verifiedEvent({ headers: { "x-fail": "always" } });
  await bench.run(failing, { ...config, retries: 2 });
  const last = verifiedEvent({ headers: { "x-fail": "always" } });
  await bench.run(last, { ...config, retries: 0 });
  await eventually(async () => {
    const ids = (await bench.worker.calls()).map(({ headers }) => headers["cwm-event-id"]);
    assertEquals([failing.id, last.id].map((id) => ids.filter((each) => each === id).length), [3, 1]);
  });
});
