import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { V8_FLAGS } from "../support/v8_flags.ts";

/** A worker is loaded at run time by its address: nothing imports it, so it is named when compiling. */
const WORKERS = [
  "src/journal/sqlite/worker/main.ts",
  "src/cli/exit/worker.ts",
  "src/config/file/watch/worker.ts",
];

/** Code of what is imported at run time alone, and of both providers. The listing of files is shortened. */
const PROGRAM_CODE = [
  "class FileConfigProvider ",
  "class EtcdConfigProvider ",
  "class VaultSource ",
  "class HttpWebhookClient ",
];

/** Code of what only the workers import. */
const WORKER_CODE = [
  "class Store ",
  "class CommitTransaction ",
  "class PendingTable ",
  'postMessage("waiting")',
  "class DirectoryWatcher ",
];

/**
 * `deno compile` puts the program behind a base binary that is not in the npm registry. Any executable
 * stands in for it here: what is embedded can be seen, but the result cannot be run.
 */
Deno.test("deno compile embeds the whole program: workers, the clients of Vault and etcd, their files", async () => {
  await using directory = await TempDir.create();
  const output = directory.file("cwm");
  const compile = new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--frozen",
      "--no-check",
      `--v8-flags=${V8_FLAGS}`,
      "--allow-all",
      "--exclude-unused-npm",
      ...WORKERS.flatMap((path) => ["--include", path]),
      "--output",
      output,
      "src/main.ts",
    ],
    cwd: REPOSITORY,
    env: { DENORT_BIN: "/bin/true", NO_COLOR: "1" },
    stderr: "piped",
  });
  const { success, stderr } = await compile.output();
  const listing = new TextDecoder().decode(stderr);
  assertEquals(success, true, listing);
  const binary = await Deno.readFile(output);
  for (const code of [...PROGRAM_CODE, ...WORKER_CODE]) assert(includes(binary, code), code);
  assert(includes(binary, "getActiveSpan"), "The API of OpenTelemetry is loaded where traces are recorded");
  assert(includes(binary, "brotlidecstream_new"), "Bodies in Brotli are decoded with it");
  assert(includes(binary, "package etcdserverpb"), "etcd3 reads this file at run time");
});

Deno.test("deno.json's compile task builds what the test looks at", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json"))) as {
    tasks: { compile: { command: string } };
  };
  assertStringIncludes(tasks.compile.command, "--exclude-unused-npm");
  for (const path of WORKERS) assertStringIncludes(tasks.compile.command, `--include ${path}`);
  assertStringIncludes(tasks.compile.command, "src/main.ts");
});

function includes(bytes: Uint8Array, text: string): boolean {
  return new TextDecoder("latin1").decode(bytes).includes(text);
}
