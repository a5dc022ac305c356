import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import type { ChildProcess } from "../support/process/child_process.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

Deno.test("cwm tail shows what comes in and why it is refused, until Ctrl-C or the gateway's end", async () => {
  await using directory = await TempDir.create();
  await directory.writeText(
    "webhooks.json",
    JSON.stringify({
      orders: { module: "log" },
      guarded: { module: "log", authorization: "Bearer a-secret" },
    }),
  );
  const env = { DATA_DIR: directory.file("data"), SHUTDOWN_GRACE_MS: "0", ADMIN_TOKEN };
  await using gateway = await GatewayProcess.start({ cwd: directory.path, env });
  await gateway.waitUntilReady();
  const start = (...args: string[]) =>
    spawnProgram({
      args: ["tail", ...args],
      cwd: directory.path,
      env: { ...env, PORT: String(gateway.port) },
    });
  const post = async (id: string) => {
    const answer = await fetch(`${gateway.url}/webhook/${id}`, { method: "POST", body: "{}" });
    await answer.body?.cancel();
  };
  /** Sends until it is shown: what is shown begins at some time after the start. */
  const shown = async (program: ChildProcess, id: string) => {
    await eventually(async () => {
      await post(id);
      assert(program.lines.length > 0);
    }, { timeoutMs: 60_000, intervalMs: 50 });
    return program.lines[0]!.text;
  };

  await using refused = start("default", "--refused");
  await using orders = start("default/orders", "--json");
  assertMatch(
    await shown(refused, "guarded"),
    /^20.*Z 401 unauthorized default\/guarded \d+ ms \d+ B 127\.0\.0\.1 \S+: ./,
  );
  const told = JSON.parse(await shown(orders, "orders"));
  assertEquals([told.webhook, told.outcome, told.status], ["orders", "accepted", 200]);
  assert(refused.lines.every(({ text }) => text.includes("default/guarded")));

  await using last = spawnProgram({
    args: ["requests", "default", "--refused", "--limit", "1"],
    cwd: directory.path,
    env: { ...env, PORT: String(gateway.port) },
  });
  assertEquals((await last.exited).code, 0);
  assertMatch(last.lines[0]!.text, /^20.*Z 401 unauthorized default\/guarded 127\.0\.0\.1 \S+: ./);

  orders.kill("SIGINT");
  assertEquals((await orders.exited).code, 0);
  gateway.kill("SIGTERM");
  assertEquals((await refused.exited).code, 1);
  assertMatch(refused.output, /Cannot reach the gateway/);

  await using wrong = start("a", "b");
  assertEquals((await wrong.exited).code, 2);
});
