import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { TempDir } from "../../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface Problem {
  readonly key: string;
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly serving: string;
}

async function problemsOf(gateway: TestGateway): Promise<Problem[]> {
  const answer = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return (JSON.parse(answer.text) as { problems: Problem[] }).problems;
}

async function statusWith(gateway: TestGateway, path: string, token: string): Promise<number> {
  return (await gateway.post(path, "{}", { authorization: `Bearer ${token}` })).status;
}

async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}

const guarded = (authorization: string) => ({ module: "log", authorization });

Deno.test("{$file:NAME} is the text of a file in SECRETS_DIR without its last line end, kept current", async () => {
  await using secrets = await TempDir.create();
  await secrets.writeText("token", "one\r\n");
  await using gateway = await TestGateway.start({
    webhooks: {
      a: guarded("Bearer {$file:token}"),
      b: guarded(`Bearer x-{$file:${secrets.file("token")}}-y`),
    },
    environment: { ADMIN_TOKEN, SECRETS_DIR: secrets.path },
  });
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 200);
  assertEquals(await statusWith(gateway, "/webhook/b", "x-one-y"), 200);
  assertEquals(await problemsOf(gateway), []);

  await replace(secrets.file("token"), "two\n");
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/a", "two"), 200));
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/b", "x-two-y"), 200));
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 401);
});

Deno.test("a secret volume of Kubernetes is followed over swaps of its data", async () => {
  await using secrets = await TempDir.create();
  const swapTo = async (version: string, text: string) => {
    await Deno.mkdir(secrets.file(version));
    await secrets.writeText(join(version, "token"), text);
    await Deno.symlink(version, secrets.file("..data_tmp"));
    await Deno.rename(secrets.file("..data_tmp"), secrets.file("..data"));
  };
  await swapTo("..2026_01_01", "one");
  await Deno.symlink("..data/token", secrets.file("token"));
  await using gateway = await TestGateway.start({
    webhooks: { a: guarded("Bearer {$file:token}") },
    environment: { ADMIN_TOKEN, SECRETS_DIR: secrets.path },
  });
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 200);
  for (const [version, text] of [["..2026_01_02", "two"], ["..2026_01_03", "three"]] as const) {
    await swapTo(version, text);
    await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/a", text), 200));
  }
});

Deno.test("a file that is gone or bad keeps the last good value; one that never was blocks an entry", async () => {
  await using secrets = await TempDir.create();
  await secrets.writeText("token", "one");
  await using gateway = await TestGateway.start({
    webhooks: {
      good: guarded("Bearer {$file:token}"),
      never: guarded("Bearer {$file:later}"),
      fallback: guarded("Bearer {$file:later:a:default}"),
    },
    environment: { ADMIN_TOKEN, SECRETS_DIR: secrets.path },
  });
  assertEquals(await statusWith(gateway, "/webhook/good", "one"), 200);
  assertEquals(await statusWith(gateway, "/webhook/fallback", "a:default"), 200);
  const answer = await gateway.post("/webhook/never", "{}");
  assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"]);

  await Deno.remove(secrets.file("token"));
  await eventually(async () =>
    assertEquals((await problemsOf(gateway)).map(({ key, code, serving }) => [key, code, serving]), [
      ["webhook default/never", "missing_secret", "nothing"],
      ["webhook default/good", "missing_secret", "last_good"],
    ])
  );
  assertEquals(await statusWith(gateway, "/webhook/good", "one"), 200);

  await secrets.writeText("token", "two");
  await secrets.writeText("later", "three");
  await eventually(async () => assertEquals(await problemsOf(gateway), []));
  assertEquals(await statusWith(gateway, "/webhook/good", "two"), 200);
  assertEquals(await statusWith(gateway, "/webhook/never", "three"), 200);
  assertEquals(await statusWith(gateway, "/webhook/fallback", "three"), 200);
});

Deno.test("without SECRETS_DIR every reference to a file is a problem that names the setting", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { a: guarded("Bearer {$file:token}"), b: guarded("Bearer {$file:token:default}") },
    environment: { ADMIN_TOKEN },
  });
  assertEquals(await statusWith(gateway, "/webhook/b", "default"), 503);
  const problems = await problemsOf(gateway);
  assertEquals(problems.map(({ code, path }) => [code, path]), [
    ["secret_misconfigured", "authorization"],
    ["secret_misconfigured", "authorization"],
  ]);
  for (const { message } of problems) assertStringIncludes(message, "SECRETS_DIR");
});

Deno.test("a connection is opened with the new settings when a file that they come from changes", async () => {
  await using secrets = await TempDir.create();
  await secrets.writeText("host", "one");
  const probe = new ProbeModule({ connectionTypes: ["probe-server"] });
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "probe" }, b: { module: "probe", connection: "main" } },
    connections: { main: { type: "probe-server", host: "{$file:host}" } },
    modules: [probe.module],
    environment: { ADMIN_TOKEN, SECRETS_DIR: secrets.path },
  });
  assertEquals((await gateway.post("/webhook/a", "{}")).status, 200);
  assertEquals(probe.events.at(-1)?.connection, { host: "one" });

  await replace(secrets.file("host"), "two\n");
  await eventually(async () => {
    for (const path of ["/webhook/a", "/webhook/b"]) {
      assertEquals((await gateway.post(path, "{}")).status, 200);
      assertEquals(probe.events.at(-1)?.connection, { host: "two" });
    }
  });
});

Deno.test("a value that serves on in the place of a broken one follows its own secrets all the same", async () => {
  await using secrets = await TempDir.create();
  await secrets.writeText("token", "one");
  await secrets.writeText("host", "one");
  const probe = new ProbeModule({ connectionTypes: ["probe-server"] });
  const main = { type: "probe-server", host: "{$file:host}" };
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "probe", authorization: "Bearer {$file:token}" } },
    connections: { main },
    modules: [probe.module],
    environment: { ADMIN_TOKEN, SECRETS_DIR: secrets.path },
  });
  await gateway.writeWebhooks({ a: { module: "probe", authorization: "Bearer {$MY-TOKEN}" } });
  await gateway.writeConnections({ main: { ...main, hots: "{$file:other}" } });
  await gateway.reload();
  assertEquals((await problemsOf(gateway)).map(({ serving }) => serving), ["last_good", "last_good"]);
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 200);

  await replace(secrets.file("token"), "two");
  await replace(secrets.file("host"), "two");
  await gateway.reload();
  assertEquals(await statusWith(gateway, "/webhook/a", "two"), 200);
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 401);
  assertEquals(probe.events.at(-1)?.connection, { host: "two" });
  assertEquals((await problemsOf(gateway)).map(({ serving }) => serving), ["last_good", "last_good"]);

  await gateway.writeWebhooks({ a: { module: "probe", authorization: "Bearer {$file:token}" } });
  await gateway.writeConnections({ main });
  await gateway.reload();
  assertEquals(await problemsOf(gateway), []);
});

Deno.test("an entry that stops using a secret stops following it, and one that begins to is served", async () => {
  await using secrets = await TempDir.create();
  await secrets.writeText("token", "one");
  await using gateway = await TestGateway.start({
    webhooks: { a: guarded("Bearer fixed") },
    environment: { ADMIN_TOKEN, SECRETS_DIR: secrets.path },
  });
  await gateway.writeWebhooks({ a: guarded("Bearer {$file:token}"), b: guarded("Bearer {$file:token}") });
  await eventually(async () => assertEquals(await statusWith(gateway, "/webhook/b", "one"), 200));
  assertEquals(await statusWith(gateway, "/webhook/a", "one"), 200);

  await gateway.writeWebhooks({ a: guarded("Bearer fixed") });
  await gateway.reload();
  await replace(secrets.file("token"), "two");
  await gateway.reload();
  assertEquals(await statusWith(gateway, "/webhook/a", "fixed"), 200);
  assertEquals(await statusWith(gateway, "/webhook/b", "two"), 404);
});

Deno.test("an empty file opens no webhook: it is a problem, and the last good value stays", async () => {
  await using secrets = await TempDir.create();
  await secrets.writeText("token", "one");
  await secrets.writeText("empty", "\n");
  await using gateway = await TestGateway.start({
    webhooks: {
      a: guarded("{$file:token}"),
      b: guarded("{$file:empty}"),
      c: { module: "log", hmac: { secret: "{$file:empty}" } },
    },
    environment: { ADMIN_TOKEN, SECRETS_DIR: secrets.path },
  });
  for (const path of ["/webhook/b", "/webhook/c"]) assertEquals((await gateway.post(path, "{}")).status, 503);
  await replace(secrets.file("token"), "");
  await eventually(async () =>
    assertEquals((await problemsOf(gateway)).map(({ key, serving }) => [key, serving]).sort(), [
      ["webhook default/a", "last_good"],
      ["webhook default/b", "nothing"],
      ["webhook default/c", "nothing"],
    ])
  );
  assertEquals((await gateway.post("/webhook/a", "{}", { authorization: "one" })).status, 200);
  assertEquals((await gateway.post("/webhook/a", "{}")).status, 401);
});

Deno.test("nothing of a secret is shown where its problem is", async () => {
  await using secrets = await TempDir.create();
  await secrets.writeText("token", "line one of pa55word\nline two\n\n");
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", hmac: { secret: "{$file:token}", header: "{$file:token}" } } },
    environment: { ADMIN_TOKEN, SECRETS_DIR: secrets.path },
  });
  const problems = await problemsOf(gateway);
  assert(problems.length > 0);
  assert(!JSON.stringify(problems).includes("pa55word"));
});
