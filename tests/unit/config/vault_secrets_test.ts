import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { standIn, VaultWorld } from "../../support/vault/vault_world.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const DOWN = { status: 503, body: '{"errors":["Vault is sealed"]}' };

/** A gateway that reads its secrets from a stand-in for Vault. */
async function start(
  webhooks: Readonly<Record<string, unknown>>,
  arrange: (vault: VaultWorld) => Promise<void>,
) {
  await using resources = new AsyncDisposableStack();
  const vault = resources.use(await VaultWorld.start(() => standIn("openbao")));
  await arrange(vault);
  const role = await vault.role();
  const gateway = resources.use(
    await TestGateway.start({
      webhooks,
      environment: {
        ADMIN_TOKEN,
        SECRETS_BACKEND: "vault",
        VAULT_ADDR: vault.front.url,
        VAULT_MOUNT_POINT: "kv2",
        VAULT_ROLE_ID: role.roleId,
        VAULT_SECRET_ID: role.secretId,
        VAULT_CACHE_TTL_SECONDS: "1",
      },
    }),
  );
  const stack = resources.move();
  return { vault, gateway, role, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function statusWith(gateway: TestGateway, path: string, token: string): Promise<number> {
  return (await gateway.post(path, "{}", { authorization: `Bearer ${token}` })).status;
}

async function adminConfig(gateway: TestGateway) {
  const answer = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return {
    text: answer.text,
    ...JSON.parse(answer.text) as { vault: Record<string, unknown>; problems: unknown[] },
  };
}

async function vaultHealth(gateway: TestGateway): Promise<unknown> {
  const { text } = await gateway.request("/health");
  return (JSON.parse(text) as { components: Record<string, unknown> }).components["vault"];
}

const guarded = (authorization: string) => ({ module: "log", authorization });

Deno.test("{$vault:path#field} is read before the gateway is ready, and a new version is swapped in", async () => {
  const webhooks = {
    a: guarded("Bearer {$vault:team/hook#token}"),
    b: guarded("Bearer {$vault:team/hook#number}"),
  };
  await using world = await start(
    webhooks,
    (vault) => vault.admin.write2("kv2", "team/hook", { token: "one", number: 7 }),
  );
  const { gateway, vault } = world;
  await eventually(async () => assertEquals((await gateway.request("/readyz")).status, 200));
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 200);
  assertEquals(await statusWith(gateway, "/webhook/b", "7"), 200);
  assertEquals(vault.front.seen(/^kv2\/data\/team\/hook$/).length, 1);

  await vault.admin.write2("kv2", "team/hook", { token: "two", number: 7 });
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/a", "two"), 200));
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 401);
});

Deno.test("a default stands in for what Vault lacks, and never for a Vault that cannot be asked", async () => {
  const webhooks = {
    absent: guarded("Bearer {$vault:never#token:fallback}"),
    field: guarded("Bearer {$vault:team/hook#none:fallback}"),
    there: guarded("Bearer {$vault:team/hook#token:fallback}"),
  };
  using outage = new DisposableStack();
  await using world = await start(webhooks, async (vault) => {
    await vault.admin.write2("kv2", "team/hook", { token: "one" });
    outage.use(vault.front.answer(/^kv2\/data\/team\/hook/, DOWN));
  });
  const { gateway } = world;
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/absent", "fallback"), 200));
  for (const path of ["/webhook/there", "/webhook/field"]) {
    const blocked = await gateway.post(path, "{}", { authorization: "Bearer fallback" });
    assertEquals([blocked.status, errorCode(blocked)], [503, "secret_unavailable"]);
  }
  outage.dispose();
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/there", "one"), 200));
  assertEquals(await statusWith(gateway, "/webhook/there", "fallback"), 401);
  assertEquals(await statusWith(gateway, "/webhook/field", "fallback"), 200);
});

Deno.test("the last good secrets serve on while Vault is away, and the admin routes say so", async () => {
  const webhooks = { a: guarded("Bearer {$vault:team/hook#token}") };
  await using world = await start(
    webhooks,
    (vault) => vault.admin.write2("kv2", "team/hook", { token: "s3cret" }),
  );
  const { gateway, vault, role } = world;
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/a", "s3cret"), 200));
  assertEquals(await vaultHealth(gateway), "healthy");
  {
    using _rule = vault.front.answer(/^kv2\/data\//, DOWN);
    await eventually(async () => assertEquals(await vaultHealth(gateway), "disconnected"));
    assertEquals(await statusWith(gateway, "/webhook/a", "s3cret"), 200);
    const config = await adminConfig(gateway);
    assertEquals(config.vault["state"], "failing");
    assertStringIncludes(String(config.vault["reason"]), "Vault is sealed");
    const tokens = vault.front.requests.map(({ headers }) =>
      String(headers["x-vault-token"] ?? role.secretId)
    );
    for (const secret of ["s3cret", role.secretId, ...tokens]) assert(!config.text.includes(secret));
  }
  await eventually(async () => assertEquals(await vaultHealth(gateway), "healthy"));
  assertEquals((await adminConfig(gateway)).vault["reason"], null);
});
