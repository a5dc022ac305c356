/**
 * `cwm test`: runs the cases of a configuration, without a network.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import { readSmallFile, unreadableReason } from "../../io/small_file.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print as printLine } from "../terminal.ts";
import { MAX_CASE_FILE_BYTES, readCaseFile } from "./case_file.ts";
import { readConfiguration } from "./configuration.ts";
import { linesOf } from "./difference.ts";
import { type CaseContext, type CaseResult, runCase } from "./run_case.ts";

/** How long one case may take, in milliseconds. */
const TIMEOUT_MS = 30_000;

const HELP =
  `Runs the cases of a configuration: requests, and what is expected of their answers and deliveries

Usage: cwm test FILE [FILE...] [options]

Each request goes through the gateway's own router, methods of authentication, rules and journal. Outputs note what
they are handed; nothing is sent, and no name is looked up. The configuration is the one that cwm check looks at,
unless the file names another one. A case that names no deliveries fails if there is one.

    {"cases": [{
      "name": "a signed event is delivered",
      "request": {"webhook": "stripe", "json": {"id": "evt_1"}, "sign": true},
      "expect": {"status": 200, "deliveries": [{"module": "kafka", "json": {"id": "evt_1"}}]}
    }]}

Options:
  --json       Print the results as one JSON document
  -h, --help   Print this help

Exit status: 0 all cases passed; 1 one has failed, and the difference is printed; 2 a file cannot be used, or the
usage is wrong`;

/** The results of one file. */
interface FileResult {
  readonly path: string;
  readonly cases: readonly CaseResult[];
}

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `test` on the command line
 * @param environment variables for settings and references
 * @param timeoutMs how long one case may take, in milliseconds @default 30000
 * @throws {StartupError} `usage` or `settings_invalid` when a file cannot be used
 */
export async function test(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  print: (line: string) => void = printLine,
  timeoutMs: number = TIMEOUT_MS,
): Promise<number> {
  const line = readCommandLine("test", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  if (line.operands.length === 0) throw usageError("test", "Expected a file of cases");
  const isJson = line.options["json"] === true;
  const usable = await readAll(line.operands, environment);
  const results: FileResult[] = [];
  for (const file of usable) {
    const cases = await runFile(file, timeoutMs, (result) => {
      if (!isJson) { for (const each of describe(result)) print(escapeUnsafe(each)); }
    });
    results.push({ path: file.path, cases });
  }
  const all = results.flatMap(({ cases }) => cases);
  const failed = all.filter(({ differences }) => differences.length > 0).length;
  if (isJson) print(toJson(results, failed));
  else print(`${all.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** A file that can be run. */
type UsableFile = Omit<CaseContext, "directory" | "timeoutMs">;

/** Reads all files before one is run. @throws {StartupError} with the problems of all that cannot be used */
async function readAll(
  paths: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<readonly UsableFile[]> {
  const problems: string[] = [];
  const usable: UsableFile[] = [];
  for (const path of paths) {
    const file = readCaseFile(path, await textOf(path));
    if ("problems" in file) problems.push(...file.problems);
    else usable.push({ path, file, configuration: await readConfiguration(path, file, environment) });
  }
  if (problems.length > 0) throw new StartupError("usage", problems);
  return usable;
}

async function runFile(
  { path, file, configuration }: UsableFile,
  timeoutMs: number,
  onResult: (result: CaseResult) => void,
): Promise<readonly CaseResult[]> {
  await using folder = await JournalFolder.create(configuration.settings.dataDir);
  const context = { path, file, configuration, directory: folder.path, timeoutMs };
  const results: CaseResult[] = [];
  for (const [index, each] of file.cases.entries()) {
    const result = await runCase(context, each, index);
    results.push(result);
    onResult(result);
  }
  return results;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readSmallFile(path, { maxBytes: MAX_CASE_FILE_BYTES });
  } catch (cause) {
    throw new StartupError("usage", [`${path} cannot be read: ${unreadableReason(cause)}`], { cause });
  }
}

function describe({ name, differences, notes }: CaseResult): readonly string[] {
  if (differences.length === 0) return [`passed  ${name}`];
  return [
    `FAILED  ${name}`,
    ...differences.flatMap((each) => [
      `  ${each.place} (- expected, + seen):`,
      ...linesOf(each).map((line) => `    ${line}`),
    ]),
    ...notes.map((note) => `  ${note}`),
  ];
}

function toJson(results: readonly FileResult[], failed: number): string {
  const passed = results.flatMap(({ cases }) => cases).length - failed;
  return JSON.stringify({
    passed,
    failed,
    cases: results.flatMap(({ path, cases }) =>
      cases.map(({ name, differences, notes }) => ({
        file: path,
        name,
        passed: differences.length === 0,
        differences: differences.map(({ place, expected, seen }) => ({ place, expected, seen })),
        notes,
      }))
    ),
  });
}

/** A folder for the journals of cases, which is removed with them. */
class JournalFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /**
   * @param dataDir where it is made when none can be in the system's folder for temporary files
   * @throws {StartupError} `settings_invalid` when it cannot be made there either
   */
  static async create(dataDir: string): Promise<JournalFolder> {
    const prefix = "cwm-cases-";
    try {
      return new JournalFolder(await Deno.makeTempDir({ prefix }));
    } catch {
      // Another folder may do.
    }
    try {
      await Deno.mkdir(dataDir, { recursive: true });
      return new JournalFolder(await Deno.makeTempDir({ dir: dataDir, prefix }));
    } catch (cause) {
      const advice = "let TMPDIR or DATA_DIR be a folder that can be written to";
      throw new StartupError("settings_invalid", [
        `The journals of cases have no folder: ${unreadableReason(cause)}: ${advice}`,
      ], { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
