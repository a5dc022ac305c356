import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { outputModules } from "../../../src/modules/registry.ts";

/** The least that modules want beside the keys that are looked at. */
const NEEDED: Readonly<Record<string, object>> = {
  activemq: { destination: "d" },
  gcp_pubsub: { topic: "topic", project_id: "project" },
  http_webhook: { url: "https://example.com" },
  kafka: { topic: "t" },
  mqtt: { topic: "t" },
  nats: { subject: "s" },
  rabbitmq: { queue_name: "q" },
  s3: { bucket: "bucket" },
  websocket: { url: "wss://example.com" },
};

function problemsOf(schema: { safeParse(value: unknown): Parsed }, value: object): readonly string[] {
  const { error } = schema.safeParse(value);
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

/** Without what an output is known by, which may have the keys as they are given. */
function shown(data: unknown): string {
  return JSON.stringify(data, (key, value) => key === "identity" ? undefined : value);
}

interface Parsed {
  readonly error?: { readonly issues: readonly { path: PropertyKey[]; message: string }[] } | undefined;
}

Deno.test("received headers are asked for by either name, the same for every output that sends them", () => {
  const seen: string[] = [];
  for (const { name, configSchema } of outputModules) {
    const parsed = (keys: object) => configSchema.safeParse({ ...NEEDED[name], ...keys });
    const plain = parsed({});
    const [forward, include] = [parsed({ forward_headers: true }), parsed({ include_headers: "true" })];
    if (!forward.success && !include.success) continue;
    seen.push(name);
    assertEquals(plain.error, undefined, name);
    assertEquals(shown(forward.data), shown(include.data), name);
    const both = problemsOf(configSchema, { ...NEEDED[name], forward_headers: true, include_headers: false });
    assertEquals(
      both.map((text) => text.replace(/^\S+ Means the same as \S+ /, "")),
      ["give one of them"],
      name,
    );
  }
  // The list of SQS is one of names, and has no other name.
  assertEquals(seen, [
    ...["activemq", "clickhouse", "gcp_pubsub", "http_webhook", "kafka", "mqtt", "mysql", "nats"],
    ...["postgresql", "rabbitmq", "s3", "save_to_disk", "websocket"],
  ]);
});

Deno.test("the user of a connection is given by either name, at every system that has one", () => {
  const seen: string[] = [];
  for (const { name, connectionSchema } of outputModules) {
    if (connectionSchema === undefined) continue;
    const place = name === "nats" ? {} : { host: "server" };
    const parsed = (keys: object) => connectionSchema.safeParse({ ...place, password: "p", ...keys });
    const [user, username] = [parsed({ user: "u" }), parsed({ username: "u" })];
    if (!user.success && !username.success) continue;
    seen.push(name);
    assertEquals(JSON.stringify(user.data), JSON.stringify(username.data), name);
    assert(JSON.stringify(user.data).includes('"u"'), name);
    const both = problemsOf(connectionSchema, { ...place, password: "p", user: "u", username: "v" });
    assertEquals(both.length, 1, name);
    assertStringIncludes(both[0]!, "give one of them", name);
    assert(parsed({ user: "u", username: "u" }).success, name);
  }
  assertEquals(seen, [
    ...["activemq", "clickhouse", "mqtt", "mysql", "nats", "postgresql", "rabbitmq"],
    ...["redis_publish", "redis_rq", "redis_stream", "task_queue"],
  ]);
});

Deno.test("an empty password, as of a variable without a value, is none, and so is null", () => {
  const seen: string[] = [];
  for (const { name, connectionSchema } of outputModules) {
    const parsed = (keys: object) => connectionSchema?.safeParse({ host: "server", ...keys });
    const [none, empty, missing] = [parsed({}), parsed({ password: "" }), parsed({ password: null })];
    if (empty?.success !== true) continue;
    seen.push(name);
    assertEquals(shown(empty.data), shown(none?.data), name);
    assertEquals(shown(missing?.data), shown(none?.data), name);
  }
  // RabbitMQ lets nobody in with an empty one.
  assertEquals(seen, [
    ...["activemq", "clickhouse", "mqtt", "mysql", "postgresql"],
    ...["redis_publish", "redis_rq", "redis_stream", "task_queue"],
  ]);
});
