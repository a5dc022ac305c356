/**
 * `cwm providers`: the providers whose signatures are known, and what each was compared with.
 *
 * @module
 */

import type { Evidence, Provider } from "../../auth/providers/provider.ts";
import { providers, schemesOf } from "../../auth/providers/providers.ts";
import { readCommandLine } from "../command_line.ts";
import { print } from "../terminal.ts";

const HELP = `Lists the providers that "signature": {"provider": ...} takes, and what each was compared with

Usage: cwm providers [--name NAME]

  --name NAME    Shows this provider alone, with its settings

Evidence:
  sdk ...        Verdicts were compared with the provider's own library in this version
  vectors        Vectors that the provider publishes
  documentation  Its documentation; there is no library to compare with
  source         Another implementation
  recalled       Nothing yet: try it before you rely on it

Options:
  -h, --help     Print this help

Exit status: 0 done; 1 there is no such provider; 2 wrong usage`;

/** Runs the command. Returns the exit status. @param args what follows `providers` on the command line */
export function listProviders(args: readonly string[]): number {
  const line = readCommandLine("providers", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const name = line.options["name"];
  if (typeof name === "string" && !Object.hasOwn(providers, name)) {
    print(`There is no provider '${name}': see cwm providers`);
    return 1;
  }
  const names = typeof name === "string" ? [name] : Object.keys(providers).sort();
  for (const row of tableOf(names)) print(row);
  if (typeof name === "string") printDetails(name);
  return 0;
}

function tableOf(names: readonly string[]): readonly string[] {
  const rows = [["NAME", "SCHEME", "EVIDENCE"], ...names.map((name) => rowOf(name, providers[name]!))];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map(([name = "", scheme = "", evidence = ""]) =>
    `${name.padEnd(widths[0]!)}  ${scheme.padEnd(widths[1]!)}  ${evidence}`
  );
}

function rowOf(name: string, provider: Provider): readonly string[] {
  return [name, schemeNameOf(name, provider), textOf(provider.evidence)];
}

function schemeNameOf(name: string, provider: Provider): string {
  if ("keyed" in provider) return "published key";
  if ("coded" in provider) return "own code";
  const [scheme] = schemesOf(name);
  return scheme === undefined
    ? ""
    : `${scheme.algorithm} ${[scheme.content].flat()[0]!.replaceAll("\n", "\\n")}`;
}

function textOf(evidence: Evidence): string {
  return "sdk" in evidence ? `sdk ${evidence.sdk}` : evidence.by;
}

function printDetails(name: string): void {
  const { title, secret = "secret", settings = [], note } = providers[name]!;
  const names = [...secret === "none" ? [] : [secret], ...settings];
  print("");
  print(`${title}: "signature": {"provider": "${name}"${names.map((each) => `, "${each}": ...`).join("")}}`);
  if (note !== undefined) print(note);
}
