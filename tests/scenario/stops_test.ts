import { assertEquals, assertMatch } from "@std/assert";
import { HttpTarget } from "../support/http/target.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

Deno.test("a webhook stays paused or switched off over kill -9, and loses none of its events", async () => {
  await using directory = await TempDir.create();
  await using target = await HttpTarget.start();
  const webhook = {
    module: "http_webhook",
    "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] },
    switch_off: { try_every: 3600 },
  };
  await Deno.writeTextFile(
    directory.file("webhooks.json"),
    JSON.stringify({ orders: webhook, gone: webhook }),
  );
  const env = { DATA_DIR: directory.file("data"), SHUTDOWN_GRACE_MS: "0", ADMIN_TOKEN };
  const run = async (port: number, ...args: string[]) => {
    await using program = spawnProgram({ args, cwd: directory.path, env: { ...env, PORT: String(port) } });
    const { code } = await program.exited;
    assertEquals(code, 0);
    return program.lines.map(({ text }) => text).join("\n");
  };
  const post = async (gateway: GatewayProcess, id: string, count: number) => {
    for (let index = 0; index < count; index++) {
      const response = await fetch(`${gateway.url}/webhook/${id}`, { method: "POST", body: "{}" });
      await response.body?.cancel();
      assertEquals(response.status, 200);
    }
  };
  // No gateway runs: it is remembered for the next one.
  assertEquals(await run(1, "pause", "default/orders"), "The deliveries of default/orders are paused");
  {
    await using gateway = await GatewayProcess.start({ cwd: directory.path, env });
    await gateway.waitUntilReady();
    target.answer({ status: 410 });
    await post(gateway, "gone", 1);
    await gateway.process.waitForLine(/default\/gone is switched off/);
    target.answer({ status: 200 });
    await post(gateway, "orders", 5);
    await post(gateway, "gone", 5);
    gateway.process.kill("SIGKILL");
    await gateway.process.exited;
  }
  assertEquals(target.requests.length, 1);
  await using gateway = await GatewayProcess.start({ cwd: directory.path, env });
  await gateway.waitUntilReady();
  const listed = await run(gateway.port, "pause", "--list");
  assertMatch(listed, /^default\/orders: paused since 20/m);
  assertMatch(listed, /^default\/gone: switched_off since 20.*answered 410/m);
  assertEquals(target.requests.length, 1);
  assertEquals(await run(gateway.port, "resume", "default/orders"), "The deliveries of default/orders go on");
  await target.waitForRequests(6);
  assertEquals(await run(gateway.port, "resume", "default/gone"), "The deliveries of default/gone go on");
  await target.waitForRequests(11);
  assertEquals(await run(gateway.port, "pause", "--list"), "No webhook is paused or switched off");
});
