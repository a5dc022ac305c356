import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { check } from "../../../src/cli/check.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { eventually } from "../../support/eventually.ts";
import { findingsOf } from "../../support/findings.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { TempDir } from "../../support/temp_dir.ts";

const REQUIRED = { REQUIRE_AUTH: "true" };

const open = { module: "log" };
const declared = { module: "log", auth: "none" };
const guarded = { module: "log", authorization: "Bearer secret" };

async function statusOf(gateway: TestGateway, path: string): Promise<number> {
  return (await gateway.post(path, "{}")).status;
}

/** The gauge: how many webhooks are open although nothing says so, and how many say so. */
async function openOf(gateway: TestGateway): Promise<readonly (string | undefined)[]> {
  const { text } = await gateway.request("/metrics");
  return ["false", "true"].map((value) =>
    new RegExp(`^cwm_webhooks_without_auth\\{declared="${value}"\\} (\\d+)$`, "m").exec(text)?.[1]
  );
}

async function checked(webhooks: unknown, env: Readonly<Record<string, string>> = {}) {
  await using directory = await TempDir.create();
  const environment = {
    WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", webhooks),
    DATA_DIR: directory.file("data"),
    ...env,
  };
  const settings = loadSettings(environment, { logIsTerminal: false });
  const lines: string[] = [];
  const status = await check(settings, environment, { probe: false, print: (line) => lines.push(line) });
  return { status, lines };
}

Deno.test("with REQUIRE_AUTH a webhook without authentication is served only where it says so", async () => {
  const webhooks = { open, declared, guarded };
  await using gateway = await TestGateway.start({ webhooks, environment: REQUIRED });
  const refused = await gateway.post("/webhook/open", "{}");
  assertEquals([refused.status, errorCode(refused)], [503, "webhook_misconfigured"]);
  assertEquals(await statusOf(gateway, "/webhook/declared"), 200);
  assertEquals(await statusOf(gateway, "/webhook/guarded"), 401);

  const { problems } = await findingsOf({ webhooks, environment: REQUIRED });
  assertEquals(problems, {
    "webhook default/open": [
      "auth: There is no authentication, which REQUIRE_AUTH asks for: add a method, such as 'hmac', " +
      'or write "auth": "none" if everybody may send (auth_required)',
    ],
  });
});

Deno.test("with REQUIRE_AUTH the built-in webhook of a gateway without configuration is not served", async () => {
  await using gateway = await TestGateway.start({ environment: REQUIRED });
  assertEquals(await statusOf(gateway, "/webhook/default"), 503);
});

Deno.test("with REQUIRE_AUTH a webhook that loses its authentication keeps it until it says so", async () => {
  await using gateway = await TestGateway.start({ webhooks: { a: guarded }, environment: REQUIRED });
  await gateway.writeWebhooks({ a: open, b: declared });
  await eventually(async () => assertEquals(await statusOf(gateway, "/webhook/b"), 200));
  assertEquals(await statusOf(gateway, "/webhook/a"), 401);
  await gateway.writeWebhooks({ a: declared });
  await eventually(async () => assertEquals(await statusOf(gateway, "/webhook/a"), 200));
});

Deno.test("auth is none or left out, and none beside a method is a problem, whatever REQUIRE_AUTH is", async () => {
  for (const environment of [{}, REQUIRED]) {
    const { problems } = await findingsOf({
      environment,
      webhooks: {
        other: { module: "log", auth: "hmac" },
        both: { ...guarded, auth: "none" },
        addresses: { module: "log", ip_whitelist: ["192.0.2.1"], auth: "none" },
        empty: { module: "log", hmac: {} },
      },
    });
    assertEquals(problems["webhook default/other"], [
      'auth: Must be "none", or be left out: methods have keys of their own, such as `hmac` (schema)',
    ]);
    assertEquals(problems["webhook default/both"], [
      "auth: Contradicts 'authorization', which keeps senders out: remove one of them (schema)",
    ]);
    assertEquals(problems["webhook default/addresses"], [
      "auth: Contradicts 'ip_whitelist', which keeps senders out: remove one of them (schema)",
    ]);
    const how = "REQUIRE_AUTH" in environment ? `write "auth": "none" in the place of` : "remove";
    assertEquals(problems["webhook default/empty"], [
      `hmac.secret: Must not be empty: ${how} the key 'hmac' to leave the webhook open (schema)`,
    ]);
  }
});

Deno.test("a start lists the webhooks that everybody may send to in one line, the first ten by name", async () => {
  await using log = RecordedLog.start("warning");
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`open-${index}`, open]));
  const switchedOff = { ...open, enabled: false };
  await using gateway = await TestGateway.start({ webhooks: { ...many, declared, guarded, switchedOff } });
  assertEquals(await statusOf(gateway, "/webhook/open-0"), 200);
  const lines = (await log.records()).filter(({ message }) => String(message).startsWith("Everybody may"));
  const names = Array.from({ length: 10 }, (_, index) => `default/open-${index}`).join(", ");
  assertEquals(lines.map(({ message }) => message), [
    `Everybody may send to 12 webhooks, which have no authentication: ${names}, …. ` +
    'Where that is meant, write "auth": "none"; REQUIRE_AUTH=true refuses the others',
  ]);
});

Deno.test("a start says nothing of webhooks that say themselves that everybody may send", async () => {
  await using log = RecordedLog.start("warning");
  await using _gateway = await TestGateway.start({ webhooks: { declared, guarded } });
  assert(!(await log.text()).includes("Everybody"));
});

Deno.test("a gauge counts webhooks without authentication as they come, change and go", async () => {
  const unconnected = { module: "kafka", connection: "none", "module-config": { topic: "t" } };
  await using gateway = await TestGateway.start({
    webhooks: { open, declared, guarded, unconnected, off: { ...open, enabled: false } },
  });
  assertEquals(await openOf(gateway), ["2", "1"]);
  await gateway.writeWebhooks({ open: declared, declared, guarded: open });
  await eventually(async () => assertEquals(await openOf(gateway), ["1", "2"]));
  await gateway.writeWebhooks({ guarded });
  await eventually(async () => assertEquals(await openOf(gateway), ["0", "0"]));
});

Deno.test("cwm check lists webhooks without authentication, and refuses them with REQUIRE_AUTH", async () => {
  const webhooks = { a: open, b: open, declared, guarded };
  const { status, lines } = await checked(webhooks);
  assertEquals(status, 0);
  assertEquals(lines, [
    "2 webhooks without authentication, so that everybody may send: default/a, default/b",
    "0 problems in 4 webhooks and 0 connections",
  ]);
  const required = await checked(webhooks, REQUIRED);
  assertEquals(required.status, 1);
  assertEquals(required.lines.length, 3);
  for (const id of ["a", "b"]) {
    const line = required.lines.find((line) => line.includes(`: webhook default/${id}: auth: `)) ?? "";
    assertStringIncludes(line, "(auth_required)");
  }
  assertEquals(required.lines.at(-1), "2 problems in 4 webhooks and 0 connections");
});
