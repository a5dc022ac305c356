import { assertEquals, assertStringIncludes } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { VaultSource } from "../../src/secrets/vault/vault_source.ts";
import type { VaultSettings } from "../../src/settings/vault.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { VaultServer } from "../support/vault/vault_server.ts";
import { fieldsOf, reasonOf } from "../support/vault/vault_world.ts";

/** A server for 127.0.0.1 with a certificate of its own authority. */
async function setUp() {
  await using resources = new AsyncDisposableStack();
  const certificates = resources.use(await TestCertificates.create());
  await certificates.issue("server", "IP:127.0.0.1");
  const tls = {
    cert: await Deno.readTextFile(certificates.certificateOf("server")),
    key: await Deno.readTextFile(certificates.keyOf("server")),
  };
  const server = resources.use(new VaultServer("vault", Date.now, tls));
  const address = `https://127.0.0.1:${server.port}`;
  {
    using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(certificates.ca)] });
    const send = async (path: string, body: unknown) => {
      const headers = { "x-vault-token": VaultServer.rootToken };
      const request = { client, method: "POST", headers, body: JSON.stringify(body) };
      await (await fetch(`${address}/v1/${path}`, request)).body?.cancel();
    };
    await send("sys/mounts/secret", { type: "kv", options: { version: "2" } });
    await send("secret/data/hook", { data: { a: "1" } });
  }
  const stack = resources.move();
  return {
    certificates,
    open: (tls: VaultSettings["tls"]) =>
      stack.use(
        new VaultSource({
          settings: {
            addresses: [address],
            login: { method: "token", token: { value: VaultServer.rootToken } },
            mount: "secret",
            kvVersion: 2,
            tls,
            timeoutMs: 10_000,
            cache: { ttlMs: 300_000, maxEntries: 1000 },
          },
          logger: getLogger(["cwm", "test"]),
        }),
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("secrets are read from a Vault with its own authority, or any when VAULT_VERIFY is false", async () => {
  await using world = await setUp();
  for (const tls of [{ verify: true, caFile: world.certificates.ca }, { verify: false }]) {
    assertEquals(await fieldsOf(world.open(tls), "hook"), { a: "1" });
  }
});

Deno.test("secrets are not read from a Vault whose certificate cannot be verified", async () => {
  await using world = await setUp();
  await using other = await TestCertificates.create();
  for (const tls of [{ verify: true }, { verify: true, caFile: other.ca }]) {
    const reason = await reasonOf(world.open(tls), "hook", "unavailable");
    assertStringIncludes(reason, "VAULT_VERIFY names the authorities to trust");
  }
});

Deno.test("secrets are read once the file of VAULT_VERIFY is there and right, without a restart", async () => {
  await using world = await setUp();
  await using other = await TestCertificates.create();
  const caFile = other.certificateOf("ca-of-vault");
  const source = world.open({ verify: true, caFile });
  assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "VAULT_VERIFY");
  await Deno.copyFile(other.ca, caFile);
  assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "cannot be reached");
  await Deno.copyFile(world.certificates.ca, caFile);
  assertEquals(await fieldsOf(source, "hook"), { a: "1" });
});
