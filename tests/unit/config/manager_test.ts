import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { type Answer, errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import type { DeliveryResult } from "../../../src/modules/module.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface AdminConfig {
  readonly webhooks: number;
  readonly keys: Readonly<Record<string, number>>;
  readonly problems: readonly Readonly<Record<string, string>>[];
}

async function adminConfig(gateway: TestGateway): Promise<AdminConfig> {
  const answer = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return JSON.parse(answer.text) as AdminConfig;
}

async function start(
  webhooks: Record<string, unknown>,
  options: {
    probe?: ProbeModule;
    connections?: Record<string, unknown>;
    environment?: Record<string, string>;
  } = {},
): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks,
    ...(options.connections === undefined ? {} : { connections: options.connections }),
    modules: [(options.probe ?? new ProbeModule()).module],
    environment: { ADMIN_TOKEN, ...options.environment },
  });
}

const withConnections = () => new ProbeModule({ connectionTypes: ["probe-server"] });

Deno.test("a new, a changed and a removed webhook are live without a restart", async () => {
  const probe = new ProbeModule();
  await using gateway = await start({ a: { module: "probe", "module-config": { label: "one" } } }, { probe });
  await gateway.post("/webhook/a", "1");
  assertEquals(probe.events.at(-1)?.label, "one");

  await gateway.writeWebhooks({
    a: { module: "probe", "module-config": { label: "two" } },
    b: { module: "probe" },
  });
  await eventually(async () => assertEquals((await gateway.post("/webhook/b", "2")).status, 200));
  await gateway.post("/webhook/a", "3");
  assertEquals(probe.events.at(-1)?.label, "two");

  await gateway.writeWebhooks({ b: { module: "probe" } });
  await eventually(async () => assertEquals((await gateway.post("/webhook/a", "4")).status, 404));
});

Deno.test("a request that is under way ends on the entry that it began with", async () => {
  const probe = new ProbeModule();
  let release: (result: DeliveryResult) => void = () => {};
  await using gateway = await start({ a: { module: "probe", "module-config": { label: "one" } } }, { probe });
  probe.behaviour = () => new Promise((resolve) => release = resolve);
  const held = gateway.post("/webhook/a", "1");
  await eventually(() => assertEquals(probe.events.length, 1));
  probe.behaviour = () => "delivered";
  await gateway.writeWebhooks({});
  await eventually(async () => assertEquals((await gateway.post("/webhook/a", "2")).status, 404));
  release("delivered");
  assertEquals((await held).status, 200);
  assertEquals(probe.events[0]?.label, "one");
});

Deno.test("a bad value does not displace the good one, and is listed with its reason until corrected", async () => {
  const probe = new ProbeModule();
  await using gateway = await start({ a: { module: "probe", "module-config": { label: "good" } } }, {
    probe,
  });
  await gateway.writeWebhooks({ a: { module: "probe", hmca: { secret: "s" } } });
  await eventually(async () => assertEquals((await adminConfig(gateway)).problems.length, 1));

  const config = await adminConfig(gateway);
  const [problem] = config.problems;
  assertEquals(problem?.["key"], "webhook default/a");
  assertEquals(problem?.["serving"], "last_good");
  assertStringIncludes(problem?.["message"] ?? "", "nearest is 'hmac'");
  assertEquals(config.keys, { ok: 0, stale: 1, invalid: 0 });
  assertEquals((await gateway.post("/webhook/a", "{}")).status, 200);
  assertEquals(probe.events.at(-1)?.label, "good");

  await gateway.writeWebhooks({ a: { module: "probe", "module-config": { label: "mended" } } });
  await eventually(async () => assertEquals((await adminConfig(gateway)).problems, []));
  await gateway.post("/webhook/a", "{}");
  assertEquals(probe.events.at(-1)?.label, "mended");
});

Deno.test("a webhook that was never good answers 503 and not 404", async () => {
  await using gateway = await start({ a: { module: "prbe" }, b: "text" });
  for (const path of ["/webhook/a", "/webhook/b"]) {
    const answer = await gateway.post(path, "{}");
    assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"]);
  }
  const { keys } = await adminConfig(gateway);
  assertEquals(keys, { ok: 0, stale: 0, invalid: 2 });
});

Deno.test("a webhook without a named connection takes the only one of a type that its module accepts", async () => {
  const probe = withConnections();
  await using gateway = await start({ a: { module: "probe" } }, {
    probe,
    connections: { other: { type: "kafka" }, main: { type: "probe-server", host: "one" } },
  });
  assertEquals((await gateway.post("/webhook/a", "{}")).status, 200);
  assertEquals(probe.events.at(-1)?.connection, { host: "one" });
});

Deno.test("a webhook whose connection is missing answers 503 and heals when the connection appears", async () => {
  const probe = withConnections();
  await using gateway = await start({
    named: { module: "probe", connection: "main" },
    chosen: { module: "probe" },
  }, {
    probe,
    connections: {},
  });
  for (const path of ["/webhook/named", "/webhook/chosen"]) {
    const answer = await gateway.post(path, "{}");
    assertEquals([answer.status, errorCode(answer)], [503, "connection_unresolved"]);
  }
  await gateway.writeConnections({ main: { type: "probe-server", host: "one" } });
  await eventually(async () => {
    assertEquals((await gateway.post("/webhook/named", "{}")).status, 200);
    assertEquals((await gateway.post("/webhook/chosen", "{}")).status, 200);
  });
  assertEquals((await adminConfig(gateway)).problems, []);
});

Deno.test("a webhook that could use several connections says which, and heals when one is left", async () => {
  const probe = withConnections();
  const connections = { one: { type: "probe-server", host: "1" }, two: { type: "probe-server", host: "2" } };
  await using gateway = await start({ a: { module: "probe" } }, { probe, connections });
  const unresolved: Answer = await gateway.post("/webhook/a", "{}");
  assertEquals([unresolved.status, errorCode(unresolved)], [503, "connection_unresolved"]);
  const [problem] = (await adminConfig(gateway)).problems;
  assertStringIncludes(problem?.["message"] ?? "", "(one, two)");

  await gateway.writeConnections({ two: connections.two });
  await eventually(async () => assertEquals((await gateway.post("/webhook/a", "{}")).status, 200));
  assertEquals(probe.events.at(-1)?.connection, { host: "2" });
});

Deno.test("a bad connection does not displace the good one that webhooks use", async () => {
  const probe = withConnections();
  await using gateway = await start({ a: { module: "probe", connection: "main" } }, {
    probe,
    connections: { main: { type: "probe-server", host: "one" } },
  });
  await gateway.writeConnections({ main: { type: "probe-server", hots: "two" } });
  await eventually(async () => assert((await adminConfig(gateway)).problems.length > 0));
  assertEquals((await gateway.post("/webhook/a", "{}")).status, 200);
  assertEquals(probe.events.at(-1)?.connection, { host: "one" });
});

Deno.test("environment variables are put in, and a missing one makes the webhook a problem", async () => {
  const probe = new ProbeModule();
  await using gateway = await start({
    a: { module: "probe", "module-config": { label: "{$LABEL}" } },
    b: { module: "probe", authorization: "Bearer {$MISSING_TOKEN}" },
    c: { module: "probe", authorization: "{$EMPTY}" },
    d: { module: "probe", max_body_bytes: "{$LIMIT:20}" },
  }, { probe, environment: { LABEL: "from the environment", EMPTY: "" } });
  await gateway.post("/webhook/a", "{}");
  assertEquals(probe.events.at(-1)?.label, "from the environment");
  assertEquals((await gateway.post("/webhook/d", `"${"x".repeat(30)}"`)).status, 413);

  const guess = { authorization: "Bearer {$MISSING_TOKEN}" };
  assertEquals((await gateway.post("/webhook/b", "{}", guess)).status, 503);
  assertEquals((await gateway.post("/webhook/c", "{}", { authorization: "" })).status, 503);
  const { problems } = await adminConfig(gateway);
  assertEquals(problems.map(({ key, path }) => [key, path]), [
    ["webhook default/b", "authorization"],
    ["webhook default/c", "authorization"],
  ]);
});

Deno.test("remarks are kept out of the way at the top and one level below", async () => {
  const probe = new ProbeModule();
  await using gateway = await start({
    a: {
      module: "probe",
      _comment: "why",
      "x-owner": "team-a",
      "module-config": { label: "kept", _note: "here too" },
    },
  }, { probe });
  assertEquals((await gateway.post("/webhook/a", "{}")).status, 200);
  assertEquals(probe.events.at(-1)?.label, "kept");
});

Deno.test("no problem ever shows the value that it is about", async () => {
  await using gateway = await start({
    a: {
      module: "probe",
      hmac: { secret: "SECRET-VALUE", algorithm: "SECRET-VALUE", header: ["SECRET-VALUE"] },
    },
    b: { module: "probe", authorization: { token: "SECRET-VALUE" } },
  });
  const { problems } = await adminConfig(gateway);
  assert(problems.length >= 2);
  assert(!JSON.stringify(problems).includes("SECRET-VALUE"));
});
