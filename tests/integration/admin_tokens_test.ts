import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { StartupError } from "../../src/errors.ts";
import { ADMIN_TOKEN, tokenFile, tokenOf, type TokenRow } from "../support/access/teams.ts";
import { eventually } from "../support/eventually.ts";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { REPOSITORY } from "../support/repository.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { TempDir } from "../support/temp_dir.ts";

const CI: TokenRow = { name: "ci", role: "viewer", namespaces: ["default"] };
const OTHER: TokenRow = { name: "other", role: "operator", namespaces: ["*"] };

const bearer = (token: string, others: HeadersInit = {}) => ({
  headers: { ...others, authorization: `Bearer ${token}` },
});

function startWith(
  directory: TempDir,
  environment: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  return TestGateway.start({
    webhooks: { a: { module: "log" } },
    environment: { ADMIN_TOKENS_FILE: join(directory.path, "tokens.json"), ...environment },
  });
}

Deno.test("whoever follows requests is told nothing more once the token was taken back or may less", async () => {
  await using directory = await TempDir.create();
  const write = (...tokens: readonly TokenRow[]) => directory.writeText("tokens.json", tokenFile(tokens));
  await write(CI, OTHER);
  await using gateway = await startWith(directory);
  const follow = async (name: string) => {
    const response = await fetch(gateway.url("/admin/tail"), bearer(tokenOf(name)));
    assertEquals(response.status, 200);
    return response.body!.pipeThrough(new TextDecoderStream());
  };
  const [ci, other] = [await follow("ci"), await follow("other")];
  await write({ ...OTHER, namespaces: ["team-b"] });
  const all = await Promise.all([ci, other].map(async (stream) => (await Array.fromAsync(stream)).join("")));
  for (const text of all) assertEquals(text, ": requests from now on\n\n");
});

Deno.test("a changed file of tokens counts at once, a broken one is a problem and changes nothing", async () => {
  await using directory = await TempDir.create();
  await using log = RecordedLog.start("info");
  await directory.writeText("tokens.json", tokenFile([CI]));
  await using gateway = await startWith(directory, { ADMIN_TOKEN, TRUSTED_PROXIES: "127.0.0.1" });
  // Each look comes from another client, since wrong tokens of one are held off.
  let client = 0;
  const status = async (name: string) =>
    (await gateway.request(
      "/admin/config",
      bearer(tokenOf(name), { "x-forwarded-for": `192.0.2.${client++ % 256}` }),
    )).status;
  const problems = async () => {
    const { text } = await gateway.request("/admin/config", bearer(ADMIN_TOKEN));
    return (JSON.parse(text) as { problems: { key: string; code: string }[] }).problems
      .map(({ key, code }) => `${key} ${code}`);
  };
  assertEquals([await status("ci"), await status("other")], [200, 401]);

  await directory.writeText("tokens.json", tokenFile([OTHER]));
  await eventually(async () => assertEquals([await status("ci"), await status("other")], [401, 200]));

  for (const broken of ["[{", "{}", `[{"name":"x"}]`]) {
    await directory.writeText("tokens.json", broken);
    await eventually(async () =>
      assertEquals(await problems(), ["ADMIN_TOKENS_FILE admin_tokens_invalid"], broken)
    );
    assertEquals([await status("ci"), await status("other")], [401, 200], broken);
    await directory.writeText("tokens.json", tokenFile([OTHER]));
    await eventually(async () => assertEquals(await problems(), [], broken));
  }
  await Deno.remove(join(directory.path, "tokens.json"));
  await eventually(async () => assertEquals((await problems()).length, 1));
  assertEquals(await status("other"), 200);

  const audited = (await log.records()).filter(({ category, action }) =>
    category === "cwm.audit" && action === "admin_tokens"
  );
  assertEquals(audited.map(({ count, added, changed, removed }) => [count, added, changed, removed]), [
    [1, ["ci"], [], []],
    [1, ["other"], [], ["ci"]],
  ]);
  const text = await log.text();
  for (const { name } of [CI, OTHER]) assert(!text.includes(tokenOf(name)));
});

Deno.test("a gateway does not start with a file of tokens that is missing or broken", async () => {
  await using directory = await TempDir.create();
  const missing = await assertRejects(() => startWith(directory), StartupError);
  assertEquals([missing.code, missing.exitStatus], ["settings_invalid", 2]);
  assertStringIncludes(missing.message, "ADMIN_TOKENS_FILE: Cannot read the file");
  assertStringIncludes(missing.message, "cwm token");
  await directory.writeText("tokens.json", `[{"name":"ci"}]`);
  const broken = await assertRejects(() => startWith(directory), StartupError);
  assertStringIncludes(broken.message, "Entry 0: ");
});

Deno.test("whoever guesses tokens is held off, and nobody else; it is one line of the audit", async () => {
  await using directory = await TempDir.create();
  await using log = RecordedLog.start("warning");
  await directory.writeText("tokens.json", tokenFile([CI]));
  await using gateway = await startWith(directory, { TRUSTED_PROXIES: "127.0.0.1" });
  const ask = (client: string, token: string, path = "/admin/stats") =>
    gateway.request(path, bearer(token, { "x-forwarded-for": client }));
  // Requests without a token are no guesses.
  for (let tried = 0; tried < 15; tried++) {
    assertEquals(
      (await gateway.request("/admin/stats", { headers: { "x-forwarded-for": "192.0.2.1" } })).status,
      401,
    );
  }
  for (let tried = 0; tried < 10; tried++) {
    assertEquals((await ask("192.0.2.1", `wrong-${tried}`)).status, 401);
  }
  for (const token of ["wrong-11", tokenOf("ci")]) {
    const held = await ask("192.0.2.1", token);
    assertEquals([held.status, errorCode(held)], [429, "rate_limited"], token);
    const seconds = Number(held.headers.get("retry-after"));
    assert(seconds >= 1 && seconds <= 6, String(seconds));
  }
  assertEquals((await ask("192.0.2.2", tokenOf("ci"))).status, 200);
  // The same network of IPv6 is one client, another one is not.
  for (let tried = 0; tried < 10; tried++) await ask(`2001:db8::${tried}`, "wrong");
  assertEquals((await ask("2001:db8::ffff", tokenOf("ci"))).status, 429);
  assertEquals((await ask("2001:db8:0:1::1", tokenOf("ci"))).status, 200);
  const { text } = await ask("192.0.2.2", "", "/metrics");
  assertStringIncludes(text, "\ncwm_admin_unauthorized_total 35\n");
  assertStringIncludes(text, "\ncwm_admin_held_off_total 3\n");
  const lines = (await log.records()).filter(({ category }) => category === "cwm.audit");
  assertEquals(lines.map(({ action, client }) => [action, client]), [
    ["wrong_tokens", "192.0.2.1"],
    ["wrong_tokens", "2001:db8::9"],
  ]);
});

/** Runs `cwm token`. */
async function makeToken(...args: string[]): Promise<{ code: number; lines: string[]; errors: string }> {
  const main = join(REPOSITORY, "src/main.ts");
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", main, "token", ...args],
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, lines: text(stdout).trim().split("\n"), errors: text(stderr) };
}

Deno.test("cwm token makes a token and the entry that lets it in, and refuses what the file would", async () => {
  await using directory = await TempDir.create();
  const [made, other, wrong] = await Promise.all([
    makeToken("--name", "ci", "--role", "viewer", "--namespaces", "ops,team-*", "--days", "30"),
    makeToken("--name", "boss", "--role", "admin"),
    makeToken("--name", "ci", "--role", "operator"),
  ]);
  assertEquals([made.code, other.code, wrong.code], [0, 0, 2], wrong.errors);
  assertStringIncludes(wrong.errors, "'namespaces' is required");
  const [token = "", entry = ""] = made.lines;
  assert(!entry.includes(token));
  assertEquals(JSON.parse(entry).namespaces, ["ops", "team-*"]);
  await directory.writeText("tokens.json", `[${entry},${other.lines[1]}]`);
  await using gateway = await startWith(directory);
  const reload = { method: "POST" };
  assertEquals((await gateway.request("/admin/stats", bearer(token))).status, 200);
  assertEquals((await gateway.request("/admin/reload", { ...reload, ...bearer(token) })).status, 403);
  assertEquals(
    (await gateway.request("/admin/reload", { ...reload, ...bearer(other.lines[0]!) })).status,
    200,
  );
});
