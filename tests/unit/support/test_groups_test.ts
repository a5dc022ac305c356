import { assert, assertEquals } from "@std/assert";
import { groupFiles, moduleOfAll } from "../../support/test_groups.ts";
import { ChildProcess } from "../../support/process/child_process.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { parseJunitReport } from "../../support/test_report.ts";

function filesOf(folder: string, count: number): { readonly path: string }[] {
  return Array.from({ length: count }, (_, index) => ({ path: `tests/${folder}/${index}_test.ts` }));
}

Deno.test("test files are dealt out once each, the longest first, in groups that become smaller", () => {
  const files = [...filesOf("unit", 300), ...filesOf("integration", 60), ...filesOf("scenario", 24)];
  const groups = groupFiles(files, 2);
  assertEquals(groups.flat(), [
    ...filesOf("scenario", 24),
    ...filesOf("integration", 60),
    ...filesOf("unit", 300),
  ]);
  const seconds = groups.map((group) =>
    group.reduce(
      (sum, { path }) => sum + (path.includes("scenario") ? 8 : path.includes("integration") ? 4 : 1),
      0,
    )
  );
  assert(seconds[0]! > 100 && seconds[0]! < 150, `${seconds}`);
  assert(seconds.at(-2)! < 20, `${seconds}`);
  assertEquals(groupFiles([], 2), []);
});

Deno.test("the module of a group runs all tests of its files, each reported under its own", async () => {
  await using directory = await TempDir.create();
  for (const name of ["one", "two"]) {
    await directory.writeText(`${name}_test.ts`, `Deno.test('${name} passes', () => {});`);
  }
  const files = [{ path: "one_test.ts" }, { path: "two_test.ts" }];
  const all = await directory.writeText("all.ts", moduleOfAll(files, directory.path));
  const report = directory.file("junit.xml");
  await using child = ChildProcess.spawn(Deno.execPath(), {
    args: ["test", "--no-check", "--no-config", `--junit-path=${report}`, all],
    cwd: directory.path,
  });
  assertEquals((await child.exited).code, 0, child.output);
  const results = parseJunitReport(await Deno.readTextFile(report));
  assertEquals(results.map(({ file, name }) => [file, name]), [
    ["one_test.ts", "one passes"],
    ["two_test.ts", "two passes"],
  ]);
});
