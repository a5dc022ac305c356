import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Runs a command to its end. */
async function run(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly files?: Readonly<Record<string, string>>;
  } = {},
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  await using directory = await TempDir.create();
  for (const [name, text] of Object.entries(options.files ?? {})) {
    await Deno.writeTextFile(directory.file(name), text);
  }
  await using program = spawnProgram({
    args,
    cwd: directory.path,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const { code } = await program.exited;
  const printed = (stream: string) =>
    program.lines.filter((line) => line.stream === stream).map(({ text }) => text).join("\n");
  return { status: code, stdout: printed("stdout"), stderr: printed("stderr") };
}

Deno.test("cwm --version prints the version that deno.json states", async () => {
  const { version } = JSON.parse(await Deno.readTextFile("deno.json")) as { version: string };
  assertEquals(await run(["--version"]), { status: 0, stdout: `cwm ${version}`, stderr: "" });
});

Deno.test("cwm --help lists the commands and every environment variable", async () => {
  const { status, stdout } = await run(["--help"]);
  assertEquals(status, 0);
  for (
    const word of ["serve", "check", "healthcheck", "CONFIG_BACKEND", "ETCD_PREFIX", "SHUTDOWN_GRACE_MS"]
  ) {
    assertStringIncludes(stdout, word);
  }
});

/** A help text is read in a terminal, and in one beside another. */
const MAX_COLUMNS = 120;

Deno.test("the help of a command names every option and action that it takes", async () => {
  const helped = COMMANDS.filter(({ options }) => options.some(({ name }) => name === "help"));
  await Promise.all(helped.map(async ({ name, actions = [], options }) => {
    const { status, stdout } = await run([name, "--help"]);
    assertEquals(status, 0);
    const words = [...actions, ...options.map((option) => `--${option.name}`)];
    assertEquals(words.filter((word) => !stdout.includes(word)), [], name);
    assertEquals(stdout.split("\n").filter((line) => line.length > MAX_COLUMNS), [], name);
  }));
  assert(helped.length > 10, `only ${helped.length} commands have help of their own`);
});

Deno.test("an unknown command or option ends with status 2 and points to the help", async () => {
  for (const argument of ["serv", "--port"]) {
    const { status, stderr } = await run([argument]);
    assertEquals(status, 2);
    assertStringIncludes(stderr, argument);
    assertStringIncludes(stderr, "--help");
  }
});

Deno.test("settings that do not parse end the start with status 2 and one line per problem", async () => {
  const { status, stderr } = await run(["serve"], {
    env: { PORT: "eighty", LOG_LEVEL: "loud", ADMIN_TOKEN: "short-SECRET" },
  });
  assertEquals(status, 2);
  const lines = stderr.split("\n");
  assertEquals(lines.length, 3);
  for (const variable of ["PORT", "LOG_LEVEL", "ADMIN_TOKEN"]) {
    assertEquals(lines.filter((line) => line.includes(variable)).length, 1);
  }
  assert(!stderr.includes("SECRET"));
});

Deno.test("a port that is in use ends the start with one clear line", async () => {
  await using first = await GatewayProcess.start();
  const { status, stderr } = await run(["serve"], { env: { PORT: String(first.port), LOG_LEVEL: "error" } });
  assertEquals(status, 1);
  assertMatch(stderr, new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${first.port}: .*PORT.*$`));
});

Deno.test("cwm check warns of variables of the Python service, and ends with status 0 all the same", async () => {
  const { status, stdout } = await run(["check"], {
    env: { TRUSTED_PROXY_IPS: "10.20.30.40" },
    files: { "webhooks.json": JSON.stringify({ a: { module: "log", trusted_proxies: [] } }) },
  });
  assertEquals(status, 0);
  assertEquals(stdout.split("\n"), [
    "warning: Variables of the Python service that are set and not read here: " +
    "TRUSTED_PROXY_IPS (use TRUSTED_PROXIES)",
    "warning: webhooks.json:1: webhook default/a: trusted_proxies: Key 'trusted_proxies' has no effect: " +
    "TRUSTED_PROXIES is for all webhooks (no_effect)",
    "1 webhook without authentication, so that everybody may send: default/a",
    "1 webhook without 'credential_cleanup', which was on for all in the Python service: " +
    "credentials in documents are handed on as they came",
    "0 problems, 1 warning in 1 webhook and 0 connections",
  ]);
});

Deno.test("cwm check prints every problem with key, path, reason and nearest key, and ends with 1", async () => {
  const webhooks = {
    good: { module: "log" },
    typo: { module: "log", hmca: { secret: "s" } },
    nested: { module: "log", hmac: { secret: "s", headr: "x" } },
    module: { module: "lgo" },
    config: { module: "log", "module-config": { pretty: true } },
    variable: { module: "log", authorization: "Bearer {$NOT_SET}" },
    shell: { module: "log", authorization: "Bearer $TOKEN" },
  };
  const { status, stdout } = await run(["check"], { files: { "webhooks.json": JSON.stringify(webhooks) } });
  assertEquals(status, 1);
  const lines = stdout.split("\n");
  const lineOf = (id: string) =>
    lines.find((line) => line.startsWith(`webhooks.json:1: webhook default/${id}: `)) ?? "";
  assertStringIncludes(lineOf("typo"), "hmca: Key 'hmca' is not known: nearest is 'hmac'");
  assertStringIncludes(lineOf("nested"), "hmac.headr: Key 'headr' is not known: nearest is 'header'");
  assertStringIncludes(lineOf("module"), "module: Module 'lgo' does not exist: nearest is 'log'");
  assertStringIncludes(
    lineOf("config"),
    "module-config.pretty: Key 'pretty' is not known: nearest is 'pretty_print'",
  );
  assertStringIncludes(lineOf("variable"), "authorization: Environment variable NOT_SET is not set");
  assertStringIncludes(
    lines.find((line) =>
      line.startsWith("warning: webhooks.json:1: webhook default/shell: authorization: ")
    ) ?? "",
    "write {$NAME}",
  );
  assertEquals(lines.at(-1), "5 problems, 1 warning in 7 webhooks and 0 connections");
});

Deno.test("cwm check finds nothing wrong with a good configuration and ends with status 0", async () => {
  const { status, stdout } = await run(["check"], {
    files: {
      "webhooks.json": JSON.stringify({ a: { module: "log", authorization: "Bearer {$TOKEN}" } }),
      "connections.json": JSON.stringify({
        redis_local: { type: "redis-rq", host: "localhost", port: 6379 },
      }),
    },
    env: { TOKEN: "secret" },
  });
  assertEquals([status, stdout], [0, "0 problems in 1 webhook and 1 connection"]);
});

Deno.test("cwm check reports a file that does not parse", async () => {
  const { status, stdout } = await run(["check"], { files: { "webhooks.json": `{"a": {"module": "log"` } });
  assertEquals(status, 1);
  assertStringIncludes(stdout, "webhooks.json");
});

Deno.test("cwm check warns of a webhook named default, unless it takes requests to unknown webhooks", async () => {
  const files = { "webhooks.json": JSON.stringify({ default: { module: "log", auth: "none" } }) };
  const off = await run(["check"], { files });
  assertEquals([off.status, off.stdout.match(/default_webhook/g)?.length], [0, 1]);
  const on = await run(["check"], { files, env: { DEFAULT_WEBHOOK: "on" } });
  assertEquals([on.status, on.stdout], [0, "0 problems in 1 webhook and 0 connections"]);
});

Deno.test("cwm check ends with status 1 when a file that is named does not exist", async () => {
  const files = { "webhooks.json": JSON.stringify({ a: { module: "log" } }) };
  for (const variable of ["WEBHOOKS_CONFIG_FILE", "CONNECTIONS_CONFIG_FILE"]) {
    const { status, stdout } = await run(["check"], { files, env: { [variable]: "missing.json" } });
    assertEquals(status, 1);
    assertStringIncludes(stdout, "missing.json: The file does not exist (file_missing)");
  }
});

Deno.test("cwm healthcheck tells a ready gateway from none", async () => {
  await using gateway = await GatewayProcess.start();
  await gateway.waitUntilReady();
  const ready = await run(["healthcheck"], { env: { PORT: String(gateway.port) } });
  assertEquals(ready.status, 0);
  gateway.kill("SIGKILL");
  await gateway.exited;
  const gone = await run(["healthcheck"], { env: { PORT: String(gateway.port) } });
  assertEquals(gone.status, 1);
});

Deno.test("cwm providers lists what each was compared with, and one with its settings", async () => {
  const { status, stdout } = await run(["providers"]);
  assertEquals(status, 0);
  assertMatch(stdout, /^stripe +hmac-sha256 \{t\}\.\{body\} +sdk stripe \d+/m);
  assertMatch(stdout, /^bitbucket .* recalled$/m);
  const one = await run(["providers", "--name", "box"]);
  assertStringIncludes(
    one.stdout,
    '"signature": {"provider": "box", "secret": ..., "secondary_secret": ...}',
  );
  assertEquals((await run(["providers", "--name", "nobody"])).status, 1);
});

Deno.test("cwm verify judges the cases of a file at their own clock, one line a case", async () => {
  const request = {
    method: "POST",
    url: "https://hooks.example.com/in",
    headers: { "X-Hub-Signature-256": GITHUB_SIGNATURE },
    bodyBase64: btoa("Hello, World!"),
  };
  const github = { preset: "github", config: { secret: "It's a Secret to Everybody" }, now: 0, request };
  const cases = [github, { ...github, config: { secret: "another" } }, { ...github, preset: "nobody" }];
  const { status, stdout } = await run(["verify", "--cases", "cases.json"], {
    files: { "cases.json": JSON.stringify(cases) },
  });
  assertEquals(status, 0);
  assertEquals(stdout.split("\n").map((line) => JSON.parse(line)), [
    { index: 0, preset: "github", accepted: true, reason: null },
    { index: 1, preset: "github", accepted: false, reason: "No signature matches the request" },
    {
      index: 2,
      preset: "nobody",
      accepted: false,
      reason: "signature.provider: Not a provider that is known: see cwm providers",
    },
  ]);
  const missing = await run(["verify", "--cases", "nowhere.json"]);
  assertEquals(missing.status, 2);
  assertStringIncludes(missing.stderr, "nowhere.json cannot be read");
  const none = await run(["verify", "--cases", "cases.json"], { files: { "cases.json": "[]" } });
  assertEquals([none.status, none.stdout], [0, ""]);
  const other = await run(["verify", "--cases", "cases.json"], { files: { "cases.json": "{}" } });
  assertEquals(other.status, 2);
});

Deno.test("cwm verify says step by step whether a captured request would be accepted", async () => {
  const head =
    `POST /webhook/code HTTP/1.1\r\nHost: hooks.example.com\r\nX-Hub-Signature-256: ${GITHUB_SIGNATURE}`;
  const secret = "It's a Secret to Everybody";
  const files = {
    "request.http": `${head}\r\n\r\nHello, World!`,
    "changed.http": `${head}\r\n\r\nHello, World!\n`,
    "headers.txt": `X-Hub-Signature-256: ${GITHUB_SIGNATURE}\n`,
    "body.txt": "Hello, World!",
    "secret.txt": `${secret}\n`,
  };
  const verify = (...args: string[]) => run(["verify", "--provider", "github", ...args], { files });
  const accepted = await verify("--secret", secret, "--request", "request.http");
  assertEquals(accepted.status, 0);
  assertMatch(accepted.stdout, /ok +header +'X-Hub-Signature-256' has one signature/);
  assertMatch(accepted.stdout, /\nAccepted$/);
  const changed = await verify("--secret", secret, "--request", "changed.http");
  assertEquals(changed.status, 1);
  assertMatch(changed.stdout, /WRONG +signature[^]*A line feed was added[^]*Refused: No signature matches/);
  assert(!changed.stdout.includes(secret));
  const parts = ["--secret-file", "secret.txt", "--body", "body.txt"];
  assertEquals((await verify(...parts, "--headers", "headers.txt")).status, 0);
  const json = await verify(...parts, "-H", `X-Hub-Signature-256: ${GITHUB_SIGNATURE}`, "--json");
  assertEquals([json.status, JSON.parse(json.stdout).accepted], [0, true]);
  const wrong: readonly (readonly string[])[] = [
    ["--request", "request.http"],
    ["--secret", secret, "--request", "nowhere.http"],
    ["--secret", secret, "--request", "request.http", "--body", "body.txt"],
    ["--secret", secret, "--request", "request.http", "--now", "soon"],
    ["--secret", secret, "--request", "request.http", "--set", "color=red"],
    ["--secret", secret, "--cases", "request.http"],
  ];
  for (const args of wrong) assertEquals((await verify(...args)).status, 2, args.join(" "));
});

Deno.test("cwm new writes a configuration that cwm check takes, and never over a file", async () => {
  await using directory = await TempDir.create();
  const inFolder = async (args: readonly string[]) => {
    await using program = spawnProgram({ args, cwd: directory.path });
    const { code } = await program.exited;
    return { status: code, text: program.lines.map(({ text }) => text).join("\n") };
  };
  assertEquals((await inFolder(["new", "stripes"])).status, 2);
  assertEquals((await inFolder(["new", "stripe", "kafak"])).status, 2);
  await Deno.writeTextFile(directory.file("connections.json"), "mine");
  const refused = await inFolder(["new", "stripe", "kafka"]);
  assertEquals(refused.status, 1);
  assertStringIncludes(refused.text, "connections.json is there already: nothing was written");
  assertEquals([...Deno.readDirSync(directory.path)].map(({ name }) => name), ["connections.json"]);
  await Deno.remove(directory.file("connections.json"));
  const made = await inFolder(["new", "stripe", "kafka"]);
  assertEquals(made.status, 0);
  for (const said of ["/webhook/stripe", "STRIPE_SECRET", "cwm sign --provider stripe --secret '"]) {
    assertStringIncludes(made.text, said);
  }
  assertEquals((await inFolder(["check"])).status, 0);
  assertStringIncludes((await inFolder(["test", "cases.json"])).text, "2 passed, 0 failed");
  assertEquals((await inFolder(["new", "github"])).status, 1);
  assertMatch(await Deno.readTextFile(directory.file("webhooks.json")), /"provider": "stripe"/);
});

Deno.test("cwm check takes settings from .env, prints what is merged, and names a wrong line", async () => {
  const files = {
    ".env": "WEBHOOKS_CONFIG_FILES='base.json,prod.json' # in this order\nTOKEN=a-token-of-the-file",
    "base.json": '{"orders": {"module": "log", "authorization": "Bearer {$TOKEN}"}}',
    "prod.json": '{"orders": {"data_type": "blob"}}',
  };
  const { status, stdout, stderr } = await run(["check", "--print"], { files });
  assertEquals([status, stderr], [0, "0 problems in 1 webhook and 0 connections"]);
  const orders = { module: "log", authorization: "Bearer {$TOKEN}", data_type: "blob" };
  assertEquals(JSON.parse(stdout), { webhooks: { orders }, connections: {} });
  const wrong = await run(["check"], { files: { ".env": "A=b\nhunter2" } });
  assertEquals(wrong.status, 2);
  assertMatch(wrong.stderr, /^\.env:2: The line must be NAME=value[^\n]*$/);
  assert(!wrong.stderr.includes("hunter2"));
});

Deno.test("cwm test ends with 0, with 1 and a difference, or with 2 for a file that cannot be used", async () => {
  const cases = (status: number) =>
    JSON.stringify({
      cases: [{
        name: "a github event",
        request: { webhook: "orders", json: {}, sign: true },
        expect: { status, deliveries: [{ module: "log", text: "{}" }] },
      }],
    });
  const files = {
    ".env": "SECRET=s",
    "webhooks.json":
      '{"orders": {"module": "log", "signature": {"provider": "github", "secret": "{$SECRET}"}}}',
    "good.json": cases(200),
    "bad.json": cases(401),
  };
  assertEquals(await run(["test", "good.json"], { files }), {
    status: 0,
    stdout: "passed  a github event\n1 passed, 0 failed",
    stderr: "",
  });
  const failed = await run(["test", "good.json", "bad.json"], { files });
  assertEquals(failed.status, 1);
  assertStringIncludes(failed.stdout, "  status (- expected, + seen):\n    - 401\n    + 200\n");
  assertEquals((await run(["test", "webhooks.json"], { files })).status, 2);
});

Deno.test("cwm sign prints the headers of a signed request, or sends it to a gateway", async () => {
  await using directory = await TempDir.create();
  const webhooks = { payments: { module: "log", signature: { provider: "stripe", secret: "s" } } };
  await using gateway = await GatewayProcess.start({
    env: { WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", webhooks) },
  });
  const url = `${gateway.url}/webhook/payments`;
  const sign = (...args: string[]) => run(["sign", "--provider", "stripe", ...args]);
  const printed = await sign("--secret", "s");
  assertMatch(printed.stdout, /^Stripe-Signature: t=\d+,v1=[0-9a-f]{64}$/);
  const refused = await sign("--secret", "another", "--send", url);
  assertEquals([refused.status, refused.stdout.slice(0, 3)], [1, "401"]);
  assertEquals((await run(["sign", "--provider", "figma", "--secret", "s"])).status, 2);
});

/** Of the example that GitHub publishes. */
const GITHUB_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

Deno.test("cwm filter shows what a webhook would do with an event, and says it in its status", async () => {
  const webhook = {
    filter: "headers['x-github-event'] == 'push' && body.ref == 'refs/heads/main'",
    module: "log",
    payload: { drop: ["/pusher/email"] },
  };
  const files = {
    "webhooks.json": JSON.stringify({ code: webhook, broken: { module: "log", filter: "body.ref ==" } }),
    "push.json": '{"ref":"refs/heads/main","id":12345678901234567890,"pusher":{"email":"a@b"}}',
    "ping.json": '{"zen":"words of a sender"}',
    "number.json": '{"ref":5}',
    "none.json": "{",
  };
  const ask = (file: string, ...more: string[]) =>
    run(["filter", "default/code", "--event", file, ...more], { files, env: { CONFIG_DIR: "." } });
  const push = ["-H", "X-GitHub-Event: push"];
  const [passes, filtered, none, broken, nobody] = await Promise.all([
    ask("push.json", ...push),
    ask("ping.json", ...push),
    ask("none.json"),
    run(["filter", "default/broken", "--event", "push.json"], { files, env: { CONFIG_DIR: "." } }),
    run(["filter", "default/nobody", "--event", "push.json"], { files, env: { CONFIG_DIR: "." } }),
  ]);
  assertEquals(passes.status, 0, passes.stderr);
  assertStringIncludes(passes.stdout, "body.ref == 'refs/heads/main' → true");
  assertStringIncludes(
    passes.stdout,
    'payload: {"ref":"refs/heads/main","id":12345678901234567890,"pusher":{}}',
  );
  assertEquals(filtered.status, 1);
  assertStringIncludes(filtered.stdout, "body.ref is absent; there is: zen");
  assert(!filtered.stdout.includes("words of a sender"));
  assertEquals([none.status, broken.status, nobody.status], [2, 2, 2]);
  assertStringIncludes(broken.stdout, "filter:1:12");
});
