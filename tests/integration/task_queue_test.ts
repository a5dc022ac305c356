import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { DeliveryError } from "../../src/errors.ts";
import { taskQueueModule } from "../../src/modules/redis/task_queue/task_queue.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RedisServer } from "../support/redis/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** A protocol as the tests use it. */
interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  /** The key that workers take tasks from, and the command that counts what is under it. */
  readonly queue: string;
  readonly count: string;
  readonly keys: readonly string[];
  readonly commands: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  celery: {
    config: { protocol: "celery", function: "shop.tasks.record" },
    queue: "celery",
    count: "LLEN",
    keys: ["celery"],
    commands: ["lpush"],
  },
  dramatiq: {
    config: { protocol: "dramatiq", function: "record" },
    queue: "dramatiq:default",
    count: "LLEN",
    keys: ["dramatiq:default", "dramatiq:default.msgs"],
    commands: ["hsetnx", "hdel", "rpush"],
  },
  arq: {
    config: { protocol: "arq", function: "record", ttl: 600 },
    queue: "arq:queue",
    count: "ZCARD",
    keys: ["arq:queue", "arq:job:*"],
    commands: ["zadd"],
  },
  "taskiq with a list": {
    config: { protocol: "taskiq", function: "shop.tasks:record" },
    queue: "taskiq",
    count: "LLEN",
    keys: ["taskiq"],
    commands: ["lpush"],
  },
  "taskiq with a stream": {
    config: { protocol: "taskiq", function: "shop.tasks:record", queue_type: "stream" },
    queue: "taskiq",
    count: "XLEN",
    keys: ["taskiq"],
    commands: ["xadd"],
  },
};

const LOGIN = { username: "gateway", password: "s3cret" };

/** Lets the gateway's user do all that it needs, but for one right. */
async function permit(redis: RedisServer, { keys, commands }: Case, without?: string): Promise<void> {
  const rights = [...rightsOf(keys, commands)].filter((right) => right !== without);
  await redis.call("ACL", "SETUSER", "gateway", "reset", "on", ">s3cret", "+eval", ...rights);
}

function rightsOf(keys: readonly string[], commands: readonly string[]): readonly string[] {
  return [
    ...["cwm:task:*", ...keys].map((key) => `~${key}`),
    ...["evalsha", "exists", "set", ...commands].map((command) => `+${command}`),
  ];
}

for (const [protocol, each] of Object.entries(CASES)) {
  Deno.test(`a task of ${protocol} is enqueued once whatever the user was refused, all of it or nothing`, async () => {
    await using redis = await RedisServer.start({ persistent: false });
    await permit(redis, each);
    const connection = { host: "127.0.0.1", port: redis.port, ...LOGIN };
    await using output = await OpenOutput.open(taskQueueModule, connection);
    assertEquals(await output.attempt(verifiedEvent(), each.config), "delivered");
    let tasks = 1;
    for (const without of rightsOf(each.keys, each.commands)) {
      await permit(redis, each, without);
      const event = verifiedEvent();
      const keysBefore = (await redis.call("KEYS", "*") as string[]).toSorted();
      const [failure] = await output.deliver([event], each.config);
      assert(failure instanceof DeliveryError && failure.disposition === "retry", without);
      assertStringIncludes(failure.message, "does not permit");
      assert(!failure.message.includes(event.id), failure.message);
      assertEquals((await redis.call("KEYS", "*") as string[]).toSorted(), keysBefore, without);
      assertEquals(await redis.call(each.count, each.queue), tasks, without);
      await permit(redis, each);
      for (let attempt = 1; attempt <= 2; attempt++) {
        assertEquals(await output.attempt(event, each.config), "delivered", without);
      }
      assertEquals(await redis.call(each.count, each.queue), ++tasks, without);
    }
  });

  Deno.test(`a task of ${protocol} leaves nothing behind when something else has the queue's key`, async () => {
    await using redis = await RedisServer.start({ persistent: false });
    await using output = await OpenOutput.open(taskQueueModule, { host: "127.0.0.1", port: redis.port });
    await redis.call("SET", each.queue, "something else");
    const event = verifiedEvent();
    assertEquals(await output.attempt(event, each.config), "output_rejected");
    assertEquals(await redis.call("KEYS", "*"), [each.queue]);
    await redis.call("DEL", each.queue);
    assertEquals(await output.attempt(event, each.config), "delivered");
    assertEquals(await redis.call(each.count, each.queue), 1);
  });
}

Deno.test("tasks of Dramatiq and arq that are in Redis are not enqueued again without their marks", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(taskQueueModule, { host: "127.0.0.1", port: redis.port });
  for (const { config, queue, count } of [CASES["dramatiq"]!, CASES["arq"]!]) {
    const event = verifiedEvent();
    for (let attempt = 1; attempt <= 3; attempt++) {
      assertEquals(await output.attempt(event, { ...config, dedup_ttl: 0 }), "delivered");
    }
    assertEquals(await redis.call(count, queue), 1);
  }
  const [job] = await redis.call("KEYS", "arq:job:*") as string[];
  const secondsLeft = Number(await redis.call("TTL", job!));
  assert(secondsLeft > 0 && secondsLeft <= 600, String(secondsLeft));
  assertEquals(await redis.call("KEYS", "cwm:*"), []);
});

Deno.test("an event that workers could not read is refused, and the others of its batch are enqueued", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(taskQueueModule, { host: "127.0.0.1", port: redis.port });
  const unreadable = ["[".repeat(501) + "]".repeat(501), `[${"9".repeat(4301)}]`, "not JSON"];
  const ofCelery = [
    '{"__type__":"uuid","__value__":"x"}',
    '[{"a":{"__value__":1,"__type__":"unknown"}}]',
    String.raw`{"_\u005ftype__":"datetime","__value\u005F_":"2026"}`,
    String.raw`{"\u005f\u005f\u0074\u0079\u0070\u0065__":{},"__value__":null}`,
  ];
  const good = ['{"__type__":"order"}', '{"__type__":"a","__value__":1,"more":2}', '["__type__\\u005f"]'];
  for (const { config, queue } of Object.values(CASES)) {
    await redis.call("DEL", queue);
    const refused = config["protocol"] === "celery" ? [...unreadable, ...ofCelery] : unreadable;
    const bodies = refused.flatMap((body, index) => [body, good[index % good.length]!]);
    const results = await output.deliver(bodies.map((body) => verifiedEvent({ body })), config);
    assertEquals(
      results.map((result) => result === "delivered" ? result : result.code),
      refused.flatMap(() => ["output_rejected", "delivered"]),
    );
  }
});

Deno.test("cwm check --probe names what keeps tasks of each protocol from being enqueued", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using directory = await TempDir.create();
  const connection = { type: "redis-rq", host: "127.0.0.1", port: redis.port, ...LOGIN };
  await directory.writeJson("connections.json", { main: connection });
  const probe = async ({ config }: Case) => {
    await directory.writeJson("webhooks.json", { orders: { module: "task_queue", "module-config": config } });
    const lines: string[] = [];
    const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
    const code = await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
    return { code, said: lines.join("\n") };
  };
  for (const [protocol, each] of Object.entries(CASES)) {
    await permit(redis, each);
    const { code, said } = await probe(each);
    assertEquals(code, 0, said);
    assertStringIncludes(said, "connection main: task_queue can take events");
    const command = each.commands.at(-1)!;
    await permit(redis, each, `+${command}`);
    const refused = await probe(each);
    assertEquals(refused.code, 1, protocol);
    assertMatch(
      refused.said,
      new RegExp(`does not permit ${command.toUpperCase()} on ${each.queue} to the user`),
    );
    await permit(redis, { ...each, commands: [...each.commands, "type"] });
    await redis.call("SET", each.queue, "something else");
    assertStringIncludes((await probe(each)).said, "has a value of another type under the key");
    await redis.call("DEL", each.queue);
    assertEquals(await redis.call("KEYS", `*${each.queue}*`), []);
  }
});

Deno.test("no task is lost or enqueued twice while Redis is killed and frozen", async () => {
  await using redis = await RedisServer.start();
  const webhooks = Object.fromEntries(
    Object.values(CASES).map(({ config }, index) => [`w${index}`, {
      module: "task_queue",
      "module-config": { ...config, queue_name: `q${index}` },
      retry: { initial_delay: 0.05, max_delay: 0.1 },
    }]),
  );
  const connections = { main: { type: "redis-rq", host: "127.0.0.1", port: redis.port, timeout: 0.5 } };
  await using gateway = await TestGateway.start({ webhooks, connections });
  let sent = 0;
  const send = async (rounds: number) => {
    for (let round = 0; round < rounds; round++, sent++) {
      const posts = Object.keys(webhooks).map((id) => gateway.post(`/webhook/${id}`, `[${sent}]`));
      for (const { status } of await Promise.all(posts)) assertEquals(status, 200);
    }
  };
  await send(3);
  await Promise.all([send(5), redis.restart()]);
  await send(3);
  await redis.freeze();
  await send(5);
  await eventually(async () =>
    assertMatch((await gateway.request("/metrics")).text, /^cwm_output_up\{.*\} 0$/m)
  );
  redis.thaw();
  await send(3);
  const queues = Object.values(CASES).map(({ queue, count, config }, index) => {
    const key = config["protocol"] === "dramatiq" ? `dramatiq:q${index}` : `q${index}`;
    return { count, key, queue };
  });
  await eventually(async () => {
    for (const { count, key } of queues) assertEquals(await redis.call(count, key), sent, key);
    const marks = await redis.call("KEYS", "cwm:task:*") as string[];
    assertEquals(marks.length, sent * queues.length);
  });
});
