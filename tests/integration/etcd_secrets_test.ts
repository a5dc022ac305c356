import { assertEquals } from "@std/assert";
import { EtcdServer } from "../support/etcd/server.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { TempDir } from "../support/temp_dir.ts";
import { standIn, VaultWorld } from "../support/vault/vault_world.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

async function codesOf(gateway: TestGateway, list: "problems" | "warnings"): Promise<string[]> {
  const answer = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const findings = (JSON.parse(answer.text) as Record<typeof list, { key: string; code: string }[]>)[list];
  return findings.map(({ key, code }) => `${key} ${code}`);
}

async function statusWith(gateway: TestGateway, path: string, token: string): Promise<number> {
  return (await gateway.post(path, "{}", { authorization: `Bearer ${token}` })).status;
}

const guarded = (authorization: string) =>
  JSON.stringify({ module: "log", authorization: `Bearer ${authorization}` });

Deno.test("values in etcd take secrets from variables, files and Vault, and follow them", async () => {
  await using etcd = await EtcdServer.start();
  await using secrets = await TempDir.create();
  await using world = await VaultWorld.start(() => standIn("openbao"));
  await secrets.writeText("token", "one\n");
  await world.admin.write2("kv2", "auth", { token: "two" });
  await etcd.ctl("put", "/cwm/team-a/webhooks/file", guarded("{$file:token}"));
  await etcd.ctl("put", "/cwm/team-a/webhooks/vault", guarded("{$vault:auth#token}"));
  await etcd.ctl("put", "/cwm/team-a/webhooks/env", guarded("{$env:TOKEN}"));
  await etcd.ctl("put", "/cwm/team-a/webhooks/bad", guarded("{$vault:auth}"));
  await using gateway = await TestGateway.start({
    environment: {
      ADMIN_TOKEN,
      TOKEN: "three",
      CONFIG_BACKEND: "etcd",
      ETCD_HOST: "127.0.0.1",
      ETCD_PORT: String(etcd.port),
      SECRETS_DIR: secrets.path,
      SECRETS_BACKEND: "vault",
      VAULT_ADDR: world.front.url,
      VAULT_MOUNT_POINT: "kv2",
      VAULT_TOKEN: await world.admin.createToken({ policies: ["reader"] }),
    },
  });
  await eventually(async () => assertEquals((await gateway.request("/readyz")).status, 200));
  assertEquals(await statusWith(gateway, "/webhook/team-a/file", "one"), 200);
  assertEquals(await statusWith(gateway, "/webhook/team-a/vault", "two"), 200);
  assertEquals(await statusWith(gateway, "/webhook/team-a/env", "three"), 200);
  assertEquals(await statusWith(gateway, "/webhook/team-a/bad", "{$vault:auth}"), 503);
  assertEquals(await codesOf(gateway, "problems"), ["webhook team-a/bad invalid_reference"]);
  assertEquals(await codesOf(gateway, "warnings"), []);

  // Whoever rotates a secret in Vault writes the value in etcd again.
  await world.admin.write2("kv2", "auth", { token: "four" });
  await etcd.ctl("put", "/cwm/team-a/webhooks/vault", guarded("{$vault:auth#token}"));
  await secrets.writeText("token", "five");
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/team-a/vault", "four"), 200));
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/team-a/file", "five"), 200));

  await etcd.ctl("put", "/cwm/team-b/webhooks/other", guarded("x"));
  await eventually(async () =>
    assertEquals(await codesOf(gateway, "warnings"), [
      "VAULT_PATHS vault_paths_unset",
      "policy policy_unset",
    ])
  );
});
