import { assert, assertEquals } from "@std/assert";
import { check } from "../../../src/cli/check.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { TempDir } from "../../support/temp_dir.ts";

interface Checked {
  readonly status: number;
  readonly lines: readonly string[];
  /** What `--print` shows. */
  readonly shown: unknown;
}

/** What `cwm check --print` ends with and prints of files that are merged; paths are relative to their folder. */
async function checked(files: readonly string[], connections = "{}"): Promise<Checked> {
  await using directory = await TempDir.create();
  const paths = await Promise.all(
    files.map((text, index) => directory.writeText(["base.json", "prod.json"][index]!, text)),
  );
  const environment = {
    WEBHOOKS_CONFIG_FILES: paths.join(", "),
    CONNECTIONS_CONFIG_FILES: await directory.writeText("connections.json", connections),
    DATA_DIR: directory.file("data"),
    TOKEN: "pa55word-of-the-environment",
  };
  const settings = loadSettings(environment, { logIsTerminal: false });
  const lines: string[] = [];
  let shown = "";
  const status = await check(settings, environment, {
    probe: false,
    print: (line) => lines.push(line.replaceAll(`${directory.path}/`, "")),
    show: (text) => shown += text,
  });
  return { status, lines, shown: JSON.parse(shown) };
}

Deno.test("cwm check names the file and line that a problem comes from, and shows what is merged", async () => {
  const { status, lines, shown } = await checked([
    '{"orders": {"module": "log", "authorization": "Bearer {$TOKEN}"},\n"old": {"module": "log"}}',
    '{"orders": {\n"data_type": "blob",\n"metods": ["PUT"]}, "old": null}',
  ]);
  assertEquals([status, lines], [1, [
    "prod.json:3: webhook default/orders: metods: Key 'metods' is not known: nearest is 'methods' (schema)",
    "1 problem in 1 webhook and 0 connections",
  ]]);
  assertEquals(shown, {
    webhooks: {
      orders: { module: "log", authorization: "Bearer {$TOKEN}", data_type: "blob", metods: ["PUT"] },
    },
    connections: {},
  });
});

Deno.test("cwm check says which of the files is no JSON, and where", async () => {
  const { status, lines } = await checked(['{"a": {"module": "log"}}', '{\n"a": {,}}']);
  assertEquals([status, lines], [1, [
    "prod.json: The file is not valid JSON: error at position 8 (line 2 column 7) (invalid_json)",
    "1 problem in 0 webhooks and 0 connections",
  ]]);
});

Deno.test("cwm check --print shows no secret, and references without what would stand in for them", async () => {
  const key = "-----BEGIN PRIVATE KEY-----";
  const { shown } = await checked([JSON.stringify({
    a: { module: "log", hmac: { secret: ["pa55word", "{$OLD:pa55word}"], header: "X-Signature" } },
    b: { module: "log", authorization: "Bearer pa55word" },
    c: { module: "log", basic_auth: { username: "shop", password: "{$file:p}pa55word" } },
    d: { module: "log", oauth1: { consumer_key: "pa55word", consumer_secret: "{$vault:a#b}" } },
    e: { module: "http_webhook", "module-config": { url: "http://u:pa55word@h/?token=pa55word&a=1" } },
    f: {
      module: "log",
      auth: "none",
      signature: { provider: "github", secret: { key: "1", secret: "pa55word" } },
    },
    g: { module: "log", jwt: { public_key: `${key}pa55word`, algorithm: "HS256" } },
  })], JSON.stringify({ r: { type: "redis", host: "h", password: "pa55word" } }));
  assert(!JSON.stringify(shown).includes("pa55word"));
  const R = "[REDACTED]";
  assertEquals(shown, {
    webhooks: {
      a: { module: "log", hmac: { secret: [R, `{$OLD:${R}}`], header: "X-Signature" } },
      b: { module: "log", authorization: R },
      c: { module: "log", basic_auth: { username: "shop", password: `{$file:p}${R}` } },
      d: { module: "log", oauth1: { consumer_key: R, consumer_secret: "{$vault:a#b}" } },
      e: { module: "http_webhook", "module-config": { url: `http://u:${R}@h/?token=${R}&a=1` } },
      f: { module: "log", auth: "none", signature: { provider: "github", secret: { key: R, secret: R } } },
      g: { module: "log", jwt: { public_key: R, algorithm: "HS256" } },
    },
    connections: { r: { type: "redis", host: "h", password: R } },
  });
});
