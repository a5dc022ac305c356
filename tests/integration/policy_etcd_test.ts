/** What a team with an etcd user of its own tries, and what becomes of it under the policy of the platform. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { EtcdServer } from "../support/etcd/server.ts";
import { eventually } from "../support/eventually.ts";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { TempDir } from "../support/temp_dir.ts";

const PREFIX = "/cwm/";
const ADMIN_TOKEN = "the-admin-token-of-the-gateway";
const TEAM_B_SECRET = "a-secret-of-team-b";
const AS_ROOT = ["--user", "root:root"] as const;
const AS_TEAM = ["--user", "team-a:team-a"] as const;

const POLICY = {
  default: "deny",
  namespaces: {
    "*": { limits: { webhooks: 1000 } },
    "team-*": {
      variables: ["{namespace}_*"],
      files: ["{namespace}"],
      modules: ["log", "http_webhook", "webhook_connect", "save_to_disk", "kafka"],
      connections: ["{namespace}-*"],
      destinations: {
        hosts: ["*.team.example"],
        topics: ["{namespace}.*"],
        channels: ["{namespace}-*"],
      },
      base_dir: ["/srv/{namespace}"],
    },
    "team-a": { limits: { rate: "20/3600", webhooks: 12, max_body_bytes: 10_000 } },
  },
};

const GUARDED = { authorization: "Bearer a-secret-of-the-sender" };
const SENT = { authorization: "Bearer a-secret-of-the-sender" };

/** A server with a user who may write one namespace, and nothing else. */
async function startEtcd(): Promise<EtcdServer> {
  const server = await EtcdServer.start();
  await server.addUsers(PREFIX);
  await server.ctl("role", "add", "team-a");
  await server.ctl("role", "grant-permission", "--prefix=true", "team-a", "readwrite", `${PREFIX}team-a/`);
  await server.ctl("user", "add", "team-a:team-a");
  await server.ctl("user", "grant-role", "team-a", "team-a");
  await server.setAuth(true);
  return server;
}

async function startGateway(server: EtcdServer, secrets: TempDir): Promise<TestGateway> {
  return await TestGateway.start({
    environment: {
      CONFIG_BACKEND: "etcd",
      ETCD_ENDPOINTS: server.endpoint,
      ETCD_USERNAME: "reader",
      ETCD_PASSWORD: "reader",
      CONFIG_SNAPSHOT_FILE: "none",
      ADMIN_TOKEN,
      SECRETS_DIR: secrets.path,
      TEAM_B_KEY: TEAM_B_SECRET,
      "team-b_key": TEAM_B_SECRET,
    },
  });
}

/** What a team tries, by the id of its webhook, and what is said of it. */
const ATTACKS: Readonly<Record<string, readonly [value: unknown, problem: string]>> = {
  "own-variable": [header("{$ADMIN_TOKEN}"), "module-config.headers.x: invalid_reference"],
  "own-environment": [header("{$env:ETCD_PASSWORD:x}"), "module-config.headers.x: invalid_reference"],
  "own-file": [header("{$file:policy}"), "module-config.headers.x: policy_forbids"],
  "their-variable": [header("{$TEAM_B_KEY}"), "module-config.headers.x: policy_forbids"],
  "their-file": [header("{$file:team-b/key}"), "module-config.headers.x: policy_forbids"],
  "vault": [header("{$vault:teams/team-b#key}"), "module-config.headers.x: policy_forbids"],
  "address": [
    {
      ...GUARDED,
      module: "http_webhook",
      "module-config": { url: "http://127.0.0.1:2379", allowed_hosts: ["127.0.0.1"] },
    },
    "module-config.url: policy_forbids",
  ],
  "connection": [
    { ...GUARDED, module: "kafka", connection: "team-b-kafka", "module-config": { topic: "team-a.x" } },
    "connection: policy_forbids",
  ],
  "topic": [
    { ...GUARDED, module: "kafka", connection: "team-a-kafka", "module-config": { topic: "team-b.orders" } },
    "module-config.topic: policy_forbids",
  ],
  "channel": [
    {
      ...GUARDED,
      module: "webhook_connect",
      "module-config": { channel: "team-b-inbox", channel_token: "a-thief's-token" },
    },
    "module-config.channel: policy_forbids",
  ],
  "directory": [
    { ...GUARDED, module: "save_to_disk", "module-config": { base_dir: "/srv/team-a/../team-b" } },
    "module-config.base_dir: policy_forbids",
  ],
};

function header(x: string): unknown {
  return {
    ...GUARDED,
    module: "http_webhook",
    "module-config": { url: "https://x.team.example", headers: { x } },
  };
}

interface Listed {
  readonly key: string;
  readonly path: string;
  readonly code: string;
}

async function problemsOf(gateway: TestGateway): Promise<ReadonlyMap<string, readonly string[]>> {
  const { text } = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  for (const secret of [ADMIN_TOKEN, TEAM_B_SECRET, "reader:reader"]) assert(!text.includes(secret));
  const byKey = new Map<string, string[]>();
  for (const { key, path, code } of (JSON.parse(text) as { problems: Listed[] }).problems) {
    byKey.set(key, [...byKey.get(key) ?? [], `${path}: ${code}`]);
  }
  return byKey;
}

Deno.test("a team with an etcd user of its own reaches nothing that is another's or the gateway's", async () => {
  await using server = await startEtcd();
  await using secrets = await TempDir.create();
  await secrets.writeText("policy", "the-secret-of-a-file");
  await Deno.mkdir(secrets.file("team-b"));
  await secrets.writeText("team-b/key", TEAM_B_SECRET);
  const put = (key: string, value: unknown, user: readonly string[] = AS_ROOT) =>
    server.ctl(...user, "put", PREFIX + key, typeof value === "string" ? value : JSON.stringify(value));
  await put("global/policy", POLICY);
  for (const team of ["team-a", "team-b"]) {
    await put(`global/connections/${team}-kafka`, { type: "kafka", bootstrap_servers: "127.0.0.1:9" });
  }
  await put("team-b/webhooks/log", { ...GUARDED, module: "log" });
  await using gateway = await startGateway(server, secrets);
  const statusOf = async (path: string, body = "{}") =>
    (await gateway.post(`/webhook/${path}`, body, SENT)).status;
  await eventually(async () => assertEquals(await statusOf("team-b/log"), 200));

  for (const key of ["global/policy", "global/connections/team-b-kafka", "team-b/webhooks/log"]) {
    await assertRejects(() => put(key, {}, AS_TEAM), Error, "permission denied");
  }
  for (const [id, [value]] of Object.entries(ATTACKS)) await put(`team-a/webhooks/${id}`, value, AS_TEAM);
  await put("team-a/webhooks/huge", JSON.stringify({ module: "log", x: "y".repeat(60_000) }), AS_TEAM);
  await put("team-a/webhooks/good", { ...GUARDED, module: "log" }, AS_TEAM);
  await eventually(async () => assertEquals(await statusOf("team-a/good"), 200));
  const problems = await problemsOf(gateway);
  for (const [id, [, problem]] of Object.entries(ATTACKS)) {
    assertEquals(problems.get(`webhook team-a/${id}`), [problem], id);
    const answer = await gateway.post(`/webhook/team-a/${id}`, "{}", SENT);
    assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"], id);
  }
  assertEquals(problems.get("webhook team-a/huge"), ["x: schema"]);

  // A flood and a large body: what is the team's own is used up, and nobody else's.
  assertEquals(await statusOf("team-a/good", `"${"x".repeat(20_000)}"`), 413);
  const flood = [];
  for (let count = 0; count < 40; count++) flood.push(await statusOf("team-a/good"));
  assert(flood.includes(429) && flood.slice(-10).every((status) => status === 429), flood.join());
  for (let count = 0; count < 5; count++) assertEquals(await statusOf("team-b/log"), 200);

  // The platform changes its mind: at once, and closed where the change is none.
  await put("team-a/webhooks/later", {
    ...GUARDED,
    module: "http_webhook",
    "module-config": { url: "https://x.partner.example" },
  }, AS_TEAM);
  await eventually(async () => assert((await problemsOf(gateway)).has("webhook team-a/later")));
  await put("global/policy", "{ not JSON");
  await eventually(async () => assert((await problemsOf(gateway)).has("policy")));
  assertEquals(await statusOf("team-b/log"), 200);
  assert((await problemsOf(gateway)).has("webhook team-a/later"));
  await put("global/policy", {
    namespaces: { "team-*": { destinations: { hosts: ["*.partner.example"] } } },
  });
  await eventually(async () => assert(!(await problemsOf(gateway)).has("webhook team-a/later")));
  await server.ctl(...AS_ROOT, "del", `${PREFIX}global/policy`);
  await eventually(async () => assertEquals((await problemsOf(gateway)).get("policy"), [": policy_missing"]));
  assert((await problemsOf(gateway)).has("webhook team-a/address"));
});
