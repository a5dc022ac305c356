import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { ChildProcess } from "../../support/process/child_process.ts";
import { REPOSITORY } from "../../support/repository.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { parseJunitReport } from "../../support/test_report.ts";

const HANG = "new Promise(() => setInterval(() => {}, 1_000))";

const TESTS = [
  `Deno.test("waits for ever", () => ${HANG});`,
  `Deno.test({ name: "computes for ever", fn: () => { while (true); } });`,
  `Deno.test("hangs in a step", async (test) => void await test.step("step", () => ${HANG}));`,
  `Deno.test("has options", { sanitizeOps: false }, () => ${HANG});`,
  `Deno.test("has a limit of its own", { timeout: 60_000 }, () => new Promise((r) => setTimeout(r, 700)));`,
  `Deno.test(function isNamed() {});`,
  `Deno.test("comes last", () => {});`,
];

Deno.test("a test that hangs fails by its name in its file, and those after it run", async () => {
  await using directory = await TempDir.create();
  const file = await directory.writeText("hanging_test.ts", TESTS.join("\n"));
  const report = directory.file("junit.xml");
  await using child = ChildProcess.spawn(Deno.execPath(), {
    args: [
      ...["test", "--no-check", "--allow-all", "--no-config", `--junit-path=${report}`],
      `--preload=${join(REPOSITORY, "tests/support/test_time_limit.ts")}`,
      file,
    ],
    env: { CWM_TEST_LIMIT_MS: "400", NO_COLOR: "1" },
    cwd: directory.path,
  });
  assertEquals((await child.exited).code, 1);
  assertMatch(child.output, /Test timed out after 400ms/);
  const results = parseJunitReport(await Deno.readTextFile(report));
  assertEquals(results.map(({ file, name, outcome }) => [file, name, outcome]), [
    ...["waits for ever", "computes for ever", "hangs in a step", "has options"].map((
      name,
    ) => ["hanging_test.ts", name, "failed"]),
    ...["has a limit of its own", "isNamed", "comes last"].map((name) => ["hanging_test.ts", name, "passed"]),
  ]);
});
