import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { secretsCheck, secretsField } from "../../../src/auth/several_secrets.ts";
import { eventually } from "../../support/eventually.ts";
import { findingsOf } from "../../support/findings.ts";
import { TestGateway } from "../../support/gateway.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { standIn, VaultWorld } from "../../support/vault/vault_world.ts";

const BODY = '{"order":1}';

function signed(secret: string): Record<string, string> {
  return { "x-hmac-signature": createHmac("sha256", secret).update(BODY).digest("hex") };
}

async function statusWith(gateway: TestGateway, path: string, headers: HeadersInit): Promise<number> {
  return (await gateway.post(path, BODY, headers)).status;
}

/** The series of matches that are shown: by `webhook secret`, how many there were. */
async function matchesOf(gateway: TestGateway): Promise<Record<string, number>> {
  const { text } = await gateway.request("/metrics");
  const series = text.matchAll(
    /^cwm_secret_matches_total\{namespace="default",webhook="(\w+)",secret="([\w.]+)"\} (\d+)$/gm,
  );
  return Object.fromEntries(Array.from(series, ([, webhook, secret, value]) => [
    `${webhook} ${secret}`,
    Number(value),
  ]));
}

Deno.test("the old and the new secret pass while both are configured, and each is counted", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "log", hmac: { secret: ["{$NEW}", "{$OLD}"] } },
      keys: { module: "log", header_auth: { api_key: ["{$NEW}", "{$OLD}"] }, authorization: ["a", "b", "c"] },
      single: { module: "log", hmac: { secret: "{$NEW}" } },
    },
    environment: { NEW: "new-secret", OLD: "old-secret" },
  });
  const none = { "keys header_auth.api_key.0": 0, "keys header_auth.api_key.1": 0 };
  const never = { "keys authorization.0": 0, "keys authorization.1": 0, "keys authorization.2": 0 };
  const unused = { "orders hmac.secret.0": 0, "orders hmac.secret.1": 0 };
  assertEquals(await matchesOf(gateway), { ...unused, ...none, ...never });

  for (const secret of ["new-secret", "old-secret", "new-secret"]) {
    assertEquals(await statusWith(gateway, "/webhook/orders", signed(secret)), 200);
  }
  assertEquals(await statusWith(gateway, "/webhook/orders", signed("other")), 401);
  assertEquals(await statusWith(gateway, "/webhook/single", signed("new-secret")), 200);
  const both = { authorization: "c", "x-api-key": "old-secret" };
  assertEquals(await statusWith(gateway, "/webhook/keys", both), 200);
  assertEquals(await matchesOf(gateway), {
    "orders hmac.secret.0": 2,
    "orders hmac.secret.1": 1,
    "keys header_auth.api_key.0": 0,
    "keys header_auth.api_key.1": 1,
    "keys authorization.0": 0,
    "keys authorization.1": 0,
    "keys authorization.2": 1,
  });
});

Deno.test("the series of a list end with it: when it is shorter, a single secret, or removed", async () => {
  const orders = (secret: unknown) => ({ orders: { module: "log", hmac: { secret } } });
  await using gateway = await TestGateway.start({ webhooks: orders(["c", "b", "a"]) });
  assertEquals(await statusWith(gateway, "/webhook/orders", signed("a")), 200);
  assertEquals((await matchesOf(gateway))["orders hmac.secret.2"], 1);

  await gateway.writeWebhooks(orders(["c", "b"]));
  const two = { "orders hmac.secret.0": 0, "orders hmac.secret.1": 0 };
  await eventually(async () => assertEquals(await matchesOf(gateway), two));
  assertEquals(await statusWith(gateway, "/webhook/orders", signed("a")), 401);
  assertEquals(await statusWith(gateway, "/webhook/orders", signed("b")), 200);
  assertEquals(await matchesOf(gateway), { ...two, "orders hmac.secret.1": 1 });

  await gateway.writeWebhooks({ ...orders(["c", "b"]), other: { module: "log", authorization: ["x"] } });
  const other = { "other authorization.0": 0 };
  const kept = { ...two, "orders hmac.secret.1": 1, ...other };
  await eventually(async () => assertEquals(await matchesOf(gateway), kept));

  await gateway.writeWebhooks({ ...orders("c"), other: { module: "log", authorization: ["x"] } });
  await eventually(async () => assertEquals(await matchesOf(gateway), other));
  await gateway.writeWebhooks(orders("c"));
  await eventually(async () => assertEquals(await matchesOf(gateway), {}));
});

Deno.test("files and Vault give secrets of one list, and each is changed while it is served", async () => {
  await using files = await TempDir.create();
  await files.writeText("new", "from-a-file\n");
  await using vault = await VaultWorld.start(() => standIn("openbao"));
  await vault.admin.write2("kv2", "team/hook", { old: "from-vault" });
  const role = await vault.role();
  const secret = ["{$file:new}", "{$vault:team/hook#old}"];
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log", hmac: { secret } } },
    environment: {
      SECRETS_DIR: files.path,
      SECRETS_BACKEND: "vault",
      VAULT_ADDR: vault.front.url,
      VAULT_MOUNT_POINT: "kv2",
      VAULT_ROLE_ID: role.roleId,
      VAULT_SECRET_ID: role.secretId,
      VAULT_CACHE_TTL_SECONDS: "1",
    },
  });
  const passes = async (text: string) => await statusWith(gateway, "/webhook/orders", signed(text)) === 200;
  await eventually(async () => assert(await passes("from-vault")));
  assert(await passes("from-a-file"));

  await files.writeText("new", "from-the-changed-file\n");
  await eventually(async () => assert(await passes("from-the-changed-file")));
  assert(await passes("from-vault"));
  assert(!await passes("from-a-file"));

  await vault.admin.write2("kv2", "team/hook", { old: "from-the-changed-vault" });
  await eventually(async () => assert(await passes("from-the-changed-vault")));
  assert(await passes("from-the-changed-file"));
  assert(!await passes("from-vault"));
});

Deno.test("a problem of one secret of a list names its place, and the others do not serve without it", async () => {
  const { problems } = await findingsOf({
    webhooks: {
      unset: { module: "log", hmac: { secret: ["known", "{$NOT_SET}"] } },
      blank: { module: "log", basic_auth: { username: "u", password: ["known", "pa55\n"] } },
      empty: { module: "log", query_auth: { api_key: ["", "known"] } },
      none: { module: "log", authorization: [] },
      number: { module: "log", header_auth: { api_key: ["known", 5] } },
    },
  });
  const places = Object.entries(problems).map(([key, [first = ""]]) => `${key} ${first.split(":")[0]}`);
  assertEquals(places.sort(), [
    "webhook default/blank basic_auth.password.1",
    "webhook default/empty query_auth.api_key.0",
    "webhook default/none authorization",
    "webhook default/number header_auth.api_key",
    "webhook default/unset hmac.secret.1",
  ]);
  assert(!JSON.stringify(problems).includes("pa55"));
});

Deno.test("a request without a scheme is challenged for each scheme of a list once", async () => {
  const authorization = ["Bearer new", "Bearer old", "Basic dXNlcjpwYXNz", "a-value-without-scheme"];
  await using gateway = await TestGateway.start({ webhooks: { a: { module: "log", authorization } } });
  const answer = await gateway.post("/webhook/a", BODY);
  assertEquals(answer.status, 401);
  assertEquals(answer.headers.get("www-authenticate"), 'Bearer, Basic realm="webhook"');
});

Deno.test("a check is made with every secret, whichever of them passes", () => {
  const secrets = secretsField("Secrets of a test.").parse(["first", "second", "third"]);
  const tried: string[] = [];
  const check = secretsCheck(secrets, (secret) => (presented: string) => {
    tried.push(secret);
    return presented === secret;
  });
  for (const presented of ["first", "second", "third", "other"]) {
    assertEquals(check(presented), presented !== "other");
    assertEquals(tried.splice(0).sort(), ["first", "second", "third"]);
  }
});
