import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const SECRET = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81";

/** Runs `cwm ARGS` to its end beside a gateway. Returns its status and what it printed. */
async function run(
  directory: TempDir,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<readonly [status: number, printed: string]> {
  await using program = spawnProgram({ args: [...args], cwd: directory.path, env });
  const { code } = await program.exited;
  return [code, program.lines.map(({ text }) => text).join("\n")];
}

Deno.test("cwm handshake waits for a secret, shows it once, and forgets it", async () => {
  await using directory = await TempDir.create();
  const webhooks = { tasks: { module: "log", signature: { provider: "asana" } } };
  await Deno.writeTextFile(directory.file("webhooks.json"), JSON.stringify(webhooks));
  const env = { DATA_DIR: directory.file("data"), SHUTDOWN_GRACE_MS: "0", ADMIN_TOKEN };
  await using gateway = await GatewayProcess.start({ cwd: directory.path, env });
  await gateway.waitUntilReady();
  const url = `http://127.0.0.1:${gateway.port}/webhook/tasks`;
  const handshake = (...args: string[]) =>
    run(directory, ["handshake", ...args], { ...env, PORT: String(gateway.port) });
  const post = async (headers: Record<string, string>) => {
    const response = await fetch(url, { method: "POST", body: "{}", headers });
    await response.body?.cancel();
    return response.status;
  };
  const [checked, problem] = await run(directory, ["check"], env);
  assertEquals(checked, 1);
  assertStringIncludes(problem, "webhook default/tasks: signature.secret: ");
  assertStringIncludes(problem, "cwm handshake default/tasks --open 10m");

  assertEquals(await handshake("default/tasks"), [
    0,
    "default/tasks has no secret, and takes none: see --open",
  ]);
  const [opened, said] = await handshake("default/tasks", "--open", "10m");
  assertEquals(opened, 0);
  assertMatch(said, /^The next handshake of default\/tasks is taken until 20.+: have the provider begin$/);
  assertEquals(await post({ "x-hook-secret": SECRET }), 200);
  const signature = createHmac("sha256", SECRET).update("{}").digest("hex");
  assertEquals(await post({ "x-hook-signature": signature }), 200);

  assertEquals(await handshake("default/tasks", "--show"), [0, SECRET]);
  const [again, refused] = await handshake("default/tasks", "--show");
  assertEquals(again, 1);
  assertStringIncludes(refused, "The secret was shown already");
  assertEquals(await handshake("default/tasks", "--forget"), [0, "The secret of default/tasks is forgotten"]);
  assertEquals(await post({ "x-hook-signature": signature }), 401);
  assertEquals(gateway.lines.some(({ text }) => text.includes(SECRET)), false);
});
