/**
 * `cwm migrate`: carries webhooks and connections from files to etcd or back. Nothing but this command
 * loads the code that writes to etcd.
 *
 * @module
 */

import { describeKey, isNamespace } from "../event/names.ts";
import type { StartupError } from "../errors.ts";
import {
  type ConfigStore,
  type Finding,
  MigrationError,
  type StoredValue,
  type WriteResult,
} from "../migrate/configuration.ts";
import type { ChangedValue } from "../migrate/comparison.ts";
import { BackupFile } from "../migrate/stores/backup_file.ts";
import { EtcdStore } from "../migrate/stores/etcd_store.ts";
import { FileStore } from "../migrate/stores/file_store.ts";
import { type MigrationPlan, planMigration } from "../migrate/migration.ts";
import { Progress } from "../migrate/progress.ts";
import { outputModulesWithin } from "../modules/registry.ts";
import { escapeUnsafe } from "../observability/safe_text.ts";
import type { Settings } from "../settings/settings.ts";
import { print, printError } from "./terminal.ts";
import { count, readCommandLine, usageError } from "./command_line.ts";

/** Most paths of one value that are printed. */
const SHOWN_PATHS = 8;

const HELP = `Carries webhooks and connections from files to etcd, or from etcd to files

Usage: cwm migrate --from file --to etcd [options]
       cwm migrate --from etcd --to file [options]
       cwm migrate --from etcd --to file --all-namespaces --backup FILE [options]
       cwm migrate --from file --to etcd --all-namespaces --backup FILE [options]

Files: WEBHOOKS_CONFIG_FILE and CONNECTIONS_CONFIG_FILE; WEBHOOKS_CONFIG_FILES and CONNECTIONS_CONFIG_FILES
       are merged where they are the source
etcd:  ETCD_ENDPOINTS (or ETCD_HOST and ETCD_PORT), ETCD_PREFIX, ETCD_USERNAME, ETCD_PASSWORD, ETCD_TLS_...

Connections are shared by all namespaces. They are left alone, and not even read, unless --connections is given:
a user of etcd who may read and write one namespace's webhooks can migrate these.

Values are carried over as they are: {$VARIABLE} references and remarks stay. All values are validated before
anything is written. What was changed by somebody else in the meantime is left alone. After an interruption,
run the same command again: it does the rest.

Options:
  --namespace NAME  The namespace of the webhooks in the files (default: ETCD_NAMESPACE)
  --all-namespaces  The webhooks of all namespaces, with a backup in one file instead of the files above
  --backup FILE     That file: each value stands in it by its key in etcd below the prefix
  --connections     Carry over connections, too
  --dry-run         Print the difference and write nothing
  --prune           Remove what only the target has; without it, that is listed and stays
  -h, --help        Print this help

Exit status: 0 done, or nothing to do; 1 problems, a conflict, or etcd cannot be reached; 2 wrong usage`;

interface MigrateOptions {
  readonly from: "file" | "etcd";
  readonly namespace: string | undefined;
  /** The file with all namespaces; `undefined` for one namespace. */
  readonly backup: string | undefined;
  readonly connections: boolean;
  readonly dryRun: boolean;
  readonly prune: boolean;
}

/**
 * Runs the command. Returns the exit status: 0 when both sides agree as asked for, 1 when they do not.
 *
 * @param args what follows `migrate` on the command line
 * @throws {StartupError} `usage`
 */
export async function migrate(
  args: readonly string[],
  settings: () => Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const options = parseOptions(args);
  if (options === "help") {
    print(HELP);
    return 0;
  }
  try {
    return await run(options, settings(), environment);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    printError(escapeUnsafe(error.message));
    return 1;
  }
}

function parseOptions(args: readonly string[]): MigrateOptions | "help" {
  const line = readCommandLine("migrate", args);
  if (line === "help") return "help";
  const { options } = line;
  const { from, to, namespace } = options;
  const directions = [["file", "etcd"], ["etcd", "file"]];
  if (!directions.some(([source, target]) => from === source && to === target)) {
    throw usage("Expected '--from file --to etcd' or '--from etcd --to file'");
  }
  if (namespace !== undefined && !isNamespace(String(namespace))) {
    throw usage(
      `--namespace must have 1 to 64 characters of a-z A-Z 0-9 _ -, current value is '${namespace}'`,
    );
  }
  const backup = options["backup"] as string | undefined;
  if ((options["all-namespaces"] === true) !== (backup !== undefined) || backup === "") {
    throw usage("--all-namespaces and --backup FILE belong together");
  }
  if (backup !== undefined && namespace !== undefined) {
    throw usage("Give either --namespace or --all-namespaces");
  }
  return {
    backup,
    connections: options["connections"] === true,
    from: from as MigrateOptions["from"],
    namespace: namespace as string | undefined,
    dryRun: options["dry-run"] === true,
    prune: options["prune"] === true,
  };
}

async function run(
  { from, namespace, backup, connections, dryRun, prune }: MigrateOptions,
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const own = namespace ?? settings.defaultNamespace;
  await using files = backup === undefined
    ? new FileStore(settings.files, own, connections)
    : new BackupFile(backup, connections);
  await using etcd = new EtcdStore(settings.etcd, {
    namespace: backup === undefined ? own : undefined,
    connections,
  });
  const [source, target] = from === "file" ? [files, etcd] : [etcd, files];
  print(`From ${source.description}`);
  print(`To   ${target.description}`);
  if (!connections) print("Connections are left alone: --connections carries them over, too");
  const plan = await planMigration(source, target, {
    compile: {
      environment,
      modules: outputModulesWithin(settings.outputBounds),
      auth: settings.auth,
      corsOrigins: settings.corsOrigins,
    },
    prune,
  });
  for (const warning of plan.warnings) print(`warning  ${describe(warning)}`);
  if (plan.problems.length > 0) return refused(plan.problems);
  printDifference(plan, prune);
  if (plan.changes.length === 0) {
    print("Nothing to do");
    return 0;
  }
  if (dryRun) {
    print(`Dry run: nothing was written, ${count(plan.changes.length, "change")} to make`);
    return 0;
  }
  return printResult(await write(target, plan));
}

function refused(problems: readonly Finding[]): number {
  for (const problem of problems) print(`problem  ${describe(problem)}`);
  print(
    `${count(problems.length, "problem")}: nothing was written. Correct or remove these at the source, ` +
      "then run the same command again",
  );
  return 1;
}

/** The difference by names and paths. Values are never printed: they may be secrets. */
function printDifference({ comparison, kept }: MigrationPlan, prune: boolean): void {
  const { added, changed, same, extra } = comparison;
  for (const value of added) print(`added    ${nameOf(value)}`);
  for (const value of changed) print(`changed  ${nameOf(value.source)}: ${describePaths(value)}`);
  for (const value of extra) print(`extra    ${nameOf(value)}`);
  for (const finding of kept) print(`kept     ${describe(finding)}`);
  print(`${added.length} added, ${changed.length} changed, ${same.length} same, ${extra.length} extra`);
  if (extra.length > 0 && !prune) print("What is extra stays: --prune removes it");
}

async function write(target: ConfigStore, { changes }: MigrationPlan): Promise<WriteResult> {
  using progress = new Progress({
    total: changes.length,
    isTerminal: Deno.stderr.isTerminal(),
    write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
  });
  return await target.write(changes, (done) => progress.show(done));
}

function printResult({ written, removed, conflicts }: WriteResult): number {
  for (const key of conflicts) print(`conflict ${describeKey(key)}: changed by somebody else, left alone`);
  if (conflicts.length === 0) {
    print(`Done: ${written} written, ${removed} removed`);
    return 0;
  }
  print(
    `${written} written, ${removed} removed, ${
      count(conflicts.length, "conflict")
    }. Run the same command again ` +
      "to see what has changed, and to overwrite it",
  );
  return 1;
}

function nameOf({ key }: StoredValue): string {
  return describeKey(key);
}

function describe({ subject, path, message }: Finding): string {
  return escapeUnsafe(`${subject}: ${path === "" ? "" : `${path}: `}${message}`);
}

function describePaths({ paths }: ChangedValue): string {
  const shown = paths.slice(0, SHOWN_PATHS).map((path) => path === "" ? "the whole value" : path).join(", ");
  const more = paths.length - SHOWN_PATHS;
  return escapeUnsafe(more > 0 ? `${shown} and ${count(more, "more path")}` : shown);
}

function usage(problem: string): StartupError {
  return usageError("migrate", problem);
}
