import { assertEquals } from "@std/assert";
import { checkFiles, verdictOf } from "../../support/python_configurations/check_files.ts";
import { pythonConfigurations } from "../../support/python_configurations/python_configurations.ts";
import { standIn, VaultWorld } from "../../support/vault/vault_world.ts";

const configurations = pythonConfigurations();

for (const configuration of configurations) {
  const { name, webhooks, connections, expected } = configuration;
  Deno.test(`cwm check says of the Python service's configuration '${name}' what the table says`, async () => {
    const report = await checkFiles(configuration);
    assertEquals(verdictOf(report, webhooks), expected);
    assertEquals(report.status, expected.taken === Object.keys(webhooks).length ? 0 : 1);
    const ofConnections = report.lines.filter((line) => line.includes(": connection "));
    const inVault = Object.values(connections).filter((value) => JSON.stringify(value).includes("{$vault:"));
    assertEquals(ofConnections.length, inVault.length, "every connection is taken, but for secrets in Vault");
  });
}

Deno.test("what is refused for its directory alone is taken where that is the working directory", async () => {
  const ids = new Set(["live_files", "relay_target", "relays_target_a", "relays_target_b", "relays_modules"]);
  const elsewhere = configurations.filter(({ name }) => ids.has(name));
  assertEquals(elsewhere.length, ids.size);
  for (const { webhooks, connections, environment, expected } of elsewhere) {
    const here = JSON.parse(
      JSON.stringify(webhooks).replaceAll(`"/farm/`, `"${Deno.cwd()}/`),
    ) as typeof webhooks;
    const report = await checkFiles({ webhooks: here, connections, environment });
    const verdict = { ...expected, refused: {}, taken: Object.keys(webhooks).length };
    assertEquals([verdictOf(report, here), report.status], [verdict, 0]);
  }
});

Deno.test("what has its secrets in Vault is taken where Vault is asked, unless refused anyway", async () => {
  await using vault = await VaultWorld.start(() => standIn("vault"));
  await vault.admin.write2("kv2", "farm/gate", { token: "farm-gate", seal: "farm-seal" });
  await vault.admin.write2("kv2", "farm/silo", { password: "farm-password" });
  const role = await vault.role();
  const variables = {
    SECRETS_BACKEND: "vault",
    VAULT_ADDR: vault.front.url,
    VAULT_MOUNT_POINT: "kv2",
    VAULT_ROLE_ID: role.roleId,
    VAULT_SECRET_ID: role.secretId,
  };
  const inVault = configurations.filter(({ expected }) => expected.in_vault > 0);
  const verdicts: unknown[] = [];
  for (const configuration of inVault) {
    const report = await checkFiles(configuration, variables);
    const { name, webhooks } = configuration;
    const { taken, in_vault: left, refused } = verdictOf(report, webhooks);
    verdicts.push([
      name,
      taken,
      left,
      refused,
      report.lines.filter((line) => line.includes(": connection ")),
    ]);
  }
  assertEquals(verdicts, [
    ["vault", 2, 0, { pressing: ["module-config.path"] }, []],
    ["etcd_with_vault", 3, 0, {}, []],
  ]);
});

Deno.test("the table has 92 webhooks and 47 connections, and every one of them in one group", () => {
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  const named = (values: object) => Object.keys(values).filter((name) => !name.startsWith("_")).length;
  assertEquals(sum(configurations.map(({ webhooks }) => named(webhooks))), 92);
  assertEquals(sum(configurations.map(({ connections }) => named(connections))), 47);
  for (const { name, webhooks, expected, why } of configurations) {
    const refused = Object.keys(expected.refused).length;
    assertEquals(expected.taken + expected.in_vault + refused, named(webhooks), name);
    assertEquals(why === undefined, refused === 0, `why something of ${name} is refused`);
  }
});
