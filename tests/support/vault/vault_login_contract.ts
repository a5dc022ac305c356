/** Ways to a token: the part of the suite in `vault_contract.ts` about logins. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { VaultLogin } from "../../../src/settings/vault.ts";
import { TempDir } from "../temp_dir.ts";
import { TEST_CA } from "../http/test_certificate.ts";
import type { TestInWorld } from "./vault_contract.ts";
import { fieldsOf, read, reasonOf, type VaultWorld } from "./vault_world.ts";

const LOGIN = /^auth\/[^?]+\/login$/;

/** Registers the tests. */
export function testVaultLogins(test: TestInWorld): void {
  testAppRole(test);
  testKubernetes(test);
  testRefusals(test);
  testTokenFiles(test);
  testWrapping(test);
}

async function withSecret(world: VaultWorld): Promise<void> {
  await world.admin.write2("kv2", "hook", { a: "1" });
}

function testAppRole(test: TestInWorld): void {
  test("AppRole logs in once for all reads that come together", async (world) => {
    await withSecret(world);
    const source = await world.open({ login: (await world.role()).login });
    await Promise.all(Array.from({ length: 10 }, () => fieldsOf(source, "hook")));
    assertEquals(world.front.seen(LOGIN).length, 1);
  });

  test("AppRole logs in at another mount, and without a secret id where the role needs none", async (world) => {
    await withSecret(world);
    await world.admin.enableAuth("team-role", "approle");
    const options = {
      token_policies: ["reader"],
      bind_secret_id: false,
      secret_id_bound_cidrs: ["127.0.0.0/8"],
    };
    const roleId = await world.admin.createRole("gateway", options, "team-role");
    const source = await world.open({ login: { method: "approle", mount: "team-role", roleId } });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  });
}

function testKubernetes(test: TestInWorld): void {
  test("a service account of Kubernetes logs in with the token in its file", async (world) => {
    await withSecret(world);
    await using directory = await TempDir.create();
    const { admin, backend } = world;
    await admin.enableAuth("kubernetes", "kubernetes");
    await admin.call("POST", "auth/kubernetes/config", {
      kubernetes_host: backend.kubernetesHost,
      kubernetes_ca_cert: TEST_CA,
      disable_local_ca_jwt: true,
      disable_iss_validation: true,
    });
    await admin.call("POST", "auth/kubernetes/role/gateway", {
      bound_service_account_names: ["gateway"],
      bound_service_account_namespaces: ["apps"],
      token_policies: ["reader"],
    });
    const jwtFile = await directory.writeText("token", `${serviceAccountToken("gateway")}\n`);
    const login = { method: "kubernetes", mount: "kubernetes", role: "gateway", jwtFile } as const;
    assertEquals(await fieldsOf(await world.open({ login }), "hook"), { a: "1" });

    await directory.writeText("token", serviceAccountToken("stranger"));
    const refused = await world.open({ login });
    await reasonOf(refused, "hook", "unavailable");
    assertEquals(refused.status().state, "failing");
  });
}

/** A token as Kubernetes mounts it in a pod; nobody here verifies the signature. */
function serviceAccountToken(account: string): string {
  const encode = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });
  const claims = {
    iss: "https://kubernetes.default.svc.cluster.local",
    sub: `system:serviceaccount:apps:${account}`,
    aud: ["https://kubernetes.default.svc.cluster.local"],
    iat: 1_700_000_000,
    exp: 4_000_000_000,
    "kubernetes.io": { namespace: "apps", serviceaccount: { name: account, uid: `uid-${account}` } },
  };
  return [encode({ alg: "RS256", kid: "k" }), encode(claims), "c2lnbmF0dXJl"].join(".");
}

function testRefusals(test: TestInWorld): void {
  test("a refused login is not repeated until the secret id in its file changes", async (world) => {
    await withSecret(world);
    await using directory = await TempDir.create();
    const { roleId } = await world.role();
    const file = await directory.writeText("secret-id", "wrong\n");
    const source = await world.open({
      login: { method: "approle", mount: "approle", roleId, secretId: { file } },
    });
    for (let attempt = 0; attempt < 5; attempt++) {
      assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "400");
    }
    assertEquals(world.front.seen(LOGIN).length, 1);
    await directory.writeText("secret-id", `${await world.admin.createSecretId("gateway")}\n`);
    // Two logins are never less than ten seconds apart, whatever they are with.
    await reasonOf(source, "hook", "unavailable");
    assertEquals(world.front.seen(LOGIN).length, 1);
    await world.backend.pass(11);
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(world.front.seen(LOGIN).length, 2);
    assertEquals(source.status().state, "working");
  });

  test("a login method that is not enabled says so", async (world) => {
    const { roleId } = await world.role();
    const source = await world.open({
      login: { method: "approle", mount: "elsewhere", roleId, secretId: { value: "s" } },
    });
    const reason = await reasonOf(source, "hook", "unavailable");
    assertStringIncludes(reason, "auth/elsewhere");
    assertStringIncludes(reason, "is the method enabled there");
  });

  test("a login that Vault cannot answer is not a refusal", async (world) => {
    await withSecret(world);
    const source = await world.open({ login: (await world.role()).login });
    world.front.answerNext(LOGIN, { status: 503, body: '{"errors":["Vault is sealed"]}' });
    assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "Vault is sealed");
    assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "next login is in");
    assertEquals(world.front.seen(LOGIN).length, 1);
  });

  test("a login or an unwrapping that may have arrived is not sent again", async (world) => {
    const { roleId, login } = await world.role();
    world.front.answerNext(LOGIN, "drop");
    await reasonOf(await world.open({ login }), "hook", "unavailable");
    assertEquals(world.front.seen(LOGIN).length, 1);
    const value = await world.admin.createWrappedSecretId("gateway");
    const wrapped: VaultLogin = { method: "approle", mount: "approle", roleId, secretId: { value } };
    world.front.answerNext(/^sys\/wrapping\/unwrap$/, "drop");
    await reasonOf(await world.open({ login: wrapped }), "hook", "unavailable");
    assertEquals(world.front.seen(/^sys\/wrapping\/unwrap$/).length, 1);
  });

  test("what is wrong with credentials shows none of them", async (world) => {
    const { roleId } = await world.role();
    const login: VaultLogin = {
      method: "approle",
      mount: "approle",
      roleId,
      secretId: { value: "hunter2-secret-id" },
    };
    const source = await world.open({ login });
    const body = JSON.stringify({ errors: [`no role ${roleId} with hunter2-secret-id`] });
    world.front.answerNext(LOGIN, { status: 400, body });
    const shown = JSON.stringify([await read(source, "hook"), source.status()]);
    assertStringIncludes(shown, "400");
    assert(!shown.includes("hunter2") && !shown.includes(roleId));
  });
}

function testTokenFiles(test: TestInWorld): void {
  test("a token file is read again when it changes, and its token is trimmed", async (world) => {
    await withSecret(world);
    await using directory = await TempDir.create();
    const [first, second] = [await newToken(world), await newToken(world)];
    const file = await directory.writeText("sink", first);
    const source = await world.open({ login: { method: "token", token: { file } } });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.admin.revoke(first);
    await directory.writeText("sink", ` ${second}\n`);
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(tokensOf(world), [first, second]);
  });

  test("a token file that disappears leaves its token in use; one that never was is unavailable", async (world) => {
    await withSecret(world);
    await using directory = await TempDir.create();
    const file = directory.file("sink");
    const source = await world.open({ login: { method: "token", token: { file } } });
    assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "VAULT_TOKEN_FILE");
    await directory.writeText("sink", await newToken(world));
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await Deno.remove(file);
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  });

  test("a token file that holds anything but a token is unavailable and not shown", async (world) => {
    await using directory = await TempDir.create();
    for (const text of ["", "hunter2 hunter2", "hunter2\nhunter2"]) {
      const file = await directory.writeText("sink", text);
      const source = await world.open({ login: { method: "token", token: { file } } });
      assert(!(await reasonOf(source, "hook", "unavailable")).includes("hunter2"));
    }
    const login = { method: "token", token: { file: directory.path } } as const;
    await reasonOf(await world.open({ login }), "hook", "unavailable");
    assertEquals(world.front.requests.length, 0);
  });

  test("without a login no token is sent, for an agent in front that adds its own", async (world) => {
    const source = await world.open({ login: { method: "none" } });
    assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "VAULT_TOKEN");
    world.front.answerNext(/^kv2\//, {
      status: 200,
      body: '{"data":{"data":{"a":"1"},"metadata":{"version":1}}}',
    });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assert(world.front.requests.every(({ headers }) => headers["x-vault-token"] === undefined));
    assertEquals(world.front.seen(LOGIN).length, 0);
  });
}

async function newToken({ admin }: VaultWorld): Promise<string> {
  return await admin.createToken({ policies: ["reader"] });
}

/** The tokens that secrets were read with, in the order of their first use. */
function tokensOf({ front }: VaultWorld): string[] {
  return [...new Set(front.seen(/^kv2\/data\//).map(({ headers }) => String(headers["x-vault-token"])))];
}

function testWrapping(test: TestInWorld): void {
  test("a wrapping token is unwrapped once and used for nothing else", async (world) => {
    await withSecret(world);
    const wrapping = await world.admin.createWrappedToken({ policies: ["reader"] });
    const source = await world.open({ login: { method: "token", token: { value: wrapping } } });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    const uses = world.front.requests.filter(({ headers }) => headers["x-vault-token"] === wrapping);
    assertEquals(uses.map(({ path }) => path), ["sys/wrapping/unwrap"]);
  });

  test("a wrapping token that was used already is refused, with that as a possible reason", async (world) => {
    await withSecret(world);
    const wrapping = await world.admin.createWrappedToken({ policies: ["reader"] });
    await world.admin.call("POST", "sys/wrapping/unwrap", { token: wrapping });
    const source = await world.open({ login: { method: "token", token: { value: wrapping } } });
    assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "spent");
  });

  test("a wrapped secret id is unwrapped once, for this login and the next", async (world) => {
    await withSecret(world);
    const { roleId } = await world.role();
    const wrapping = await world.admin.createWrappedSecretId("gateway");
    const login: VaultLogin = { method: "approle", mount: "approle", roleId, secretId: { value: wrapping } };
    const source = await world.open({ login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.backend.pass(11);
    await world.admin.revokeLogins("approle");
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(world.front.seen(LOGIN).length, 2);
    assertEquals(world.front.seen(/^sys\/wrapping\/unwrap$/).length, 1);
  });
}
