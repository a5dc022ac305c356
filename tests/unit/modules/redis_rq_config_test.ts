import { assert, assertEquals } from "@std/assert";
import { redisConnectionSchema } from "../../../src/modules/redis_connection.ts";
import { redisPublishModule } from "../../../src/modules/redis_publish.ts";
import { redisRqConfigSchema } from "../../../src/modules/redis_rq_config.ts";
import { refuseFunction } from "../../../src/modules/redis_rq_function.ts";

function problemsOf(
  schema: typeof redisConnectionSchema | typeof redisRqConfigSchema,
  value: unknown,
): string {
  return JSON.stringify(schema.safeParse(value).error?.issues ?? []);
}

for (
  const name of ["tasks.run", "shop.tasks.process_order", "shop.tasks.Orders.handle", "_a._b1.C", "os2.run"]
) {
  Deno.test(`redis_rq takes the function name '${name}' of a worker's own code`, () => {
    assertEquals(refuseFunction(name), undefined);
  });
}

const DANGEROUS = [
  "os.system",
  "os.popen",
  "subprocess.call",
  "builtins.eval",
  "builtins.print",
  "sys.exit",
  "posix.system",
  "pickle.loads",
  "shutil.rmtree",
  "importlib.import_module",
  "shop.tasks.os.system",
  "shop.tasks.subprocess.run",
  "shop.tasks.__builtins__.open",
  "shop.__class__",
  "__import__",
  "__main__.run",
  "pandas.eval",
  "timeit.exec",
  "eval",
  "exec",
  "compile",
  "open",
  "getattr",
  "breakpoint",
];

for (const name of DANGEROUS) {
  Deno.test(`redis_rq refuses the function name '${name}' since it could run anything`, () => {
    assert(refuseFunction(name)?.includes("can run anything"), refuseFunction(name));
  });
}

const NOT_A_PATH = [
  "",
  "process",
  ".process",
  "shop.",
  "shop..process",
  "shop.2nd",
  "shop-tasks.process",
  "shop.tasks.process()",
  "shop/tasks.process",
  "../tasks.process",
  "shop.tasks.process;os",
  "shop.tasks\0.process",
  "shop tasks.process",
  `shop.${"a".repeat(255)}`,
];

for (const name of NOT_A_PATH) {
  Deno.test(`redis_rq refuses the function name ${JSON.stringify(name.slice(0, 30))} as no path`, () => {
    assert(refuseFunction(name) !== undefined);
  });
}

Deno.test("redis_rq needs a function, and has RQ's own defaults for the rest", () => {
  assert(problemsOf(redisRqConfigSchema, {}).includes('"function"'));
  const { queueKey, serializer, lines } = redisRqConfigSchema.parse({ function: " shop.tasks.run " });
  assertEquals({ queueKey, serializer }, { queueKey: "rq:queue:default", serializer: "pickle" });
  assertEquals(lines.split("\n"), ["0", "3600", "status", "queued", "origin", "default", "timeout", "180"]);
});

Deno.test("redis_rq takes numbers as text, as they come out of variables, and refuses senseless ones", () => {
  const config = { function: "shop.tasks.run" };
  const { lines } = redisRqConfigSchema.parse({
    ...config,
    timeout: "-1",
    result_ttl: "0",
    failure_ttl: "60",
  });
  assertEquals(lines.split("\n").slice(6), ["timeout", "-1", "result_ttl", "0", "failure_ttl", "60"]);
  for (
    const wrong of [{ timeout: 0 }, { timeout: -2 }, { ttl: 0 }, { result_ttl: 1.5 }, { queue_name: "a\nb" }]
  ) {
    assert(redisRqConfigSchema.safeParse({ ...config, ...wrong }).success === false, JSON.stringify(wrong));
  }
});

Deno.test("redis connections have the original's keys, and a user only together with a password", () => {
  const connection = redisConnectionSchema.parse({ host: "redis", port: "6380", db: "2", password: null });
  assertEquals(connection, {
    host: "redis",
    port: 6380,
    db: 2,
    username: undefined,
    password: undefined,
    tls: undefined,
    timeoutMs: 5000,
  });
  assert(problemsOf(redisConnectionSchema, { host: "redis", username: "gateway" }).includes("password"));
  assert(problemsOf(redisConnectionSchema, { host: "redis", password: "" }).includes("password"));
  assert(problemsOf(redisConnectionSchema, { port: 6379 }).includes("host"));
});

Deno.test("redis_publish takes any channel name without control characters", () => {
  const parse = (channel: unknown) => redisPublishModule.configSchema.safeParse({ channel }).success;
  assertEquals(["shop:orders", "get", "Größe", "a b"].map(parse), [true, true, true, true]);
  assertEquals(["", "a\r\nb", "a".repeat(256), 5].map(parse), [false, false, false, false]);
});
