import { assertEquals, assertStringIncludes } from "@std/assert";
import { kafkaModule } from "../../../../src/modules/kafka/kafka.ts";

/** Why a configuration is refused, as `path: message` lines; empty when it is not. */
function problems(config: unknown): string[] {
  return kafkaModule.configSchema.safeParse(config).error?.issues
    .map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

function connectionProblems(connection: unknown): string[] {
  return kafkaModule.connectionSchema!.safeParse(connection).error?.issues
    .map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

function brokers(servers: unknown): unknown {
  return kafkaModule.connectionSchema!.parse({ bootstrap_servers: servers }).brokers;
}

Deno.test("kafka takes every topic name that Kafka takes", () => {
  for (
    const topic of ["a", "orders", "Orders.v1_eu-west", "...", "delete", "config.changes", "x".repeat(249)]
  ) {
    assertEquals(problems({ topic }), [], topic);
  }
});

Deno.test("kafka refuses topic names that Kafka refuses", () => {
  for (const topic of ["", ".", "..", "a b", "a/b", "ü", "a:b", "x".repeat(250), 7, null]) {
    assertEquals(problems({ topic }).length > 0, true, String(topic));
  }
});

Deno.test("kafka needs a topic", () => {
  assertEquals(problems({}).length, 1);
});

Deno.test("kafka keeps the order where a key or a partition is configured", () => {
  const ordered = (config: object) =>
    kafkaModule.ordered!(kafkaModule.configSchema.parse({ topic: "orders", ...config }));
  assertEquals(ordered({}), false);
  assertEquals(ordered({ forward_headers: true }), false);
  assertEquals(ordered({ key: "a" }), true);
  assertEquals(ordered({ key: { json_pointer: "/id" } }), true);
  assertEquals(ordered({ partition: 0 }), true);
});

Deno.test("kafka takes numbers and switches that come out of variables", () => {
  assertEquals(problems({ topic: "orders", partition: "3", forward_headers: "true" }), []);
});

Deno.test("kafka has webhooks share connections to the brokers unless their groups differ", () => {
  const group = (config: object) =>
    kafkaModule.partition!(kafkaModule.configSchema.parse({ topic: "orders", ...config }));
  assertEquals(group({}), group({ topic: "payments", timeout: 3 }));
  assertEquals(group({ connection_group: "slow" }), group({ connection_group: "slow", key: "a" }));
  assertEquals(new Set([{}, { connection_group: "slow" }, { connection_group: "other" }].map(group)).size, 3);
  for (const name of ["", "a b", "x".repeat(65), 7]) {
    assertEquals(problems({ topic: "orders", connection_group: name }).length, 1, String(name));
  }
});

Deno.test("kafka gives events in the journal more time than senders that wait", () => {
  const times = (config: object) => {
    const compiled = kafkaModule.configSchema.parse({ topic: "orders", ...config });
    return [kafkaModule.timeoutMs!(compiled), kafkaModule.journalTimeoutMs!(compiled)];
  };
  assertEquals(times({}), [8_000, 30_000]);
  assertEquals(times({ timeout: 2.5 }), [2_500, 30_000]);
  assertEquals(times({ timeout: "60" }), [60_000, 60_000]);
  assertEquals(problems({ topic: "orders", timeout: 0 }).length, 1);
});

Deno.test("kafka takes a client id and an age of what is known of topics", () => {
  const parse = (connection: object) => kafkaModule.connectionSchema!.parse(connection);
  assertEquals(parse({}).clientId, "core-webhook-module");
  assertEquals(parse({}).metadataMaxAgeMs, 60_000);
  assertEquals(parse({ client_id: "cwm/eu:1" }).clientId, "cwm/eu:1");
  assertEquals(parse({ metadata_max_age: "5" }).metadataMaxAgeMs, 5_000);
  for (const id of ["", "a b", "ü", "x".repeat(250)]) {
    assertEquals(connectionProblems({ client_id: id }).length, 1, id);
  }
  for (const age of [0, 0.5, 86_401]) assertEquals(connectionProblems({ metadata_max_age: age }).length, 1);
});

Deno.test("kafka refuses partitions that no topic can have", () => {
  for (const partition of [-1, 1.5, 2 ** 31, "first"]) {
    assertEquals(problems({ topic: "orders", partition }).length, 1, String(partition));
  }
});

Deno.test("kafka refuses keys that are not in one of the three forms", () => {
  const keys = [
    1e23,
    2 ** 53,
    true,
    null,
    [],
    {},
    { json_pointer: "order/id" },
    { json_pointer: "/a~2" },
    { json_pointer: "/a", header: "x" },
    { header: "" },
  ];
  for (const key of keys) {
    assertStringIncludes(problems({ topic: "orders", key }).join(), "json_pointer", JSON.stringify(key));
  }
});

Deno.test("kafka refuses to make a credential the key", () => {
  for (const header of ["Authorization", "cookie", "X-Hub-Signature-256", "cwm-event-id"]) {
    assertEquals(problems({ topic: "orders", key: { header } }).length, 1, header);
  }
});

Deno.test("kafka takes brokers as a text or a list, with or without a port", () => {
  assertEquals(brokers("kafka:9092"), ["kafka:9092"]);
  assertEquals(brokers("kafka-1.example.com:19092, kafka-2 ,10.0.0.3:9094"), [
    "kafka-1.example.com:19092",
    "kafka-2:9092",
    "10.0.0.3:9094",
  ]);
  assertEquals(brokers(["a:1", "b:2"]), ["a:1", "b:2"]);
  assertEquals(brokers(undefined), ["localhost:9092"]);
});

Deno.test("kafka refuses what is not a broker's address", () => {
  for (
    const servers of ["", "a,,b", "a:0", "a:65536", "a:b", "http://a:1", "[::1]:9092", "a b", [], [""], 9092]
  ) {
    assertEquals(
      connectionProblems({ bootstrap_servers: servers }).length > 0,
      true,
      JSON.stringify(servers),
    );
  }
});

Deno.test("kafka logs in only where the protocol says so, and then needs all it takes", () => {
  const login = { sasl_mechanism: "SCRAM-SHA-256", sasl_username: "cwm", sasl_password: "s3cret" };
  assertEquals(connectionProblems({ ...login, security_protocol: "SASL_SSL" }), []);
  assertEquals(connectionProblems({ ...login, security_protocol: "sasl_plaintext" }), []);
  const refused = [
    login,
    { ...login, security_protocol: "SSL" },
    { security_protocol: "SASL_SSL" },
    { ...login, security_protocol: "SASL_SSL", sasl_password: undefined },
    { ...login, security_protocol: "SASL_SSL", sasl_password: "" },
    { ...login, security_protocol: "SASL_SSL", sasl_mechanism: "GSSAPI" },
    { security_protocol: "TLS" },
  ];
  for (const connection of refused) {
    const found = connectionProblems(connection);
    assertEquals(found.length, 1, JSON.stringify(connection));
    assertEquals(found.join().includes("s3cret"), false);
  }
});

Deno.test("kafka refuses TLS settings of a connection that does not encrypt", () => {
  assertEquals(connectionProblems({ security_protocol: "SSL", tls: { ca: "ca.pem" } }), []);
  assertEquals(connectionProblems({ tls: { ca: "ca.pem" } }).length, 1);
  assertEquals(connectionProblems({ security_protocol: "SASL_PLAINTEXT", tls: {} }).length, 2);
});

Deno.test("kafka refuses half of a client certificate and unknown TLS keys", () => {
  assertEquals(connectionProblems({ security_protocol: "SSL", tls: { cert: "a.pem" } }).length, 1);
  assertEquals(connectionProblems({ security_protocol: "SSL", tls: { cafile: "a.pem" } }).length, 1);
});
