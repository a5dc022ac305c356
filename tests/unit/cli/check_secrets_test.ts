import { assert, assertEquals } from "@std/assert";
import { check } from "../../../src/cli/check.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** What `cwm check` ends with and prints of these webhooks, with one secret in a file. */
async function checked(webhooks: unknown): Promise<{ readonly status: number; readonly lines: string[] }> {
  await using directory = await TempDir.create();
  await Deno.mkdir(directory.file("secrets"));
  await directory.writeText("secrets/token", "pa55word\n");
  const environment = {
    WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", webhooks),
    CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", {}),
    DATA_DIR: directory.file("data"),
    SECRETS_DIR: directory.file("secrets"),
    ADMIN_TOKEN: "an-admin-token-of-the-tests",
  };
  const settings = loadSettings(environment, { logIsTerminal: false });
  const lines: string[] = [];
  const status = await check(settings, environment, { probe: false, print: (line) => lines.push(line) });
  return { status, lines };
}

const guarded = (authorization: string) => ({ module: "log", authorization: `Bearer ${authorization}` });

Deno.test("cwm check reads secrets, and ends with status 0 when they are there", async () => {
  const { status, lines } = await checked({
    a: guarded("{$file:token}"),
    b: guarded("{$file:none:default}"),
  });
  assertEquals([status, lines], [0, ["0 problems in 2 webhooks and 0 connections"]]);
});

Deno.test("cwm check tells of secrets that are not there or not to be read, and shows none", async () => {
  const { status, lines } = await checked({
    missing: guarded("{$file:none}"),
    vault: guarded("{$vault:a#b:default}"),
    own: guarded("{$ADMIN_TOKEN}"),
    malformed: guarded("{$file:token"),
    refused: { module: "log", authorization: "{$file:token}", methods: "{$file:token}" },
  });
  assertEquals(status, 1);
  const codes = lines.slice(0, -1).map((
    line,
  ) => [/webhook [^:]+/.exec(line)?.[0], /\((\w+)\)$/.exec(line)?.[1]]);
  assertEquals(codes, [
    ["webhook default/missing", "missing_secret"],
    ["webhook default/vault", "secret_misconfigured"],
    ["webhook default/own", "invalid_reference"],
    ["webhook default/malformed", "invalid_reference"],
    ["webhook default/refused", "schema"],
  ]);
  assertEquals(lines.at(-1), "5 problems in 5 webhooks and 0 connections");
  assert(!/pa55word|an-admin-token|default\}/.test(lines.join("\n")));
});
