/**
 * The results of a test run: read from the JUnit file that `deno test --junit-path` writes, and summed up.
 * The traits of that file that matter here, as of Deno 2.9.6:
 *
 * - A step of a test is a test case of its own, named `test > step`, and stands after its test, which fails
 *   when one of its steps does.
 * - An ignored test and one that a filter or `only` left out are both `<skipped/>`; the latter has no `time`.
 * - A test that was cancelled because its file crashed is an `<error>`; a file that crashed before it
 *   registered a test is not in the report at all.
 * - A test belongs to the file that called `Deno.test`: the tests of a contract to that of the contract.
 *
 * @module
 */

export interface TestResult {
  /** The file, relative to the repository; empty for what is not a test of a file. */
  readonly file: string;
  readonly name: string;
  /**
   * `left_out`: not asked for, by a filter; counts as nothing. `unstable`: failed, and passed when its file ran once
   * more; counts as passed, and is named.
   */
  readonly outcome: "passed" | "unstable" | "failed" | "skipped" | "left_out";
  /** How long it took; 0 for what did not run. */
  readonly seconds: number;
}

export interface Summary {
  /** What to print: the skipped, unstable and failed tests by name, then the totals. */
  readonly lines: readonly string[];
  /** Whether something ran and nothing failed. */
  readonly success: boolean;
}

/** A failure that is not one of a test: of the run itself, or of a whole file. */
export function failure(name: string, file = ""): TestResult {
  return { file, name, outcome: "failed", seconds: 0 };
}

/**
 * Reads the tests of a report. Steps are parts of their test and not listed.
 *
 * @throws {SyntaxError} when the text is not a complete report
 */
export function parseJunitReport(xml: string): TestResult[] {
  if (!/<testsuites[\s>]/.test(xml) || !/<\/testsuites>\s*$/.test(xml)) {
    throw new SyntaxError("The JUnit report is not complete");
  }
  // Deno escapes "<" in names and messages, so these marks appear nowhere else.
  return xml.split("<testsuite ").slice(1).flatMap((suite) => {
    const file = attribute(suite, "name").replace(/^\.\//, "");
    const results: TestResult[] = [];
    for (const testCase of suite.split("<testcase ").slice(1)) {
      const name = attribute(testCase, "name");
      const isStep = results.some((test) => name.startsWith(`${test.name} > `));
      if (!isStep) results.push({ file, name, outcome: outcomeOf(testCase), seconds: secondsOf(testCase) });
    }
    return results;
  });
}

function outcomeOf(testCase: string): TestResult["outcome"] {
  if (/<(?:failure|error)[\s>/]/.test(testCase)) return "failed";
  if (!/<skipped[\s>/]/.test(testCase)) return "passed";
  return timeOf(testCase) === undefined ? "left_out" : "skipped";
}

function secondsOf(testCase: string): number {
  return Number(timeOf(testCase) ?? 0);
}

function timeOf(testCase: string): string | undefined {
  return /^[^>]*\stime="([^"]*)"/.exec(testCase)?.[1];
}

/** The value of an attribute of the element that the text begins with. */
function attribute(element: string, name: string): string {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(element)?.[1];
  if (value === undefined) throw new SyntaxError(`An element of the JUnit report has no ${name}`);
  return value
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

/** Sums the results up; the last line holds the totals and nothing else. */
export function summarize(results: readonly TestResult[]): Summary {
  const count = (wanted: TestResult["outcome"]) => results.filter(({ outcome }) => outcome === wanted).length;
  const named = (title: string, wanted: TestResult["outcome"]) =>
    results.filter(({ outcome }) => outcome === wanted)
      .map(({ file, name }) => `${title}: ${file === "" ? name : `${file}: ${name}`}`);
  const passed = count("passed") + count("unstable");
  const [failed, skipped] = [count("failed"), count("skipped")];
  const totals = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  return {
    lines: [
      ...named("SKIPPED", "skipped"),
      ...named("UNSTABLE", "unstable"),
      ...named("FAILED", "failed"),
      totals,
    ],
    success: passed > 0 && failed === 0,
  };
}

/**
 * What holds after a second run of the files in which something failed. What passes then is `unstable`: it was held up
 * by the machine, or by what another test had left behind, and is a fault to be found all the same. What belongs to no
 * file, as a process that was left running, is forgotten only if the second run is without a failure.
 */
export function afterSecondRun(
  first: readonly TestResult[],
  second: readonly TestResult[],
): TestResult[] {
  const keyOf = ({ file, name }: TestResult) => JSON.stringify([file, name]);
  const again = new Map(second.map((result) => [keyOf(result), result]));
  const failedAgain = second.some(({ outcome }) => outcome === "failed");
  const seen = new Set(first.map(keyOf));
  return [
    ...first.flatMap((result): TestResult[] => {
      if (result.outcome !== "failed") return [result];
      if (again.get(keyOf(result))?.outcome === "passed") return [{ ...result, outcome: "unstable" }];
      return result.file === "" && !failedAgain ? [] : [result];
    }),
    ...second.filter((result) => result.outcome === "failed" && !seen.has(keyOf(result))),
  ];
}

/** The files whose tests took longest, a line each, with the test that took most of it. */
export function slowestFiles(results: readonly TestResult[], count: number): string[] {
  const files = Map.groupBy(results.filter(({ file }) => file !== ""), ({ file }) => file);
  return [...files]
    .map(([file, tests]) => ({
      file,
      seconds: tests.reduce((sum, test) => sum + test.seconds, 0),
      slowest: tests.reduce((one, other) => other.seconds > one.seconds ? other : one),
    }))
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, count)
    .map(({ file, seconds, slowest }) =>
      `${seconds.toFixed(1)} s ${file} (${slowest.seconds.toFixed(1)} s: ${slowest.name})`
    );
}
