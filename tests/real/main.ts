// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:real`: tests that run against a stand-in in `deno task test`, against the real systems.
 *
 *     VAULT_BIN=/usr/local/bin/bao deno task test:real        every system that is there
 *     VAULT_BIN=/usr/local/bin/bao deno task test:real vault  this system alone
 *
 * Prints a row for each system. The exit status is 0 only if no test failed; a system that is not there is
 * `not run`, which fails only if it was asked for by name.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { parseJunitReport } from "../support/test_report.ts";
import type { ReadySystem, RealSystem } from "./real_system.ts";
import { realSystems } from "./systems.ts";

/** Gives each test a limit of its own. */
const TIME_LIMITS = "--preload=tests/support/test_time_limit.ts";
const TEST_LIMIT_MS = 10 * 60_000;

/** After this time the tests of one system hang: they are ended, and count as failed. */
const TIME_LIMIT_MS = 40 * 60_000;

interface Row {
  readonly system: string;
  readonly version: string;
  readonly passed: string;
  readonly failed: string;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

Deno.exit(await main(Deno.args.filter((arg) => arg !== "--")));

/** Returns the exit status. */
async function main(names: readonly string[]): Promise<number> {
  const known = realSystems.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`Not a system: ${unknown.join(", ")}. There are: ${known.join(", ")}`);
    return 2;
  }
  const rows: Row[] = [];
  let isGood = true;
  for (const system of realSystems.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const ready = await system.prepare();
    if (typeof ready === "string") {
      rows.push({ system: system.name, version: `not run: ${ready}`, passed: "-", failed: "-" });
      isGood &&= names.length === 0;
      continue;
    }
    await using running = ready;
    const { passed, failed } = await runTests(system, running);
    rows.push({ system: system.name, version: running.version, passed: `${passed}`, failed: `${failed}` });
    isGood &&= failed === 0 && passed > 0;
  }
  console.log(`\n${table(rows)}`);
  return isGood ? 0 : 1;
}

async function runTests({ files }: RealSystem, { env }: ReadySystem): Promise<Counts> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-test-real-" });
  const report = join(directory, "junit.xml");
  try {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", TIME_LIMITS, `--junit-path=${report}`, ...files],
      cwd: REPOSITORY,
      env: { CWM_TEST_LIMIT_MS: `${TEST_LIMIT_MS}`, ...env },
      stdin: "null",
      signal: AbortSignal.timeout(TIME_LIMIT_MS),
    }).spawn().status;
    const counts = await readCounts(report);
    return success || counts.failed > 0 ? counts : { ...counts, failed: 1 };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A run that broke off has no report, and counts as one failure. */
async function readCounts(report: string): Promise<Counts> {
  try {
    const outcomes = parseJunitReport(await Deno.readTextFile(report)).map(({ outcome }) => outcome);
    const count = (...kinds: readonly string[]) =>
      outcomes.filter((outcome) => kinds.includes(outcome)).length;
    return { passed: count("passed"), failed: count("failed", "skipped") };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof SyntaxError)) throw error;
    return { passed: 0, failed: 1 };
  }
}

function table(rows: readonly Row[]): string {
  const columns = ["system", "version", "passed", "failed"] as const;
  const lines = [Object.fromEntries(columns.map((name) => [name, name])) as unknown as Row, ...rows];
  const widths = columns.map((name) => Math.max(...lines.map((line) => line[name].length)));
  return lines.map((line) =>
    columns.map((name, index) => line[name].padEnd(widths[index]!)).join("  ").trimEnd()
  )
    .join("\n");
}
