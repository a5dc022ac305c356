import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess, spawnProgram } from "../support/gateway_process.ts";
import { HttpTarget } from "../support/http_target.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "a-token-for-this-test";

/** Runs `cwm dead-letters` to its end. */
async function deadLetters(
  directory: TempDir,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  await using program = spawnProgram({ args: ["dead-letters", ...args], cwd: directory.path, env });
  const { code } = await program.exited;
  const printed = (stream: string) =>
    program.lines.filter((line) => line.stream === stream).map(({ text }) => text).join("\n");
  return { status: code, stdout: printed("stdout"), stderr: printed("stderr") };
}

/** A gateway whose target refuses everything. */
async function startRefusing(directory: TempDir, target: HttpTarget): Promise<GatewayProcess> {
  target.answer({ status: 400 });
  const config = { url: target.url, allowed_hosts: ["127.0.0.1"] };
  await directory.writeJson("webhooks.json", {
    orders: { module: "http_webhook", "module-config": config },
    invoices: { module: "http_webhook", "module-config": config },
  });
  const env = { ADMIN_TOKEN, SHUTDOWN_GRACE_MS: "0" };
  const gateway = await GatewayProcess.start({ cwd: directory.path, env });
  await gateway.waitUntilReady();
  return gateway;
}

/** Sends events and waits until all of them were given up. Returns their ids. */
async function bury(gateway: GatewayProcess, webhooks: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const webhook of webhooks) {
    const answer = await fetch(`${gateway.url}/webhook/${webhook}`, { method: "POST", body: '{"number":1}' });
    ids.push(((await answer.json()) as { event_id: string }).event_id);
  }
  await eventually(async () => {
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    assertStringIncludes(metrics, `cwm_dead_letters ${webhooks.length}\n`);
  });
  return ids;
}

Deno.test("cwm dead-letters asks the gateway that runs, with the admin token", async () => {
  await using target = await HttpTarget.start();
  await using directory = await TempDir.create();
  await using gateway = await startRefusing(directory, target);
  const [first, second] = await bury(gateway, ["orders", "invoices"]);
  const env = { PORT: String(gateway.port), ADMIN_TOKEN };

  const all = await deadLetters(directory, ["list"], env);
  assertEquals([all.status, all.stderr], [0, ""]);
  assertStringIncludes(all.stdout, `${first}  default/orders  output_rejected`);
  assertStringIncludes(all.stdout, "2 dead letters");
  const page = await deadLetters(directory, ["list", "--limit", "1"], env);
  assertStringIncludes(page.stdout, "1 dead letter shown, there are more: see --limit");

  const json = await deadLetters(directory, ["list", "--webhook", "invoices", "--json"], env);
  assertEquals((JSON.parse(json.stdout) as { id: string }).id, second);
  const shown = await deadLetters(directory, ["show", String(first)], env);
  assertEquals((JSON.parse(shown.stdout) as { body: string }).body, '{"number":1}');

  target.answer({ status: 200 });
  const replayed = await deadLetters(directory, ["replay", "--webhook", "orders"], env);
  assertEquals(replayed.stdout, "1 dead letter replayed");
  await eventually(() =>
    assertEquals(target.requests.filter(({ headers }) => headers.get("cwm-event-id") === first).length, 2)
  );
  const dropped = await deadLetters(directory, ["drop", "--all"], env);
  assertEquals(dropped.stdout, "1 dead letter dropped");
  assertEquals((await deadLetters(directory, ["list"], env)).stdout, "0 dead letters");

  const closed = await deadLetters(directory, ["list"], { PORT: String(gateway.port) });
  assertEquals(closed.status, 1);
  assertStringIncludes(closed.stderr, "set ADMIN_TOKEN");
  const wrong = await deadLetters(directory, ["list"], { ...env, ADMIN_TOKEN: "another-token-of-16" });
  assertEquals(wrong.status, 1);
  assertStringIncludes(wrong.stderr, "401");
});

Deno.test("cwm dead-letters opens the journal itself where no gateway runs", async () => {
  await using target = await HttpTarget.start();
  await using directory = await TempDir.create();
  let ids: readonly string[];
  {
    await using gateway = await startRefusing(directory, target);
    ids = await bury(gateway, ["orders", "orders"]);
    gateway.kill("SIGTERM");
    await gateway.exited;
  }
  const listed = await deadLetters(directory, ["list", "--reason", "output_rejected", "--newer-than", "1h"]);
  assertEquals([listed.status, listed.stderr], [0, ""]);
  for (const id of ids) assertStringIncludes(listed.stdout, id);
  assertEquals((await deadLetters(directory, ["list", "--older-than", "1h"])).stdout, "0 dead letters");
  assertEquals((await deadLetters(directory, ["drop", "--id", ids[0]!])).stdout, "1 dead letter dropped");
  const gone = await deadLetters(directory, ["show", ids[0]!]);
  assertEquals([gone.status, gone.stdout], [1, `There is no dead letter '${ids[0]}'`]);
  assertEquals((await deadLetters(directory, ["replay", "--all"])).stdout, "1 dead letter replayed");

  target.answer({ status: 200 });
  await using _gateway = await GatewayProcess.start({ cwd: directory.path });
  await eventually(() =>
    assertEquals(target.requests.filter(({ headers }) => headers.get("cwm-event-id") === ids[1]).length, 2)
  );
});

Deno.test("cwm dead-letters makes nothing on disk where there is no journal", async () => {
  await using directory = await TempDir.create();
  assertEquals((await deadLetters(directory, ["list"])).stdout, "0 dead letters");
  assertEquals(Array.from(Deno.readDirSync(directory.path)), []);
});

Deno.test("wrong usage of cwm dead-letters ends with status 2 and a plain sentence", async () => {
  await using directory = await TempDir.create();
  const cases: readonly (readonly [args: readonly string[], sentence: string])[] = [
    [[], "An action is missing"],
    [["lst"], "Unknown action 'lst'"],
    [["drop"], "Name a filter, or '--all' to drop every dead letter"],
    [["show"], "Name one dead letter by its id"],
    [["list", "--older-than", "1y"], "--older-than must be an age such as 30s, 15m, 12h or 7d"],
    [["list", "--limit", "0"], "--limit must be a whole number from 1"],
    [["list", "--webhok", "a"], "Unknown option '--webhok'"],
  ];
  const results = await Promise.all(cases.map(([args]) => deadLetters(directory, args)));
  for (const [index, { status, stderr }] of results.entries()) {
    assertEquals(status, 2, stderr);
    assertStringIncludes(stderr, cases[index]![1]);
    assert(!stderr.includes("    at "), "no stack");
  }
});
