import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { realSystems } from "../../real/systems.ts";
import { ChildProcess } from "../../support/process/child_process.ts";
import { REPOSITORY } from "../../support/repository.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** Runs `deno task test:real` where no system is, nor anything that could install one. */
async function run(...names: readonly string[]): Promise<{ code: number; output: string }> {
  const args = ["run", "--allow-all", "--no-check", "tests/real/main.ts", ...names];
  await using empty = await TempDir.create();
  const env = { PATH: empty.path, XDG_CACHE_HOME: empty.path, DENO_DIR: denoDirectory() };
  await using child = ChildProcess.spawn(Deno.execPath(), { args, cwd: REPOSITORY, env });
  const { code } = await child.exited;
  return { code, output: child.output };
}

/** Where Deno has its cache, which does not move with `XDG_CACHE_HOME`. */
function denoDirectory(): string {
  const { HOME = "", XDG_CACHE_HOME = join(HOME, ".cache"), DENO_DIR } = Deno.env.toObject();
  return DENO_DIR ?? join(XDG_CACHE_HOME, "deno");
}

Deno.test("test:real has a row for each system, and says which are not there", async () => {
  const { code, output } = await run();
  assertMatch(output, /^system +version +passed +failed\n/m);
  assertMatch(output, /^etcd-3.6 +not run: Go is not installed +- +-$/m);
  assertMatch(output, /^kafka +not run: there is no java +- +-$/m);
  assertMatch(output, /^valkey-9 +not run: there is no python3 +- +-$/m);
  assertMatch(output, /^rq-3 +not run: there is no python3 +- +-$/m);
  assertMatch(output, /^caddy +not run: there is no python3 +- +-$/m);
  assertMatch(output, /^vault +not run: VAULT_BIN is not set +- +-$/m);
  assertEquals(code, 0);
});

Deno.test("test:real runs every test that starts an etcd server with current ones, too", async () => {
  const starting: string[] = [];
  for (const folder of ["tests/integration", "tests/scenario"]) {
    for await (const { name } of Deno.readDir(join(REPOSITORY, folder))) {
      const text = await Deno.readTextFile(join(REPOSITORY, folder, name));
      if (text.includes('from "../support/etcd/server.ts"')) starting.push(`${folder}/${name}`);
    }
  }
  const ofEtcd = realSystems.filter(({ name }) => name.startsWith("etcd-"));
  assertEquals(ofEtcd.length, 3);
  for (const { name, files } of ofEtcd) {
    assertEquals(starting.filter((file) => !files.includes(file)).sort(), [], name);
  }
});

Deno.test("test:real fails for a system that is asked for and not there, or not known", async () => {
  assertEquals((await run("vault")).code, 1);
  const { code, output } = await run("postgres");
  assertEquals(code, 2);
  assertMatch(output, /There are: .*\bvault\b/);
});
