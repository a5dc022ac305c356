import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { MASTER, RedisSentinel } from "../support/redis/sentinel.ts";
import { RedisServer } from "../support/redis/server.ts";
import { TempDir } from "../support/temp_dir.ts";

interface Checked {
  readonly code: number;
  /** What was found out about the connection `main`, and the count of those that cannot take events. */
  readonly lines: readonly string[];
}

/** What `cwm check --probe` finds with webhooks that share one connection. */
async function probe(connection: Record<string, unknown>, webhooks: readonly object[]): Promise<Checked> {
  await using directory = await TempDir.create();
  const files = {
    webhooks: Object.fromEntries(
      webhooks.map((webhook, index) => [`hook${index}`, { connection: "main", ...webhook }]),
    ),
    connections: { main: { type: "redis-rq", ...connection } },
  };
  for (const [name, value] of Object.entries(files)) {
    await Deno.writeTextFile(directory.file(`${name}.json`), JSON.stringify(value));
  }
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  const lines: string[] = [];
  const code = await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  const summary = lines.findIndex((line) => line.startsWith("0 problems in "));
  return { code, lines: lines.slice(summary + 1) };
}

const job = (settings: object = {}) => ({
  module: "redis_rq",
  "module-config": { function: "shop.tasks.record", ...settings },
});
const news = (channel: string) => ({ module: "redis_publish", "module-config": { channel } });
const LOGIN = { username: "gateway", password: "s3cret" };
const GOOD = ["connection main: redis_rq can take events", "0 connections of 1 cannot take events"];

Deno.test("cwm check --probe finds and names the rights that a user lacks for each webhook's events", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const connection = { host: "127.0.0.1", port: redis.port, ...LOGIN };
  const permit = (...rules: string[]) =>
    redis.call("ACL", "SETUSER", "gateway", "reset", "on", ">s3cret", "+eval", "+evalsha", ...rules);
  const keys = ["~rq:queues", "~rq:queue:default", "~rq:job:*", "~cwm:rq:*"];
  const commands = ["+exists", "+sadd", "+rpush", "+hset", "+set"];
  await permit(...keys, ...commands);
  assertEquals(await probe(connection, [job()]), { code: 0, lines: GOOD });
  const { code, lines: [expire, queue, last] } = await probe(connection, [
    job({ ttl: 9 }),
    job({ queue_name: "high" }),
  ]);
  assertEquals([code, last], [1, "1 connection of 1 cannot take events"]);
  assertMatch(
    expire!,
    /^connection main: .* does not permit EXPIRE on rq:job:probe to the user: see its ACL rules/,
  );
  assertStringIncludes(queue!, "does not permit EVALSHA, or what it names, to the user");
  await redis.call("ACL", "SETUSER", "gateway", "reset", "on", ">s3cret", "+ping", "~*", "+set");
  const refused = await probe(connection, [job()]);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.lines[0]!, "does not permit EVAL");
});

Deno.test("cwm check --probe asks Redis whether the user may publish on the channels of webhooks", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const connection = { host: "127.0.0.1", port: redis.port, ...LOGIN };
  const user = ["gateway", "reset", "on", ">s3cret", "+publish", "&orders"];
  await redis.call("ACL", "SETUSER", ...user, "+eval", "+evalsha");
  const { code, lines } = await probe(connection, [news("orders"), news("stock"), job()]);
  assertEquals(code, 1);
  assertMatch(lines[0]!, /does not permit PUBLISH on stock to the user/);
  assertMatch(lines[1]!, /does not permit EVAL/);
  // A user who may run no scripts can publish all the same.
  await redis.call("ACL", "SETUSER", ...user);
  assertEquals(await probe(connection, [news("orders")]), {
    code: 0,
    lines: ["connection main: redis_publish can take events", "0 connections of 1 cannot take events"],
  });
});

Deno.test("cwm check --probe says what to do about a Redis in cluster mode, and about a wrong queue", async () => {
  await using redis = await RedisServer.start({ args: ["--cluster-enabled", "yes"] });
  await redis.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383);
  await redis.clusterIsUp();
  const connection = { host: "127.0.0.1", port: redis.port };
  const { code, lines } = await probe(connection, [job()]);
  assertEquals(code, 1);
  assertMatch(lines[0]!, /belongs to a cluster: set key_prefix in braces, such as \{rq\}/);
  const good = job({ key_prefix: "{rq}" });
  assertEquals(await probe(connection, [good]), { code: 0, lines: GOOD });
  await redis.call("SET", "{rq}:queue:default", "taken");
  const taken = await probe(connection, [good]);
  assertEquals(taken.code, 1);
  assertStringIncludes(taken.lines[0]!, "has a value of another type under the key");
});

Deno.test("cwm check --probe names the address of a Sentinel, and finds the primary by it", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using sentinel = await RedisSentinel.start(redis, 0);
  for (const webhook of [job(), news("orders")]) {
    const { code, lines } = await probe({ host: "127.0.0.1", port: sentinel.port }, [webhook]);
    assertEquals(code, 1);
    assertMatch(lines[0]!, /is a Sentinel, which takes no events: put its address into sentinels .* master/);
  }
  assertEquals(await probe({ sentinels: sentinel.address, master: MASTER }, [job()]), {
    code: 0,
    lines: GOOD,
  });
});
