import { assertEquals, assertThrows } from "@std/assert";
import {
  afterSecondRun,
  failure,
  parseJunitReport,
  slowestFiles,
  summarize,
  type TestResult,
} from "../../support/test_report.ts";

/** As Deno 2.9.6 writes it, with one case of every kind. */
const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="9" failures="3" errors="1" time="0.143">
    <testsuite name="./tests/unit/a_test.ts" tests="7" disabled="2" errors="0" failures="3">
        <testcase name="a passes &amp; &lt;well&gt; &quot;so&quot;" classname="./a_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="a fails" classname="./a_test.ts" time="0.004" line="2" col="6">
            <failure message="Uncaught Error: &lt;skipped/&gt;">Error: &lt;skipped/&gt;
    at a_test.ts:2:39</failure>
        </testcase>
        <testcase name="a is ignored" classname="./a_test.ts" time="0.000" line="3" col="11">
            <skipped/>
        </testcase>
        <testcase name="a is filtered out" classname="./a_test.ts" line="4" col="6">
            <skipped/>
        </testcase>
        <testcase name="a has steps" classname="./a_test.ts" time="0.002" line="5" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="a has steps &gt; one" classname="./a_test.ts" time="0.000" line="6" col="11">
        </testcase>
        <testcase name="a has steps &gt; two" classname="./a_test.ts" time="0.001" line="8" col="11">
            <failure message="Uncaught Error: inner">Error: inner</failure>
        </testcase>
    </testsuite>
    <testsuite name="./tests/unit/b_test.ts" tests="2" disabled="0" errors="1" failures="0">
        <testcase name="b is cancelled" classname="./b_test.ts" time="0.000" line="2" col="6">
            <error message="Cancelled"/>
        </testcase>
        <testcase name="b passes" classname="./b_test.ts" time="0.000" line="3" col="6">
        </testcase>
    </testsuite>
</testsuites>
`;

function results(...outcomes: readonly TestResult["outcome"][]): TestResult[] {
  return outcomes.map((outcome, index) => ({
    file: "tests/unit/a_test.ts",
    name: `test ${index}`,
    outcome,
    seconds: 0,
  }));
}

Deno.test("test report lists every test with its outcome and leaves steps to their test", () => {
  const tests = parseJunitReport(REPORT).map(({ file, name, outcome }) => [file, name, outcome]);
  assertEquals(tests, [
    ["tests/unit/a_test.ts", 'a passes & <well> "so"', "passed"],
    ["tests/unit/a_test.ts", "a fails", "failed"],
    ["tests/unit/a_test.ts", "a is ignored", "skipped"],
    ["tests/unit/a_test.ts", "a is filtered out", "left_out"],
    ["tests/unit/a_test.ts", "a has steps", "failed"],
    ["tests/unit/b_test.ts", "b is cancelled", "failed"],
    ["tests/unit/b_test.ts", "b passes", "passed"],
  ]);
});

Deno.test("test report says how long each test took, with its steps, and 0 for what did not run", () => {
  const seconds = parseJunitReport(REPORT).map((test) => test.seconds);
  assertEquals(seconds, [0, 0.004, 0, 0, 0.002, 0, 0]);
});

Deno.test("the slowest files come with the time of all their tests, and the test that took longest", () => {
  const took = (file: string, name: string, seconds: number): TestResult => {
    return { file, name, outcome: "passed", seconds };
  };
  const results = [
    took("a_test.ts", "a", 1),
    took("b_test.ts", "b starts", 1.25),
    took("c_test.ts", "c", 0.1),
    took("b_test.ts", "b ends", 2),
    failure("deno test crashed"),
  ];
  assertEquals(slowestFiles(results.slice(-2), 9), ["2.0 s b_test.ts (2.0 s: b ends)"]);
  assertEquals(slowestFiles(results, 2), ["3.3 s b_test.ts (2.0 s: b ends)", "1.0 s a_test.ts (1.0 s: a)"]);
});

Deno.test("test report that breaks off in the middle is refused", () => {
  assertThrows(() => parseJunitReport(REPORT.slice(0, 900)), SyntaxError, "not complete");
  assertThrows(() => parseJunitReport(""), SyntaxError, "not complete");
});

Deno.test("summary ends with the totals alone on a line", () => {
  assertEquals(summarize(results("passed", "passed", "left_out")), {
    lines: ["2 passed, 0 failed"],
    success: true,
  });
});

Deno.test("summary names failed and skipped tests and counts the latter only when there are any", () => {
  const summary = summarize([...results("passed", "failed", "skipped"), failure("deno test crashed")]);
  assertEquals(summary, {
    lines: [
      "SKIPPED: tests/unit/a_test.ts: test 2",
      "FAILED: tests/unit/a_test.ts: test 1",
      "FAILED: deno test crashed",
      "1 passed, 2 failed, 1 skipped",
    ],
    success: false,
  });
});

Deno.test("summary is no success when no test ran", () => {
  assertEquals(summarize([]), { lines: ["0 passed, 0 failed"], success: false });
  assertEquals(summarize(results("left_out")).success, false);
});

const passed = (name: string): TestResult => ({ file: "a_test.ts", name, outcome: "passed", seconds: 1 });
const failed = (name: string): TestResult => ({ ...passed(name), outcome: "failed" });

Deno.test("what fails and passes when its file runs once more is unstable, and named", () => {
  const first = [passed("one"), failed("two"), failure("left running: java (process 7)")];
  const results = afterSecondRun(first, [passed("one"), passed("two")]);
  assertEquals(results, [passed("one"), { ...passed("two"), outcome: "unstable" }]);
  assertEquals(summarize(results), {
    lines: ["UNSTABLE: a_test.ts: two", "2 passed, 0 failed"],
    success: true,
  });
});

Deno.test("what fails twice, fails only the second time or does not run again has failed", () => {
  const leftRunning = failure("left running: java (process 7)");
  const first = [passed("one"), failed("two"), failed("three"), leftRunning];
  const second = [passed("two"), failed("four"), failure("no test ran", "b_test.ts")];
  assertEquals(afterSecondRun(first, second), [
    passed("one"),
    { ...passed("two"), outcome: "unstable" },
    failed("three"),
    leftRunning,
    failed("four"),
    failure("no test ran", "b_test.ts"),
  ]);
});
