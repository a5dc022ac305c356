/**
 * Current ClickHouse engines: PyPI's chdb behind a front that speaks ClickHouse's HTTP interface, since Debian has
 * 18.16 alone. What chdb cannot show: grants, replicas, several queries at once, and the server's own HTTP.
 *
 * @module
 */

import { join } from "@std/path";
import { cacheFolder } from "../cache.ts";
import type { RealSystem } from "../real_system.ts";

const FILES = [
  "tests/integration/clickhouse_batches_test.ts",
  "tests/integration/clickhouse_columns_test.ts",
  "tests/integration/output_contract_test.ts",
  "tests/integration/clickhouse_copies_test.ts",
  "tests/integration/clickhouse_faults_test.ts",
  "tests/integration/clickhouse_retries_test.ts",
  "tests/integration/clickhouse_rows_test.ts",
  "tests/integration/clickhouse_settings_test.ts",
  "tests/real/clickhouse/clickhouse_current_test.ts",
] as const;

/** The engine of ClickHouse 25.8. */
export const clickhouse25: RealSystem = clickhouseOf("25.8", "3.7.2");

/** The engine of ClickHouse 26.9. */
export const clickhouse26: RealSystem = clickhouseOf("26.9", "4.4.0");

function clickhouseOf(engine: string, package_: string): RealSystem {
  return {
    name: `clickhouse-${engine}`,
    files: FILES,
    prepare: async () => {
      const python = join(cacheFolder(`chdb-${package_}`), "bin/python");
      const failure = await versionOf(python) === undefined ? await install(package_) : undefined;
      if (failure !== undefined) return failure;
      return {
        version: await versionOf(python) ?? "unknown",
        env: { CHDB_PYTHON: python, OUTPUT_MODULES: "clickhouse" },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

/** The engine's version, or `undefined` while it is not installed. */
async function versionOf(python: string): Promise<string | undefined> {
  try {
    const args = [
      "-c",
      "import chdb; print(chdb.query('SELECT version()', 'TabSeparated').bytes().decode())",
    ];
    const { success, stdout } = await new Deno.Command(python, { args, stdin: "null", stderr: "null" })
      .output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Returns why it did not work out, if it did not. */
async function install(package_: string): Promise<string | undefined> {
  const folder = cacheFolder(`chdb-${package_}`);
  const steps = [
    ["python3", "-m", "venv", folder],
    [join(folder, "bin/pip"), "install", "--quiet", "--disable-pip-version-check", `chdb==${package_}`],
  ];
  try {
    for (const [program = "", ...args] of steps) {
      const { success } = await new Deno.Command(program, { args, stdin: "null" }).spawn().status;
      if (!success) return `${program} ${args[0]} failed`;
    }
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "Python is not installed";
    throw error;
  }
}
