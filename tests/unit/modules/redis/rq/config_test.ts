import { assert, assertEquals } from "@std/assert";
import { redisConnectionSchema } from "../../../../../src/modules/redis/connection.ts";
import { redisPublishModule } from "../../../../../src/modules/redis/redis_publish.ts";
import { redisRqConfigSchema } from "../../../../../src/modules/redis/rq/config.ts";
import { refuseFunction } from "../../../../../src/modules/redis/rq/function.ts";

function problemsOf(
  schema: typeof redisConnectionSchema | typeof redisRqConfigSchema,
  value: unknown,
): string {
  return JSON.stringify(schema.safeParse(value).error?.issues ?? []);
}

for (
  const name of [
    "tasks.run",
    "shop.tasks.process_order",
    "shop.tasks.Orders.handle",
    "_a._b1.C",
    "os2.run",
    "shop.profile.update",
  ]
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
  "timeit.timeit",
  "cProfile.run",
  "pdb.run",
  "logging.config.fileConfig",
  "shop.logging.config.dictConfig",
  "yaml.unsafe_load",
  "pydoc.pipepager",
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
    server: { host: "redis", port: 6380 },
    db: 2,
    username: undefined,
    password: undefined,
    tls: undefined,
    timeoutMs: 5000,
    replicas: 0,
  });
  assert(problemsOf(redisConnectionSchema, { host: "redis", username: "gateway" }).includes("password"));
  assert(
    problemsOf(redisConnectionSchema, { host: "redis", username: "gateway", password: "" }).includes(
      "password",
    ),
  );
  assert(problemsOf(redisConnectionSchema, { port: 6379 }).includes("host"));
});

Deno.test("redis_publish takes any channel name without control characters", () => {
  const parse = (channel: unknown) => redisPublishModule.configSchema.safeParse({ channel }).success;
  assertEquals(["shop:orders", "get", "Größe", "a b"].map(parse), [true, true, true, true]);
  assertEquals(["", "a\r\nb", "a".repeat(256), 5].map(parse), [false, false, false, false]);
});

Deno.test("redis_rq takes the key prefixes of RQ, and keeps an event's mark beside the other keys", () => {
  const parse = (key_prefix?: string) =>
    redisRqConfigSchema.safeParse({
      function: "shop.tasks.run",
      ...(key_prefix === undefined ? {} : { key_prefix }),
    });
  const keysOf = (prefix?: string) => {
    const { queuesKey, queueKey, jobPrefix, markPrefix, node } = parse(prefix).data!;
    return { queuesKey, queueKey, jobPrefix, markPrefix, node };
  };
  const usual = { queuesKey: "rq:queues", queueKey: "rq:queue:default", jobPrefix: "rq:job:" };
  assertEquals(keysOf(), { ...usual, markPrefix: "cwm:rq:", node: "" });
  assertEquals(keysOf("rq"), keysOf());
  assertEquals(keysOf("a.B_{rq}-1"), {
    queuesKey: "a.B_{rq}-1:queues",
    queueKey: "a.B_{rq}-1:queue:default",
    jobPrefix: "a.B_{rq}-1:job:",
    markPrefix: "a.B_{rq}-1:cwm:",
    node: "rq",
  });
  for (const wrong of ["", "a b", "ä", "a/b", "a*", "x".repeat(256)]) assert(!parse(wrong).success, wrong);
});

Deno.test("redis_rq refuses the queue names that are RQ's own", () => {
  const problems = problemsOf(redisRqConfigSchema, { function: "a.b", queue_name: "orders:intermediate" });
  assert(problems.includes("queue_name") && problems.includes("choose another name"), problems);
  assertEquals(problemsOf(redisRqConfigSchema, { function: "a.b", queue_name: "intermediate:orders" }), "[]");
});

Deno.test("redis_rq writes retries and their intervals as RQ's own enqueue does", () => {
  const fieldsOf = (settings: Record<string, unknown>) =>
    redisRqConfigSchema.parse({ function: "a.b", ...settings }).lines.split("\n").slice(8);
  assertEquals(fieldsOf({}), []);
  assertEquals(fieldsOf({ retries: "3" }), ["retries_left", "3"]);
  assertEquals(fieldsOf({ retries: 3, retry_intervals: 60 }), [
    "retries_left",
    "3",
    "retry_intervals",
    "[60]",
  ]);
  assertEquals(fieldsOf({ retries: 3, retry_intervals: [1, 5] }).at(-1), "[1,5,5]");
  assertEquals(fieldsOf({ retries: 1, retry_intervals: [1, 5] }).at(-1), "[1]");
  assert(problemsOf(redisRqConfigSchema, { function: "a.b", retry_intervals: 5 }).includes("set retries"));
  for (
    const wrong of [{ retries: -1 }, { retries: 1.5 }, { retries: 1, retry_intervals: [] }, { meta: [] }]
  ) {
    assert(problemsOf(redisRqConfigSchema, { function: "a.b", ...wrong }) !== "[]", JSON.stringify(wrong));
  }
  const large = { function: "a.b", meta: { text: "x".repeat(70_000) } };
  assert(problemsOf(redisRqConfigSchema, large).includes("meta"));
});

Deno.test("redis connections name a host or Sentinels with the name of the primary, and not both", () => {
  const { server } = redisConnectionSchema.parse({
    sentinels: " one , two:26380,[::1]:1 ",
    master: "shop",
    sentinel_password: "s3cret",
  });
  const sentinels = [
    { host: "one", port: 26379 },
    { host: "two", port: 26380 },
    { host: "::1", port: 1 },
  ];
  assertEquals(server, { sentinels, master: "shop", username: undefined, password: "s3cret" });
  const listed = redisConnectionSchema.parse({ sentinels: ["one", sentinels[1]], master: "shop" });
  assertEquals("sentinels" in listed.server && listed.server.sentinels, sentinels.slice(0, 2));
  const wrong: readonly [settings: unknown, key: string][] = [
    [{}, "host"],
    [{ sentinels: "one" }, "master"],
    [{ sentinels: "one", master: "shop", host: "redis" }, "host"],
    [{ sentinels: "one", master: "shop", port: 6379 }, "port"],
    [{ host: "redis", master: "shop" }, "master"],
    [{ host: "redis", sentinel_password: "s3cret" }, "sentinel_password"],
    [{ sentinels: "one:0", master: "shop" }, "sentinels"],
    [{ sentinels: "redis://one", master: "shop" }, "sentinels"],
    [{ sentinels: [], master: "shop" }, "sentinels"],
    [{ sentinels: "one", master: "shop", sentinel_username: "cwm" }, "sentinel_password"],
  ];
  for (const [settings, key] of wrong) {
    const problems = problemsOf(redisConnectionSchema, settings);
    assert(problems.includes(`"${key}"`), `${JSON.stringify(settings)}: ${problems}`);
  }
});
