/**
 * Runs `cwm check` over a configuration and sorts what it says.
 *
 * @module
 */

import { check } from "../../../src/cli/check.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { TempDir } from "../temp_dir.ts";
import type { PythonConfiguration, Values, Verdict } from "./python_configurations.ts";

/** What `cwm check` prints, and its exit status. */
export interface CheckReport {
  readonly lines: readonly string[];
  readonly status: number;
}

/** Checks a configuration as files. @param variables further settings of the process */
export async function checkFiles(
  { webhooks, connections, environment }: Pick<
    PythonConfiguration,
    "webhooks" | "connections" | "environment"
  >,
  variables: Readonly<Record<string, string>> = {},
): Promise<CheckReport> {
  await using directory = await TempDir.create();
  const files = {
    webhooks: directory.file("webhooks.json"),
    connections: directory.file("connections.json"),
  };
  await Deno.writeTextFile(files.webhooks, JSON.stringify(webhooks));
  await Deno.writeTextFile(files.connections, JSON.stringify(connections));
  const settings = loadSettings({
    WEBHOOKS_CONFIG_FILE: files.webhooks,
    CONNECTIONS_CONFIG_FILE: files.connections,
    DATA_DIR: directory.file("data"),
    ...variables,
  }, { logIsTerminal: false });
  const lines: string[] = [];
  const status = await check(settings, environment, { probe: false, print: (line) => lines.push(line) });
  return { lines, status };
}

/** `webhooks.json:1: webhook default/orders: hmac.secret: Must not be empty (schema)` */
const FINDING = /^(warning: )?(?:\S+:\d+: )?webhook default\/([\w-]+): (\S+): (.*) \((\w+)\)$/;

/** Puts what is said about webhooks into groups. */
export function verdictOf({ lines }: CheckReport, webhooks: Values): Verdict {
  const findings = lines.flatMap((line) => {
    const [, warning, id = "", path = ""] = FINDING.exec(line) ?? [];
    return id === "" ? [] : [{ isWarning: warning !== undefined, id, path }];
  });
  const problems = findings.filter(({ isWarning }) => !isWarning);
  const inVault = problems.filter(({ id, path }) =>
    JSON.stringify(at(webhooks[id], path)).includes("{$vault:")
  );
  const refused = problems.filter((problem) => !inVault.includes(problem));
  return {
    taken: Object.keys(webhooks).length - new Set(problems.map(({ id }) => id)).size,
    warnings: pathsById(findings.filter(({ isWarning }) => isWarning)),
    in_vault: new Set(inVault.map(({ id }) => id)).size,
    refused: pathsById(refused),
  };
}

function at(value: unknown, path: string): unknown {
  return path.split(".").reduce((inner, key) => (inner as Values | null | undefined)?.[key], value) ?? null;
}

function pathsById(
  findings: readonly { readonly id: string; readonly path: string }[],
): Record<string, string[]> {
  const paths: Record<string, string[]> = {};
  for (const { id, path } of findings) (paths[id] ??= []).push(path);
  return paths;
}
