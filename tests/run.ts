// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test`: gets the machine ready, checks format, lint and types, runs every test, and ends with the files
 * that took longest and one line of totals, `N passed, N failed`. The exit status is 0 only if something ran and
 * nothing failed. A test that passes only when its file runs a second time is named as unstable: a fault to be found.
 *
 *     deno task test                               everything
 *     deno task test tests/unit/http               the tests of a folder or file, without the checks
 *     deno task test --filter "answers 503"        any options of `deno test`, without the checks
 *     TEST_LOAD=8 deno task test                   everything beside eight busy processes, with five times the patience
 *
 * @module
 */

import { join } from "@std/path";
import { importsOf } from "./support/house/import_graph.ts";
import { groupFiles, moduleOfAll } from "./support/test_groups.ts";
import {
  afterSecondRun,
  failure,
  parseJunitReport,
  slowestFiles,
  summarize,
  type TestResult,
} from "./support/test_report.ts";
import { PATIENCE_UNDER_LOAD, PATIENCE_VARIABLE } from "./support/patience.ts";
import { findLeftoverProcesses, RUN_VARIABLE } from "./support/process/leftover_processes.ts";
import { REPOSITORY } from "./support/repository.ts";
import { listFiles, readFiles, type SourceFile } from "./support/house/source_files.ts";
import { BusyProcesses } from "./support/process/busy_processes.ts";
import { ensureTestServers, TestServersMissing } from "./support/process/test_servers.ts";

const FOLDERS = ["tests/unit", "tests/integration", "tests/scenario"];

const CHECKS = [
  { name: "Format: deno fmt --check", args: ["fmt", "--check"] },
  { name: "Lint: deno lint", args: ["lint"] },
  { name: "Types: deno check src tests", args: ["check", "src", "tests"] },
];

/** Groups of tests that run at a time: one more than there are processors, as each waits now and then. */
const LANES = Math.min(4, navigator.hardwareConcurrency + 1);

/** How many of the files that took longest are shown at the end. */
const SLOWEST = 15;

/** The types have a check of their own; an error in one file must not keep the others from running. */
const UNCHECKED = ["--no-check", "--config", join(REPOSITORY, "deno.json")];

/** Gives each test a limit of its own. */
const TIME_LIMITS = "--preload=tests/support/test_time_limit.ts";

/**
 * After this time a run hangs, also on a machine that is five times slower than two cores: it is ended, and fails. Its
 * output tells which test was the last.
 */
const TIME_LIMIT_MS = 45 * 60_000;

/** How long output may come after the end of the process that it is from. */
const LATE_OUTPUT_MS = 5_000;

/** So many processes keep the processors busy beside the tests. */
const LOAD = Number(Deno.env.get("TEST_LOAD") ?? 0);

Deno.exit(await main(Deno.args.filter((arg) => arg !== "--")));

/** Returns the exit status. */
async function main(args: readonly string[]): Promise<number> {
  try {
    await ensureTestServers();
  } catch (error) {
    if (!(error instanceof TestServersMissing)) throw error;
    console.error(error.message);
    return 1;
  }
  // The gateways that tests start find everything in the cache, and the network has no part in their start.
  if (await startDeno(["install", "--quiet"], { display: "live" }).ended !== 0) return 1;

  using _load = new BusyProcesses(LOAD);
  const { lines, success } = summarize(args.length === 0 ? await runEverything() : await runSelection(args));
  // A run that was killed leaves a line unfinished.
  console.log(`\n${lines.join("\n")}`);
  return success ? 0 : 1;
}

/** Runs the checks and all files, in lanes: whichever is free takes the next check, or the next group of files. */
async function runEverything(): Promise<TestResult[]> {
  const files = await readTestFiles(await existingPaths(FOLDERS));
  const waiting = [
    ...CHECKS.map((check) => () => runCheck(check)),
    ...groupFiles(files, LANES).map((group) => () => runGroup(group)),
  ];
  const results: TestResult[] = [];
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) results.push(...await run());
  }));
  console.log(`\nSlowest files:\n${slowestFiles(results, SLOWEST).join("\n")}`);
  return results;
}

async function runCheck({ name, args }: typeof CHECKS[number]): Promise<TestResult[]> {
  const { ended, output } = startDeno(args, { display: "kept" });
  const status = await ended;
  console.log(`\n${name}\n${await output}`);
  return [{ ...failure(name), outcome: status === 0 ? "passed" : "failed" }];
}

async function runSelection(args: readonly string[]): Promise<TestResult[]> {
  const named = await existingPaths(args);
  const paths = named.length > 0 ? named : await existingPaths(FOLDERS);
  const { results, silent } = await runTests(
    named.length > 0 ? args : [...args, ...paths],
    await readTestFiles(paths),
    "live",
  );
  return [...results, ...silent];
}

/**
 * Runs the files of a group as one module, in a process of its own. Not `--parallel`: that runs files as threads of one
 * process, where they share the environment, signals, and for moments, when one starts a program, the open files of
 * all; a port that was just closed is then not always free.
 */
async function runGroup(files: readonly SourceFile[]): Promise<TestResult[]> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-test-group-" });
  try {
    const all = join(directory, "group_test.ts");
    await Deno.writeTextFile(all, moduleOfAll(files, REPOSITORY));
    const { results, silent, output } = await runTests([...UNCHECKED, all], files, "kept");
    console.log(output);
    if (silent.length === 0) return await runFailedAgain(results, files);
    // One that cannot be loaded keeps the others from running: each is a module of its own then.
    const apart = await runTests([...UNCHECKED, ...files.map(({ path }) => path)], files, "kept");
    console.log(apart.output);
    return [
      failure(`the files from ${files[0]!.path} on do not load together`),
      ...apart.results,
      ...apart.silent,
    ];
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/**
 * Runs the files in which something failed once more, without the others of their group. A test that hangs takes those
 * after it along: the second run tells them apart. What passes then is named at the end, as unstable.
 */
async function runFailedAgain(
  results: readonly TestResult[],
  files: readonly SourceFile[],
): Promise<TestResult[]> {
  const failed = new Set(results.filter(({ outcome }) => outcome === "failed").map(({ file }) => file));
  const suspects = files.filter((file) =>
    [file.path, ...importsOf(file).map(({ to }) => to)].some((path) => path !== undefined && failed.has(path))
  );
  if (suspects.length === 0) return [...results];
  const again = await runTests([...UNCHECKED, ...suspects.map(({ path }) => path)], suspects, "kept");
  console.log(`\nOnce more, what failed:\n${again.output}`);
  return afterSecondRun(results, [...again.results, ...again.silent]);
}

/**
 * Runs `deno test`; whatever it hides or leaves behind becomes a failure of its own.
 *
 * @param files the files that the arguments stand for; the failures of those without a test are `silent`
 */
async function runTests(
  args: readonly string[],
  files: readonly SourceFile[],
  display: "live" | "kept",
): Promise<{ results: TestResult[]; silent: TestResult[]; output: string }> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-test-run-" });
  const report = join(directory, "junit.xml");
  const run = crypto.randomUUID();
  try {
    const { ended, output } = startDeno([
      "test",
      "--allow-all",
      TIME_LIMITS,
      `--junit-path=${report}`,
      ...args,
    ], {
      env: { [RUN_VARIABLE]: run },
      display,
    });
    const status = await ended;
    const reported = await readReport(report);
    const silent = findSilentFiles(files, reported ?? []);
    const results = reported ?? [failure("deno test ended without a report")];
    // What is left running may hold the output open, so it goes first.
    results.push(...await endLeftovers(run));
    if (status !== 0 && silent.length === 0 && !results.some(({ outcome }) => outcome === "failed")) {
      results.push(failure(`deno test ended with status ${status} but reports no failed test`));
    }
    return { results, silent, output: await output };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** `kept`: the output is returned instead of shown. */
  readonly display: "live" | "kept";
}

function startDeno(
  args: readonly string[],
  { env = {}, display }: StartOptions,
): { ended: Promise<number>; output: Promise<string> } {
  const stream = display === "live" ? "inherit" : "piped";
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: REPOSITORY,
    env: {
      DENO_NO_UPDATE_CHECK: "1",
      ...(LOAD > 0 ? { [PATIENCE_VARIABLE]: `${PATIENCE_UNDER_LOAD}` } : {}),
      ...env,
    },
    stdin: "null",
    stdout: stream,
    stderr: stream,
    signal: AbortSignal.timeout(LOAD > 0 ? PATIENCE_UNDER_LOAD * TIME_LIMIT_MS : TIME_LIMIT_MS),
  }).spawn();
  const ended = child.status.then(({ code }) => code);
  const output = display === "live" ? ended.then(() => "") : collect([child.stdout, child.stderr], ended);
  return { ended, output };
}

/**
 * What was written to the streams until the process ended. A program that it left running may hold them
 * open for ever, so what has not come shortly after the end is not waited for.
 */
async function collect(
  streams: readonly ReadableStream<Uint8Array>[],
  ended: Promise<unknown>,
): Promise<string> {
  const texts = streams.map(() => "");
  const reading = Promise.all(streams.map(async (stream, index) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) texts[index] += text;
  }));
  await ended;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LATE_OUTPUT_MS);
  await Promise.race([reading, late]);
  clearTimeout(timer);
  return texts.join("");
}

async function readReport(report: string): Promise<TestResult[] | undefined> {
  try {
    return parseJunitReport(await Deno.readTextFile(report));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}

async function readTestFiles(paths: readonly string[]): Promise<SourceFile[]> {
  const files = (await Promise.all(paths.map((path) => listFiles(REPOSITORY, path)))).flat();
  return await readFiles(REPOSITORY, files.filter((file) => file.endsWith("_test.ts")));
}

/** Files that are not in the report: they crashed while they were loaded, or hold no test. */
function findSilentFiles(files: readonly SourceFile[], results: readonly TestResult[]): TestResult[] {
  const reported = new Set(results.map(({ file }) => file));
  return files
    // The tests of a contract are reported under the file of the contract, which the test file imports.
    .filter((file) =>
      ![file.path, ...importsOf(file).map(({ to }) => to)].some((path) => reported.has(path ?? ""))
    )
    .map(({ path }) => failure("no test ran", path));
}

async function existingPaths(candidates: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of candidates) {
    try {
      await Deno.stat(join(REPOSITORY, path));
      found.push(path.replace(/^\.\//, "").replace(/\/+$/, ""));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}

/** Ends the processes that tests left running. They would hold ports, files and the output of this run. */
async function endLeftovers(run: string): Promise<TestResult[]> {
  const results: TestResult[] = [];
  for (const { pid, command } of await findLeftoverProcesses(run)) {
    results.push(failure(`left running: ${command} (process ${pid})`));
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return results;
}
