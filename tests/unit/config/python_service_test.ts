import { assertEquals } from "@std/assert";
import { findingsOf } from "../../support/findings.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";

const REDIS = { type: "redis", host: "127.0.0.1" };

Deno.test("a misspelt module is pointed to the nearest one", async () => {
  const { problems } = await findingsOf({ webhooks: { a: { module: "rabitmq" } } });
  assertEquals(problems, {
    "webhook default/a": ["module: Module 'rabitmq' does not exist: nearest is 'rabbitmq' (unknown_module)"],
  });
});

Deno.test("keys without effect in the Python service have none here: the webhook is served, warned of", async () => {
  const retry = { enabled: true, retryable_errors: ["ConnectionError"], non_retryable_errors: [] };
  const { problems, warnings } = await findingsOf({
    webhooks: {
      retried: { module: "log", retry },
      proxies: { module: "log", trusted_proxies: ["10.0.0.1"] },
      wrong_proxies: {
        module: "log",
        trusted_proxies: "10.0.0.1",
        header_auth: { api_key: "k", header_name: "X_K" },
      },
      files: {
        module: "save_to_disk",
        "module-config": {
          filename_template: "a.json",
          file_extension: ".json",
          format: "json",
          append: "true",
        },
      },
      beside: { module: "save_to_disk", append: true },
      broker: {
        module: "kafka",
        topic: "orders",
        connection: "kafka",
        "module-config": { bootstrap_servers: "kafka:9092" },
      },
      chained: {
        "module-config": { append: true },
        chain: [
          { module: "save_to_disk", destination: "d", retry, "module-config": { format: "json" } },
          { module: "redis_publish", connection: "redis", "module-config": { format: "raw" } },
        ],
      },
      shared: {
        chain: ["save_to_disk", "redis_publish"],
        connection: "redis",
        "module-config": { format: "raw" },
      },
    },
    connections: { kafka: { type: "kafka" }, redis: REDIS },
  });
  assertEquals(problems, {});
  const noEffect = (path: string, instead: string) =>
    `${path}: Key '${path.split(".").at(-1)}' has no effect: ${instead} (no_effect)`;
  const judged = "the output knows which failures may pass";
  assertEquals(warnings, {
    "webhook default/retried": [
      noEffect("retry.retryable_errors", judged),
      noEffect("retry.non_retryable_errors", judged),
    ],
    "webhook default/proxies": [noEffect("trusted_proxies", "TRUSTED_PROXIES is for all webhooks")],
    "webhook default/wrong_proxies": [
      noEffect("trusted_proxies", "TRUSTED_PROXIES is for all webhooks"),
      "header_auth.header_name: Some proxies drop headers whose names have more than letters, digits and '-': " +
      "nginx without 'underscores_in_headers on', Caddy without 'expected_underscore_headers' (auth_notice)",
    ],
    "webhook default/files": [
      noEffect("module-config.filename_template", "use 'filename_pattern'"),
      noEffect("module-config.file_extension", "end 'filename_pattern' with it"),
      noEffect("module-config.format", "remove it"),
      noEffect("module-config.append", "remove it, since every event is a file of its own"),
    ],
    "webhook default/beside": [noEffect("append", "remove it, since every event is a file of its own")],
    "webhook default/broker": [noEffect("module-config.bootstrap_servers", "the connection says it")],
    "webhook default/chained": [
      noEffect("module-config.append", "remove it, since every event is a file of its own"),
      noEffect("chain.0.retry.retryable_errors", judged),
      noEffect("chain.0.retry.non_retryable_errors", judged),
      noEffect("chain.0.module-config.format", "remove it"),
      noEffect("chain.0.destination", "remove it"),
    ],
  });
});

Deno.test("a key without effect of one module is still unknown to the others", async () => {
  const { problems } = await findingsOf({
    webhooks: {
      log: { module: "log", "module-config": { filename_template: "a" } },
      step: { chain: ["log", { module: "log", append: true }] },
      destination: { module: "log", destination: "d" },
    },
  });
  assertEquals(Object.keys(problems), [
    "webhook default/log",
    "webhook default/step",
    "webhook default/destination",
  ]);
});

Deno.test("an authentication key without a value blocks the webhook, and says how to leave it open", async () => {
  const hint = "Must not be empty: remove the key to leave the webhook open (schema)";
  const inside = "Must not be empty: remove the key 'hmac' to leave the webhook open (schema)";
  const values = { null: null, text: "", spaces: "  ", list: [], object: {}, false: false };
  const webhooks = Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => [
      [`authorization-${name}`, { module: "log", authorization: value }],
      [`hmac-${name}`, { module: "log", hmac: value }],
    ]),
  );
  await using gateway = await TestGateway.start({ webhooks });
  const { problems } = await findingsOf({
    webhooks: {
      ...webhooks,
      secret: { module: "log", hmac: { secret: "" } },
      variable: { module: "log", authorization: "{$TOKEN:}" },
    },
  });
  for (const name of Object.keys(values)) {
    assertEquals(problems[`webhook default/authorization-${name}`], [`authorization: ${hint}`]);
    const expected = name === "object" ? [`hmac.secret: ${inside}`] : [`hmac: ${hint}`];
    assertEquals(problems[`webhook default/hmac-${name}`], expected);
    for (const key of ["authorization", "hmac"]) {
      const answer = await gateway.post(`/webhook/${key}-${name}`, "{}");
      assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"]);
    }
  }
  assertEquals(problems["webhook default/secret"], [`hmac.secret: ${inside}`]);
  assertEquals(problems["webhook default/variable"], [`authorization: ${hint}`]);
});

Deno.test("an empty text is 'not given' wherever nothing needs to be given, also in connections", async () => {
  const empty = { NONE: "" };
  const { problems, warnings } = await findingsOf({
    webhooks: {
      log: { module: "log", connection: "{$NONE}", "module-config": { pretty_print: "{$NONE}" } },
      http: {
        module: "http_webhook",
        retry: { max_attempts: "", initial_delay: "", enabled: "" },
        limits: { queue: "" },
        "module-config": { url: "https://example.com/", timeout: "", method: "", forward_headers: "" },
      },
      disk: { module: "save_to_disk", "module-config": { path: "", base_dir: "", filename_pattern: "" } },
      kafka: {
        module: "kafka",
        topic: "t",
        connection: "kafka",
        "module-config": { partition: "", key: "" },
      },
      jobs: {
        module: "redis_rq",
        connection: "rq",
        "module-config": { function: "a.b", queue_name: "", ttl: "" },
      },
      rows: {
        module: "clickhouse",
        connection: "rows",
        table: "",
        "module-config": { engine: "", timeout: "" },
      },
      relay: {
        module: "webhook_connect",
        "module-config": { channel: "c", channel_token: "t", ttl_seconds: "" },
      },
      chain: { chain: [{ module: "log", connection: "", "module-config": { pretty_print: "" } }] },
    },
    connections: {
      rq: {
        type: "redis-rq",
        host: "127.0.0.1",
        port: "",
        db: "",
        username: "",
        password: "{$NONE}",
        tls: { ca: "", insecure_skip_verify: "" },
        timeout: "",
      },
      rows: {
        type: "clickhouse",
        host: "",
        port: "",
        database: "",
        user: "",
        password: "",
        secure: "",
        url: "",
      },
      kafka: {
        type: "kafka",
        bootstrap_servers: "",
        security_protocol: "",
        sasl_username: "",
        sasl_password: "",
      },
    },
    environment: empty,
  });
  assertEquals([problems, warnings], [{}, {}]);
});

Deno.test("numbers and truth values may be texts in every module and connection, as in Python", async () => {
  const { problems } = await findingsOf({
    webhooks: {
      log: {
        module: "log",
        enabled: "True",
        max_body_bytes: "100",
        "module-config": { pretty_print: "FALSE" },
      },
      http: {
        module: "http_webhook",
        retry: { enabled: "true", max_attempts: "3", backoff_multiplier: "1.5" },
        "module-config": { url: "https://example.com/", timeout: "2.5", forward_headers: "True" },
      },
      redis: { module: "redis_publish", redis: { port: "6379", db: "2", timeout: "1.5" } },
      relay: {
        module: "webhook_connect",
        "module-config": { channel: "c", channel_token: "t", ttl_seconds: "60", max_queue_size: "5" },
      },
    },
    connections: {
      redis: { ...REDIS, port: "6379", db: "0", tls: { insecure_skip_verify: "True" } },
      rows: { type: "clickhouse", port: "9000", secure: "False", verify: "true", batch_rows: "5" },
    },
  });
  assertEquals(problems, {});
});

Deno.test("an empty text stays a problem where something must be given", async () => {
  const { problems } = await findingsOf({
    webhooks: {
      topic: { module: "kafka", connection: "redis", topic: "" },
      url: { module: "http_webhook", "module-config": { url: "" } },
      token: { module: "webhook_connect", "module-config": { channel: "c", channel_token: "" } },
      unknown: { module: "log", constructor: "", "module-config": { toString: "" } },
    },
    connections: { redis: { type: "redis", host: "" }, named: { ...REDIS, username: "u", password: "" } },
  });
  assertEquals(Object.keys(problems).sort(), [
    "connection named",
    "connection redis",
    "webhook default/token",
    "webhook default/topic",
    "webhook default/unknown",
    "webhook default/url",
  ]);
});

Deno.test("a URL, a port or anything else around a host is a problem that says so, in any connection", async () => {
  const types = ["redis", "redis-rq", "rabbitmq", "mqtt", "postgresql", "mysql", "activemq"];
  const hosts = {
    url: ["redis://cache:6379", "This is a URL: give the host name alone, and the port as 'port'"],
    port: ["cache:6379", "This names a port too: give the host alone, and the port as 'port'"],
    space: ["cache.internal ", "Not a host name or IP address with nothing around it"],
    control: ["cache\0", "Not a host name or IP address with nothing around it"],
    path: ["cache/0", "Not a host name or IP address with nothing around it"],
  } as const;
  const cases = Object.entries(hosts).flatMap(([name, [host, reason]]) =>
    types.map((type) => ({ name: `${type}-${name}`, connection: { type, host }, reason }))
  );
  const { problems } = await findingsOf({
    webhooks: {},
    connections: {
      ...Object.fromEntries(cases.map(({ name, connection }) => [name, connection])),
      rows: { type: "clickhouse", host: "http://rows:8123" },
      kafka: { type: "kafka", bootstrap_servers: "kafka://broker:9092" },
      six: { type: "redis", host: "::1" },
      brackets: { type: "redis", host: "[::1]" },
      name: { type: "mqtt", host: "broker_1.internal" },
    },
  });
  assertEquals(problems, {
    ...Object.fromEntries(
      cases.map(({ name, reason }) => [`connection ${name}`, [`host: ${reason} (schema)`]]),
    ),
    "connection rows": ["host: This is a URL: give it as 'url', or the host name alone (schema)"],
    "connection kafka": ["bootstrap_servers: This is a URL: give host:port, or several of them (schema)"],
  });
});

Deno.test("a connection's type in capitals is a problem with the right spelling; an unknown one warns", async () => {
  const types = ["kafka", "redis", "redis-rq", "clickhouse", "rabbitmq", "s3", "mariadb"];
  const { problems, warnings } = await findingsOf({
    webhooks: {},
    connections: {
      ...Object.fromEntries(types.map((type) => [type, { type: type.toUpperCase() }])),
      misspelt: { type: "kafak" },
    },
  });
  assertEquals(
    problems,
    Object.fromEntries(types.map((type) => [
      `connection ${type}`,
      [`type: Type '${type.toUpperCase()}' is written '${type}' (schema)`],
    ])),
  );
  assertEquals(warnings, {
    "connection misspelt": [
      "type: No module uses connections of type 'kafak': nearest is 'kafka' (unknown_type)",
    ],
  });
});

Deno.test("key redis is refused beside a connection, with another kind of module, and where forbidden", async () => {
  const publish = { module: "redis_publish" };
  const { problems, warnings } = await findingsOf({
    webhooks: {
      fine: { ...publish, redis: {} },
      both: { ...publish, connection: "redis", redis: {} },
      other: { module: "log", redis: { host: "cache" } },
      nobody: { chain: ["log", "log"], redis: {} },
      channel: { ...publish, redis: { channel: "a" }, "module-config": { channel: "b" } },
      same: { ...publish, redis: { channel: "a" }, "module-config": { channel: "a", format: "raw" } },
      empty: { ...publish, redis: { channel: "a" }, "module-config": { channel: "" } },
      host: { ...publish, redis: { host: "cache", allowed_hosts: ["Other", " cache-2 "] } },
      none: { ...publish, redis: { host: "cache", allowed_hosts: [] } },
      listed: { ...publish, redis: { host: "Cache", allowed_hosts: ["cAche "] } },
      url: { ...publish, redis: { host: "redis://cache:6379", pasword: "p" } },
      step: { connection: "redis", chain: ["log", { ...publish, connection: "redis", redis: {} }] },
      beside: { connection: "redis", redis: { channel: "a" }, chain: ["redis_publish"] },
    },
    connections: { redis: REDIS },
  });
  const both = "Key 'redis' is a connection, and 'connection' names one too: give one of them (schema)";
  assertEquals(warnings, {});
  assertEquals(problems, {
    "webhook default/both": [`redis: ${both}`],
    "webhook default/other": ["redis: Key 'redis' is of no use to module 'log' (schema)"],
    "webhook default/nobody": ["redis: No step of the chain takes key 'redis' (schema)"],
    "webhook default/channel": [
      "redis.channel: It stands in module-config too, with another value: give one of them (schema)",
    ],
    "webhook default/host": ["redis.host: The host is not one of allowed_hosts (schema)"],
    "webhook default/none": ["redis.host: The host is not one of allowed_hosts (schema)"],
    "webhook default/url": [
      "redis.host: This is a URL: give the host name alone, and the port as 'port' (schema)",
      "redis.pasword: Key 'pasword' is not known: nearest is 'password' (schema)",
    ],
    "webhook default/step": [`chain.1.redis: ${both}`],
  });
});
