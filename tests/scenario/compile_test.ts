import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";

/**
 * `deno compile` puts the program behind a base binary that is not in the npm registry. Any executable
 * stands in for it here: what is embedded can be seen, but the result cannot be run.
 */
Deno.test("deno compile embeds the whole program, the etcd client and its protocol files", async () => {
  await using directory = await TempDir.create();
  const output = directory.file("cwm");
  const compile = new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--frozen",
      "--no-check",
      "--allow-all",
      "--exclude-unused-npm",
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
  for (const file of ["main.ts", "file_provider.ts", "etcd_provider.ts", "http_webhook.ts"]) {
    assertStringIncludes(listing, file);
  }
  const binary = await Deno.readFile(output);
  assert(includes(binary, "package etcdserverpb"), "etcd3 reads this file at run time");
});

Deno.test("deno.json's compile task builds what the test looks at", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json"))) as {
    tasks: { compile: { command: string } };
  };
  assertStringIncludes(tasks.compile.command, "--exclude-unused-npm");
  assertStringIncludes(tasks.compile.command, "src/main.ts");
});

function includes(bytes: Uint8Array, text: string): boolean {
  return new TextDecoder("latin1").decode(bytes).includes(text);
}
