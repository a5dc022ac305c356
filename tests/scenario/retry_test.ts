import { assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { HttpTarget } from "../support/http/target.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

/** Nothing is tried a second time by itself while a test runs. */
const LATER = { initial_delay: 80_000, max_delay: 80_000 };

Deno.test("cwm retry has what waits for its next attempt go now, of those webhooks that are named", async () => {
  await using directory = await TempDir.create();
  await using orders = await HttpTarget.start();
  await using bills = await HttpTarget.start();
  const webhook = ({ url }: HttpTarget) => ({
    module: "http_webhook",
    "module-config": { url, allowed_hosts: ["127.0.0.1"] },
    retry: LATER,
  });
  await directory.writeText(
    "webhooks.json",
    JSON.stringify({ orders: webhook(orders), bills: webhook(bills) }),
  );
  const env = { DATA_DIR: directory.file("data"), ADMIN_TOKEN };
  await using gateway = await GatewayProcess.start({ cwd: directory.path, env });
  await gateway.waitUntilReady();
  const run = async (...args: string[]) => {
    const at = { ...env, PORT: String(gateway.port) };
    await using program = spawnProgram({ args: ["retry", ...args], cwd: directory.path, env: at });
    const { code } = await program.exited;
    return { code, text: program.lines.map(({ text }) => text).join("\n") };
  };
  const admin = async (method: string, path: string) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const answer = await fetch(`${gateway.url}${path}`, { method, headers });
    return { status: answer.status, json: await answer.json() };
  };
  /** How many events have failed once, and stand in the journal again. */
  const waiting = async () =>
    (await admin("GET", "/admin/events?state=waiting")).json.events
      .filter(({ attempts }: { attempts: number }) => attempts === 1).length;

  for (const target of [orders, bills]) target.answer({ status: 500 });
  for (const path of ["orders", "orders", "bills"]) {
    const answer = await fetch(`${gateway.url}/webhook/${path}`, { method: "POST", body: "{}" });
    await answer.body?.cancel();
    assertEquals(answer.status, 200);
  }
  await eventually(async () => assertEquals(await waiting(), 3), { timeoutMs: 60_000 });
  for (const target of [orders, bills]) target.answer({ status: 200 });

  const one = { code: 0, text: "2 waiting events of 1 webhook are tried now" };
  assertEquals(await run("default/orders"), one);
  await orders.waitForRequests(4);
  await eventually(async () => assertEquals(await waiting(), 1));
  assertEquals(bills.requests.length, 1);
  assertEquals(await run("default"), { code: 0, text: "1 waiting event of 1 webhook is tried now" });
  await bills.waitForRequests(2);
  await eventually(async () => assertEquals(await run("--all"), { code: 0, text: "No event waits" }));

  for (const args of [[], ["default/orders", "--all"], ["a/b/c"], ["orders", "bills"]]) {
    assertEquals((await run(...args)).code, 2);
  }
  for (const query of ["", "?all=yes", "?all=true&namespace=default", "?webhook=a/b&webhook=c/d"]) {
    const { status, json } = await admin("POST", `/admin/events/retry${query}`);
    assertEquals([status, json.error.code], [400, "invalid_query"]);
  }
  assertMatch((await run("--help")).text, /Usage: cwm retry NAMESPACE/);
});
