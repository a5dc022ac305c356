import { assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway, type TestGatewayOptions } from "../../support/gateway.ts";
import { standIn, VaultWorld } from "../../support/vault/vault_world.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface Finding {
  readonly key: string;
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly serving: string;
}

async function adminConfig(gateway: TestGateway): Promise<{ problems: Finding[]; warnings: Finding[] }> {
  const answer = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return JSON.parse(answer.text) as { problems: Finding[]; warnings: Finding[] };
}

async function statusWith(gateway: TestGateway, path: string, token: string): Promise<number> {
  return (await gateway.post(path, "{}", { authorization: `Bearer ${token}` })).status;
}

const guarded = (authorization: string) => ({ module: "log", authorization: `Bearer ${authorization}` });

async function tokenOf(world: VaultWorld): Promise<string> {
  return await world.admin.createToken({ policies: ["reader"] });
}

/** A gateway that reads `kv2` of the world's Vault, ready to take requests. */
async function start(
  world: VaultWorld,
  webhooks: TestGatewayOptions["webhooks"],
  environment: Record<string, string> = {},
): Promise<TestGateway> {
  const gateway = await TestGateway.start({
    ...(webhooks === undefined ? {} : { webhooks }),
    environment: {
      ADMIN_TOKEN,
      VAULT_ENABLED: "true",
      VAULT_ADDR: world.front.url,
      VAULT_MOUNT_POINT: "kv2",
      VAULT_TOKEN: environment["VAULT_TOKEN"] ?? await tokenOf(world),
      VAULT_TIMEOUT_SECONDS: "1",
      ...environment,
    },
  });
  await eventually(async () => assertEquals((await gateway.request("/readyz")).status, 200));
  return gateway;
}

const startWorld = () => VaultWorld.start(() => standIn("vault"));

Deno.test("{$vault:path#field} is read once for all webhooks that use the path, and again at a reload", async () => {
  await using world = await startWorld();
  await world.admin.write2("kv2", "webhooks/auth", { token: "one", other: "two", count: 3 });
  await using gateway = await start(world, {
    a: guarded("{$vault:webhooks/auth#token}"),
    b: guarded("x-{$vault:webhooks/auth#other}-{$vault:webhooks/auth#count}"),
    c: guarded("{$vault:webhooks/auth#token}"),
    none: guarded("{$vault:webhooks/auth#nothing:a:default}"),
  });
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 200);
  assertEquals(await statusWith(gateway, "/webhook/b", "x-two-3"), 200);
  assertEquals(await statusWith(gateway, "/webhook/none", "a:default"), 200);
  assertEquals(world.front.seen(/^kv2\/data/).length, 1);

  await world.admin.write2("kv2", "webhooks/auth", { token: "three", other: "two", count: 3 });
  await gateway.reload();
  assertEquals(await statusWith(gateway, "/webhook/a", "three"), 200);
  assertEquals(await statusWith(gateway, "/webhook/c", "one"), 401);
  assertEquals(world.front.seen(/^kv2\/data/).length, 2);
});

Deno.test("a secret that changes in Vault is live once its answer is as old as it may be", async () => {
  await using world = await startWorld();
  await world.admin.write2("kv2", "auth", { token: "one" });
  await using gateway = await start(world, { a: guarded("{$vault:auth#token}") }, {
    VAULT_CACHE_TTL_SECONDS: "1",
  });
  await world.admin.write2("kv2", "auth", { token: "two" });
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/a", "two"), 200));
});

Deno.test("an entry that is written again reads its secret again, as whoever rotates one expects", async () => {
  await using world = await startWorld();
  await world.admin.write2("kv2", "auth", { token: "one" });
  const webhook = guarded("{$vault:auth#token}");
  await using gateway = await start(world, { a: webhook });
  await world.admin.write2("kv2", "auth", { token: "two" });
  await gateway.writeWebhooks({ a: { ...webhook, enabled: true } });
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/a", "two"), 200));
});

Deno.test("while Vault cannot be asked entries keep their secrets and say so; no default goes live", async () => {
  await using world = await startWorld();
  await world.admin.write2("kv2", "auth", { token: "one" });
  await using gateway = await start(world, {
    a: guarded("{$vault:auth#token}"),
    b: guarded("{$vault:auth#token:default}"),
  });
  await world.seal();
  await gateway.reload();
  const { problems } = await adminConfig(gateway);
  assertEquals(problems.map(({ key, code, path, serving }) => [key, code, path, serving]), [
    ["webhook default/a", "secret_unavailable", "authorization", "last_good"],
    ["webhook default/b", "secret_unavailable", "authorization", "last_good"],
  ]);
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 200);
  assertEquals(await statusWith(gateway, "/webhook/b", "one"), 200);
  assertEquals(await statusWith(gateway, "/webhook/b", "default"), 401);

  // One that is new takes what is known of the path, and one with a path that was never read is blocked alone.
  await gateway.writeWebhooks({
    a: guarded("{$vault:auth#token}"),
    c: guarded("{$vault:auth#token}"),
    d: guarded("{$vault:other#token:default}"),
    e: { module: "log" },
  });
  await gateway.reload();
  assertEquals(await statusWith(gateway, "/webhook/c", "one"), 200);
  assertEquals(await statusWith(gateway, "/webhook/e", ""), 200);
  const answer = await gateway.post("/webhook/d", "{}", { authorization: "Bearer default" });
  assertEquals([answer.status, errorCode(answer)], [503, "secret_unavailable"]);

  await world.unseal();
  await gateway.reload();
  assertEquals((await adminConfig(gateway)).problems, []);
  assertEquals(await statusWith(gateway, "/webhook/d", "default"), 200);
});

Deno.test("a start without Vault serves what needs none, and heals by itself when Vault is there", async () => {
  await using world = await startWorld();
  await world.admin.write2("kv2", "auth", { token: "one" });
  const token = await tokenOf(world);
  await world.seal();
  await using gateway = await start(world, {
    a: guarded("{$vault:auth#token:default}"),
    plain: { module: "log" },
  }, { VAULT_TOKEN: token });
  assertEquals(await statusWith(gateway, "/webhook/plain", ""), 200);
  assertEquals(await statusWith(gateway, "/webhook/a", "default"), 503);
  assertEquals((await adminConfig(gateway)).problems.map(({ serving }) => serving), ["nothing"]);
  await world.unseal();
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/a", "one"), 200));
  assertEquals((await adminConfig(gateway)).problems, []);
});

Deno.test("a Vault that does not answer keeps the gateway unready, but not what needs no secret", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using gateway = await TestGateway.start({
    webhooks: { a: guarded("{$vault:auth#token:default}"), plain: { module: "log" } },
    environment: {
      ADMIN_TOKEN,
      VAULT_ENABLED: "true",
      VAULT_ADDR: `http://127.0.0.1:${silent.addr.port}`,
      VAULT_TIMEOUT_SECONDS: "300",
    },
  });
  assertEquals((await gateway.request("/livez")).status, 200);
  assertEquals((await gateway.request("/readyz")).status, 503);
  assertEquals(await statusWith(gateway, "/webhook/plain", ""), 200);
  const answer = await gateway.post("/webhook/a", "{}", { authorization: "Bearer default" });
  assertEquals([answer.status, errorCode(answer)], [503, "secret_unavailable"]);
  assertEquals((await adminConfig(gateway)).problems.map(({ code }) => code), ["secret_unavailable"]);
});

Deno.test("VAULT_PATHS decides what may be read, with the webhook's namespace in it", async () => {
  await using world = await startWorld();
  for (
    const path of ["teams/default/auth", "teams/other/auth", "teams/defaults", "shared/a/x", "shared/ab"]
  ) {
    await world.admin.write2("kv2", path, { token: "one" });
  }
  const allowed = ["teams/default/auth", "shared/a/x"];
  const refused = ["teams/other/auth", "teams/defaults", "shared/ab", "shared"];
  const webhooks = Object.fromEntries([...allowed, ...refused].map((path, index) => [
    `w${index}`,
    guarded(`{$vault:${path}#token:default}`),
  ]));
  await using gateway = await start(world, webhooks, { VAULT_PATHS: "teams/{namespace}, shared/a*/x" });
  for (const index of allowed.keys()) {
    assertEquals(await statusWith(gateway, `/webhook/w${index}`, "one"), 200);
  }
  const { problems } = await adminConfig(gateway);
  assertEquals(problems.map(({ code }) => code), refused.map(() => "secret_misconfigured"));
  for (const { message } of problems) assertStringIncludes(message, "VAULT_PATHS");
  assertEquals(new Set(world.front.seen(/^kv2\/data/).map(({ path }) => path)).size, allowed.length);
});

Deno.test("without Vault every reference to it is a problem that names the settings", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { a: guarded("{$vault:auth#token:default}") },
    environment: { ADMIN_TOKEN },
  });
  assertEquals(await statusWith(gateway, "/webhook/a", "default"), 503);
  const [problem] = (await adminConfig(gateway)).problems;
  assertStringIncludes(problem!.message, "VAULT_ADDR");
});
