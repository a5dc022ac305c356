import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EtcdServer } from "../support/etcd/server.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

const GOOD = { module: "log" };
const WITH_SECRET = { module: "log", header_auth: { header_name: "x-key", api_key: "{$file:key}" } };
const WITH_EXPRESSION = { module: "log", filter: 'body.kind == "order"' };
const BAD = { module: "log", hmca: {} };

/** One gateway after the other with the same directories. */
class Restarts implements AsyncDisposable {
  private constructor(readonly dir: TempDir, readonly env: Readonly<Record<string, string>>) {}

  static async create(more: Readonly<Record<string, string>> = {}): Promise<Restarts> {
    const dir = await TempDir.create();
    await Deno.mkdir(dir.file("conf"));
    await Deno.mkdir(dir.file("secrets"));
    await Deno.writeTextFile(dir.file("secrets/key"), "the-key");
    return new Restarts(dir, {
      CONFIG_DIR: dir.file("conf"),
      DATA_DIR: dir.file("data"),
      SECRETS_DIR: dir.file("secrets"),
      ADMIN_TOKEN,
      ...more,
    });
  }

  async start(more: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
    const gateway = await TestGateway.start({ environment: { ...this.env, ...more } });
    await eventually(async () => assertEquals((await gateway.request("/readyz")).status, 200), {
      timeoutMs: 30_000,
    });
    return gateway;
  }

  async write(name: "webhooks.json" | "connections.json", content: unknown): Promise<void> {
    await Deno.writeTextFile(
      this.dir.file(`conf/${name}`),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dir[Symbol.asyncDispose]();
  }
}

interface ConfigState {
  readonly degraded: boolean;
  readonly problems: readonly { key: string; serving: string; message: string }[];
  readonly snapshot: { file: string; state: string } | null;
  readonly unserved: { count: number; keys: string[] };
}

async function configOf(gateway: TestGateway | GatewayProcess): Promise<ConfigState> {
  const url = gateway instanceof TestGateway ? gateway.url("/admin/config") : `${gateway.url}/admin/config`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  return await answer.json() as ConfigState;
}

async function statusesOf(gateway: TestGateway, paths: readonly string[]): Promise<number[]> {
  const statuses = [];
  for (const path of paths) {
    const { status } = await gateway.post(`/webhook/${path}`, '{"kind":"order"}', { "x-key": "the-key" });
    statuses.push(status);
  }
  return statuses;
}

const OUTAGES: readonly (readonly [what: string, break_: (restarts: Restarts) => Promise<void>])[] = [
  ["broken webhooks and connections", async (restarts) => {
    await restarts.write("webhooks.json", '{"orders":');
    await restarts.write("connections.json", "[]");
  }],
  ["no files", async (restarts) => {
    await Deno.remove(restarts.dir.file("conf/webhooks.json"));
    await Deno.remove(restarts.dir.file("conf/connections.json"));
  }],
  ["bad values in whole files", async (restarts) => {
    await restarts.write("webhooks.json", { orders: BAD, secured: BAD, filtered: BAD, sent: BAD });
    await restarts.write("connections.json", { shop: { type: "redis-rq", hots: "localhost" } });
  }],
];

for (const [what, break_] of OUTAGES) {
  Deno.test(`a gateway started with ${what} serves what was good last`, async () => {
    await using restarts = await Restarts.create();
    await restarts.write("webhooks.json", {
      orders: GOOD,
      secured: WITH_SECRET,
      filtered: WITH_EXPRESSION,
      sent: { module: "redis_rq", connection: "shop", "module-config": { function: "shop.f" } },
    });
    await restarts.write("connections.json", { shop: { type: "redis-rq", host: "127.0.0.1", port: 9 } });
    const paths = ["orders", "secured", "filtered"];
    {
      await using gateway = await restarts.start();
      assertEquals(await statusesOf(gateway, paths), [200, 200, 200]);
      const { degraded, problems } = await configOf(gateway);
      assertEquals([degraded, problems], [false, []]);
    }
    await break_(restarts);
    // A second restart is no different from the first one.
    for (const _ of [1, 2]) {
      await using gateway = await restarts.start();
      assertEquals(await statusesOf(gateway, paths), [200, 200, 200]);
      const denied = await gateway.post("/webhook/secured", "{}", { "x-key": "another" });
      assertEquals(denied.status, 401);
      const { problems } = await configOf(gateway);
      assert(problems.length > 0);
      assertEquals([...new Set(problems.map(({ serving }) => serving))], ["last_good"]);
    }
    {
      await using gateway = await restarts.start();
      await restarts.write("connections.json", {});
      await restarts.write("webhooks.json", { orders: GOOD });
      await eventually(async () => assertEquals(await statusesOf(gateway, paths), [200, 404, 404]));
      const { degraded, problems } = await configOf(gateway);
      assertEquals([degraded, problems], [false, []]);
    }
    await using gateway = await restarts.start();
    assertEquals(await statusesOf(gateway, paths), [200, 404, 404]);
  });
}

Deno.test("what was good last is served by the policy of now alone, whether files or values are bad", async () => {
  await using restarts = await Restarts.create();
  const policy = await restarts.dir.writeJson("policy.json", { namespaces: { "*": { modules: ["kafka"] } } });
  await restarts.write("webhooks.json", { orders: GOOD });
  {
    await using gateway = await restarts.start();
    assertEquals(await statusesOf(gateway, ["orders"]), [200]);
  }
  for (const content of ["{", { orders: BAD }]) {
    await restarts.write("webhooks.json", content);
    await using gateway = await restarts.start({ POLICY_FILE: policy });
    assertEquals(await statusesOf(gateway, ["orders"]), [503]);
  }
});

Deno.test("with CONFIG_SNAPSHOT_FILE=none a bad value takes its webhook out at a restart", async () => {
  await using restarts = await Restarts.create({ CONFIG_SNAPSHOT_FILE: "none" });
  await restarts.write("webhooks.json", { orders: GOOD });
  {
    await using gateway = await restarts.start();
    assertEquals(await statusesOf(gateway, ["orders"]), [200]);
    assertEquals((await configOf(gateway)).snapshot, null);
  }
  await restarts.write("webhooks.json", { orders: BAD });
  await using gateway = await restarts.start();
  assertEquals(await statusesOf(gateway, ["orders"]), [503]);
  assertEquals((await configOf(gateway)).problems.map(({ serving }) => serving), ["nothing"]);
});

Deno.test("where the configuration cannot be kept, that is shown, and everything is served", async () => {
  await using restarts = await Restarts.create();
  await restarts.write("webhooks.json", { orders: GOOD });
  await Deno.mkdir(restarts.dir.file("data"));
  await Deno.writeTextFile(restarts.dir.file("data/config"), "in the way");
  await using gateway = await GatewayProcess.start({ env: restarts.env });
  await gateway.waitUntilReady();
  await eventually(async () => {
    const { degraded, snapshot } = await configOf(gateway);
    assertEquals([degraded, snapshot?.state], [true, "failing"]);
  });
  const readiness = await (await fetch(`${gateway.url}/readyz`)).json() as { configuration: string };
  assertEquals(readiness.configuration, "loaded");
  assertEquals(gateway.lines.filter(({ text }) => text.includes("Cannot write the configuration")).length, 1);
});

Deno.test("what a killed gateway had in service is there again, and its secrets were not written", async () => {
  await using restarts = await Restarts.create();
  await restarts.write("webhooks.json", { orders: WITH_SECRET });
  const file = restarts.dir.file("data/config/file.snapshot");
  {
    await using gateway = await GatewayProcess.start({ env: restarts.env });
    await gateway.waitUntilReady();
    await eventually(async () => assertEquals((await configOf(gateway)).snapshot?.state, "written"));
    gateway.kill("SIGKILL");
    await gateway.exited;
  }
  const { mode } = await Deno.stat(file);
  assertEquals(mode! & 0o777, 0o600);
  const kept = await Deno.readTextFile(file);
  assertStringIncludes(kept, "{$file:key}");
  assertEquals(kept.includes("the-key"), false);
  await restarts.write("webhooks.json", "");
  await using gateway = await restarts.start();
  assertEquals(await statusesOf(gateway, ["orders"]), [200]);
});

Deno.test("gateways restart while bad values stand in etcd: with it, without it, and a new one", async () => {
  await using etcd = await EtcdServer.start();
  await using old = await Restarts.create(etcdSettings(etcd));
  await using fresh = await Restarts.create(etcdSettings(etcd));
  const put = (id: string, value: unknown) =>
    etcd.ctl("put", `/cwm/default/webhooks/${id}`, JSON.stringify(value));
  await put("orders", GOOD);
  await put("secured", WITH_SECRET);
  await put("filtered", WITH_EXPRESSION);
  const paths = ["orders", "secured", "filtered"];
  {
    await using gateway = await old.start();
    assertEquals(await statusesOf(gateway, paths), [200, 200, 200]);
    for (const id of paths) await put(id, BAD);
    await put("newborn", BAD);
    await eventually(async () => assertEquals((await configOf(gateway)).problems.length, 4));
    assertEquals(await statusesOf(gateway, paths), [200, 200, 200]);
  }
  await using newcomer = await fresh.start();
  assertEquals(await statusesOf(newcomer, paths), [503, 503, 503]);
  const readiness = JSON.parse((await newcomer.request("/readyz")).text) as { unserved?: number };
  assertEquals(readiness.unserved, 3);
  assertEquals((await configOf(newcomer)).unserved.keys.toSorted(), [
    "webhook default/filtered",
    "webhook default/orders",
    "webhook default/secured",
  ]);
  for (const isUp of [true, false, true]) {
    if (isUp) await etcd.restart();
    else await etcd.kill();
    await using gateway = await old.start();
    assertEquals(await statusesOf(gateway, paths), [200, 200, 200]);
    assertEquals((await configOf(gateway)).unserved.count, 0);
  }
  for (const id of paths) await put(id, GOOD);
  await eventually(async () => assertEquals(await statusesOf(newcomer, paths), [200, 200, 200]), {
    timeoutMs: 30_000,
  });
  assertEquals(JSON.parse((await newcomer.request("/readyz")).text), {
    status: "ready",
    configuration: "loaded",
  });
});

Deno.test("a bad value that came while no gateway ran does not take its webhook out either", async () => {
  await using etcd = await EtcdServer.start();
  await using restarts = await Restarts.create(etcdSettings(etcd));
  const key = "/cwm/default/webhooks/orders";
  await etcd.ctl("put", key, JSON.stringify(GOOD));
  {
    await using gateway = await restarts.start();
    assertEquals(await statusesOf(gateway, ["orders"]), [200]);
  }
  await etcd.ctl("put", key, "{");
  {
    await using gateway = await restarts.start();
    assertEquals(await statusesOf(gateway, ["orders"]), [200]);
    assertEquals((await configOf(gateway)).problems.map(({ serving }) => serving), ["last_good"]);
  }
  await etcd.ctl("del", key);
  {
    await using gateway = await restarts.start();
    assertEquals(await statusesOf(gateway, ["orders"]), [404]);
  }
  await etcd.ctl("put", key, "{");
  await using gateway = await restarts.start();
  assertEquals(await statusesOf(gateway, ["orders"]), [503]);
});

function etcdSettings(etcd: EtcdServer): Record<string, string> {
  return { CONFIG_BACKEND: "etcd", ETCD_HOST: "127.0.0.1", ETCD_PORT: String(etcd.port) };
}
