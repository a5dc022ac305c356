import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { check } from "../../../src/cli/check.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { REPOSITORY } from "../../support/repository.ts";
import { TempDir } from "../../support/temp_dir.ts";

const WEBHOOKS = `{
  "orders": {
    "module": "kafka", "connection": "main",
    "module-config": { "topic": "orders" },
    "hmac": { "secret": "pa55word",
      "headr": "X-Signature" }
  },
  "mail": { "module": "kafka", "connection": "main" },
  "open": { "module": "log" },
  "twice": { "module": "log" },
  "twice": { "module": "log" },
  "no name": { "module": "log" },
  "unset": { "module": "log", "auth": "none",
    "ip_whitelist": ["{$NOT_SET}"] }
}
`;
const CONNECTIONS = `{
  "main": { "type": "kafka", "bootstrap_servers": "localhost:9092" },
  "typo": { "type": "kafka",
    "clientid": "x" }
}`;

/** The directory with both files, and what is said of them with the directory's path taken out. */
async function prepared() {
  const directory = await TempDir.create();
  const environment = {
    WEBHOOKS_CONFIG_FILE: await directory.writeText("webhooks.json", WEBHOOKS),
    CONNECTIONS_CONFIG_FILE: await directory.writeText("connections.json", CONNECTIONS),
    DATA_DIR: directory.file("data"),
  };
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line.replaceAll(`${directory.path}/`, ""));
  const run = (options: Partial<Parameters<typeof check>[2]>) =>
    check(loadSettings(environment, { logIsTerminal: false }), environment, {
      probe: false,
      print,
      ...options,
    });
  return { directory, lines, run };
}

/** Where what is wrong stands, in the order in which it is said. */
const FOUND = [
  ["connections.json:4", "connection typo", "clientid"],
  ["webhooks.json:6", "webhook default/orders", "hmac.headr"],
  ["webhooks.json:8", "webhook default/mail", "module-config.topic"],
  ["webhooks.json:11", "webhook default/twice", "The key stands more than once"],
  ["webhooks.json:14", "webhook default/unset", "ip_whitelist.0"],
  ["webhooks.json:12", '"no name"', "A webhook id has 1 to 64 characters"],
] as const;

const COUNT = "6 problems in 5 webhooks and 1 connection";

function assertFound(lines: readonly string[], webhooks: string): void {
  assertEquals(lines.length, FOUND.length + 2);
  for (const [index, [place, key, path]] of FOUND.entries()) {
    assertStringIncludes(lines[index]!, `${place.replace("webhooks.json", webhooks)}: ${key}: ${path}`);
  }
  assertEquals(lines.at(-1), COUNT);
}

Deno.test("cwm check names the line of a problem in a single file, also of what is missing there", async () => {
  const { directory, lines, run } = await prepared();
  await using _ = directory;
  assertEquals(await run({}), 1);
  assertFound(lines, "webhooks.json");

  lines.length = 0;
  assertEquals(await run({ given: new Uint8Array() }), 1);
  assertEquals(lines[1], "standard input: The file is empty (invalid_json)");
});

Deno.test("cwm check --json says the same as one document, whose keys are stable", async () => {
  const { directory, lines, run } = await prepared();
  await using _ = directory;
  assertEquals(await run({ json: true }), 1);
  assertEquals(lines.length, 1);
  assert(!lines[0]!.includes("pa55word"));
  const { problems, ...rest } = JSON.parse(lines[0]!);
  assertEquals(rest, {
    ok: false,
    warnings: [],
    settings: [],
    open: { count: 1, webhooks: ["default/open"] },
    webhooks: 5,
    connections: 1,
  });
  assertEquals(problems[2], {
    key: "webhook default/mail",
    path: "module-config.topic",
    code: "schema",
    message: "Is required",
    place: "webhooks.json:8",
  });
  assertEquals(
    problems.slice(0, 5).map(({ place, key }: Record<string, string>) => [place, key]),
    FOUND.slice(0, 5).map(([place, key]) => [place, key]),
  );
  assertEquals(problems[5].key, 'webhooks.json:12: "no name"');
});

Deno.test("cwm check - judges standard input, with the connections of their file", async () => {
  await using directory = await TempDir.create();
  await directory.writeText("connections.json", CONNECTIONS);
  const run = async (text: string, ...options: string[]) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--cached-only", "--no-check", "--allow-all", "--config", `${REPOSITORY}/deno.json`],
        ...[`${REPOSITORY}/src/main.ts`, "check", ...options],
      ],
      cwd: directory.path,
      env: { NO_COLOR: "1", CONFIG_BACKEND: "etcd", ETCD_ENDPOINTS: "http://127.0.0.1:1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
    const { code, stdout } = await child.output();
    return [code, new TextDecoder().decode(stdout).trim()] as const;
  };
  const [status, text] = await run(WEBHOOKS, "-");
  assertEquals(status, 1);
  assertFound(text.split("\n"), "standard input");

  // What cannot be read is a document, too.
  const unreachable = await run("", "--json");
  assertEquals([unreachable[0], JSON.parse(unreachable[1]).error.code], [1, "backend_unreachable"]);
});
