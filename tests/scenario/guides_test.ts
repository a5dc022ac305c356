import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { type GuideBlock, guideBlocksOf, withAddition } from "../support/house/guides.ts";
import { listRepositoryFiles } from "../support/house/rules.ts";
import { ChildProcess } from "../support/process/child_process.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";

const blocks = guideBlocksOf(await Deno.readTextFile(join(REPOSITORY, "src/README.md")));

/** The tests that a contributor's work has to pass. */
const TESTS = [
  "tests/integration/output_contract_test.ts",
  "tests/unit/auth/contract_test.ts",
  "tests/unit/auth/registry_test.ts",
  "tests/unit/house_rules_test.ts",
  "tests/unit/import_graph_test.ts",
  "tests/unit/modules/registry_test.ts",
  "tests/unit/readme_test.ts",
];

Deno.test("the guides of src/README.md add an output and a verifier that pass their contracts", async () => {
  await using copy = await copyRepository();
  for (const block of blocks) await follow(copy, block);
  const files = blocks.map(({ path }) => path);
  // The guides show how a list goes on, not how the formatter would break its lines.
  await deno(copy, ["fmt", "--quiet", ...files.filter(isRegistry)]);
  await deno(copy, ["fmt", "--check", ...files]);
  await deno(copy, ["lint", ...files]);
  // Not the registries: they load everything, and their lines are run below with what the files say they export.
  await deno(copy, ["check", ...files.filter((file) => !isRegistry(file))]);
  await deno(copy, ["task", "readme"]);
  const output = await deno(copy, ["test", "--allow-all", "--no-check", ...TESTS], {
    OUTPUT_MODULES: "tcp_lines",
  });
  assertStringIncludes(output, "output module tcp_lines delivers an event with its id and body");
  assertStringIncludes(output, "verifier shop_key refuses no credentials");
  assertStringIncludes(await Deno.readTextFile(copy.file("src/modules/README.md")), "[`tcp_lines`]");
  assertStringIncludes(await Deno.readTextFile(copy.file("src/auth/README.md")), "## `shop_key`");
});

Deno.test("each guide of src/README.md is one file, a line of a registry, and a world", async () => {
  const paths = blocks.map(({ path }) => path);
  assertEquals(paths, [
    "src/modules/tcp_lines/tcp_lines.ts",
    "src/modules/registry.ts",
    "tests/worlds/outputs/tcp_lines.ts",
    "src/auth/verifiers/shop_key.ts",
    "src/auth/registry.ts",
    "tests/worlds/verifiers/shop_key.ts",
  ]);
  for (const { path, code } of blocks) {
    assert(code.split("\n").length <= 150, `${path} is too long for a guide`);
  }
  for (const path of paths.filter((path) => !isRegistry(path))) {
    const exists = await Deno.stat(join(REPOSITORY, path)).then(() => true, () => false);
    assertEquals(exists, false, `${path} is built by now: the guide needs another example`);
  }
});

function isRegistry(path: string): boolean {
  return path.endsWith("/registry.ts");
}

async function copyRepository(): Promise<TempDir> {
  const copy = await TempDir.create();
  const paths = await listRepositoryFiles(REPOSITORY);
  for (const folder of new Set(paths.map(dirname))) await Deno.mkdir(copy.file(folder), { recursive: true });
  for (const path of paths) await Deno.copyFile(join(REPOSITORY, path), copy.file(path));
  return copy;
}

async function follow(copy: TempDir, block: GuideBlock): Promise<void> {
  const path = copy.file(block.path);
  await Deno.mkdir(dirname(path), { recursive: true });
  const text = isRegistry(block.path) ? withAddition(await Deno.readTextFile(path), block) : block.code;
  await Deno.writeTextFile(path, text);
}

/** Runs a command of Deno in the copy, and returns its output without colours. */
async function deno(
  copy: TempDir,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  await using process = ChildProcess.spawn(Deno.execPath(), {
    args,
    cwd: copy.path,
    env: { ...env, NO_COLOR: "1" },
  });
  const { code } = await process.exited;
  assertEquals(code, 0, `deno ${args.join(" ")}\n${process.output}`);
  return process.output;
}
