import { assert, assertEquals } from "@std/assert";
import { StartupError } from "../../../src/errors.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import type { VaultSettings } from "../../../src/settings/vault.ts";

type Environment = Readonly<Record<string, string>>;

const ON = { SECRETS_BACKEND: "vault", VAULT_ADDR: "https://vault.example:8200" };

function vaultOf(env: Environment): VaultSettings | undefined {
  return loadSettings(env, { logIsTerminal: false }).vault;
}

function problemsOf(env: Environment): readonly string[] {
  try {
    vaultOf(env);
    return [];
  } catch (error) {
    if (error instanceof StartupError) return error.problems;
    throw error;
  }
}

Deno.test("vault settings are left out until SECRETS_BACKEND or VAULT_ENABLED switches Vault on", () => {
  assertEquals(vaultOf({ VAULT_ADDR: "https://vault.example", VAULT_TOKEN: "t" }), undefined);
  assert(vaultOf(ON) !== undefined);
  for (const word of ["1", "true", "YES", "on"]) {
    assert(vaultOf({ VAULT_ENABLED: word, VAULT_ADDR: "http://vault.example" }) !== undefined, word);
  }
  assertEquals(problemsOf({ VAULT_ENABLED: "true" }), ["VAULT_ADDR must be set while Vault is on"]);
});

Deno.test("vault settings have the documented defaults", () => {
  assertEquals(vaultOf({ ...ON, VAULT_TOKEN: "t" }), {
    addresses: ["https://vault.example:8200"],
    login: { method: "token", token: { value: "t" } },
    mount: "secret",
    kvVersion: 2,
    tls: { verify: true },
    timeoutMs: 10_000,
    cache: { ttlMs: 300_000, maxEntries: 1000 },
  });
});

Deno.test("vault settings take every variable", () => {
  const env = {
    ...ON,
    VAULT_ADDR: "https://a.example:8200/, https://b.example/vault/",
    VAULT_ROLE_ID: "role",
    VAULT_SECRET_ID_FILE: "/run/secrets/secret-id",
    VAULT_AUTH_MOUNT: "team/approle/",
    VAULT_MOUNT_POINT: "/team/kv/",
    VAULT_KV_VERSION: "1",
    VAULT_NAMESPACE: "team/payments/",
    VAULT_VERIFY: "/tls/ca.pem",
    VAULT_TIMEOUT_SECONDS: "3",
    VAULT_CACHE_TTL_SECONDS: "60",
    VAULT_CACHE_MAX_SIZE: "50",
  };
  assertEquals(vaultOf(env), {
    addresses: ["https://a.example:8200", "https://b.example/vault"],
    login: {
      method: "approle",
      mount: "team/approle",
      roleId: "role",
      secretId: { file: "/run/secrets/secret-id" },
    },
    mount: "team/kv",
    kvVersion: 1,
    namespace: "team/payments",
    tls: { verify: true, caFile: "/tls/ca.pem" },
    timeoutMs: 3000,
    cache: { ttlMs: 60_000, maxEntries: 50 },
  });
});

Deno.test("vault settings choose the login by what is set, unless VAULT_AUTH_METHOD says which", () => {
  const login = (env: Environment) => vaultOf({ ...ON, ...env })?.login;
  assertEquals(login({}), { method: "none" });
  assertEquals(login({ VAULT_TOKEN_FILE: "/sink" }), { method: "token", token: { file: "/sink" } });
  assertEquals(login({ VAULT_TOKEN: "t", VAULT_ROLE_ID: "r", VAULT_SECRET_ID: "s" })?.method, "token");
  assertEquals(login({ VAULT_ROLE: "gateway" }), {
    method: "kubernetes",
    mount: "kubernetes",
    role: "gateway",
    jwtFile: "/var/run/secrets/kubernetes.io/serviceaccount/token",
  });
  const both = { VAULT_TOKEN: "t", VAULT_ROLE_ID: "r" };
  assertEquals(login({ ...both, VAULT_AUTH_METHOD: "approle" }), {
    method: "approle",
    mount: "approle",
    roleId: "r",
  });
  assertEquals(login({ ...both, VAULT_AUTH_METHOD: "none" }), { method: "none" });
});

Deno.test("vault settings do not take a login that is incomplete or contradicts itself", () => {
  const refused: readonly Environment[] = [
    { VAULT_AUTH_METHOD: "token" },
    { VAULT_AUTH_METHOD: "approle", VAULT_SECRET_ID: "s" },
    { VAULT_AUTH_METHOD: "kubernetes" },
    { VAULT_SECRET_ID: "s" },
    { VAULT_TOKEN: "t", VAULT_TOKEN_FILE: "/sink" },
    { VAULT_ROLE_ID: "r", VAULT_SECRET_ID: "s", VAULT_SECRET_ID_FILE: "/secret-id" },
  ];
  for (const env of refused) {
    assertEquals(problemsOf({ ...ON, ...env }).length, 1, JSON.stringify(env));
    assertEquals(problemsOf(env), [], "nothing is wrong while Vault is off");
  }
});

Deno.test("vault settings refuse wrong addresses, paths and numbers, and show no credentials in them", () => {
  const refused: readonly Environment[] = [
    { VAULT_ADDR: "vault.example:8200" },
    { VAULT_ADDR: "ftp://vault.example" },
    { VAULT_ADDR: "https://root:hunter2@vault.example" },
    { VAULT_ADDR: "https://vault.example/?token=hunter2" },
    { VAULT_ADDR: "https://vault.example,," },
    { VAULT_MOUNT_POINT: "team//kv" },
    { VAULT_MOUNT_POINT: "../sys" },
    { VAULT_MOUNT_POINT: "kv?list=true" },
    { VAULT_NAMESPACE: "a/./b" },
    { VAULT_KV_VERSION: "3" },
    { VAULT_TIMEOUT_SECONDS: "0" },
    { VAULT_TIMEOUT_SECONDS: "301" },
    { VAULT_CACHE_MAX_SIZE: "0" },
    { VAULT_AUTH_METHOD: "userpass" },
  ];
  for (const env of refused) {
    const problems = problemsOf({ ...ON, ...env });
    assert(problems.length > 0, `took ${JSON.stringify(env)}`);
    assert(!problems.join().includes("hunter2"));
  }
});

Deno.test("vault settings take the namespace root for none", () => {
  assertEquals(vaultOf({ ...ON, VAULT_NAMESPACE: "root" })?.namespace, undefined);
  assertEquals(vaultOf({ ...ON, VAULT_NAMESPACE: "" })?.namespace, undefined);
});

Deno.test("vault settings verify certificates unless VAULT_VERIFY is false, which is a warning", () => {
  const { vault, warnings } = loadSettings({ ...ON, VAULT_VERIFY: "False" }, { logIsTerminal: false });
  assertEquals(vault?.tls, { verify: false });
  assertEquals(warnings, [
    "VAULT_VERIFY is false: whoever is on the way to Vault can read and change all secrets",
  ]);
});
