/**
 * The packages that the gateway runs with: what its source imports, and what that needs. Packages of tests alone are
 * not among them.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../repository.ts";

/** The entry points: the program, and the threads that it starts. */
const ENTRIES = [
  "src/main.ts",
  "src/journal/sqlite/worker/main.ts",
  "src/cli/exit/worker.ts",
  "src/config/file/watch/worker.ts",
  "src/modules/save_to_disk/writer/worker.ts",
];

/** A package in the version that `deno.lock` names. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** As its authors write it in `package.json`; an SPDX expression, or empty. */
  readonly licence: string;
  readonly description: string;
  /** SHA-512 of its archive in hex, as the lock file has it. */
  readonly sha512: string;
  /** What it needs, as `name@version`. */
  readonly dependencies: readonly string[];
}

/** What `deno info --json` says, as far as it is needed here. */
interface ModuleGraph {
  readonly redirects: Readonly<Record<string, string>>;
  readonly modules: readonly {
    readonly specifier: string;
    readonly npmPackage?: string;
    readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
  }[];
  readonly npmPackages: Readonly<
    Record<string, {
      readonly name: string;
      readonly version: string;
      readonly dependencies: readonly string[];
      readonly localPath: string;
    }>
  >;
}

/** The packages by their name and version, sorted. */
export async function runtimePackages(): Promise<readonly Package[]> {
  const needed = new Map<string, string>();
  const found: Package[] = [];
  const lock = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.lock")));
  for (const entry of ENTRIES) {
    const graph = await graphOf(entry);
    for (const id of closureOf(graph, importedBy(graph))) {
      if (needed.has(id)) continue;
      const { name, version, dependencies, localPath } = graph.npmPackages[id]!;
      needed.set(id, `${name}@${version}`);
      const { license, description } = JSON.parse(await Deno.readTextFile(join(localPath, "package.json")));
      found.push({
        name,
        version,
        licence: typeof license === "string" ? license : "",
        description: typeof description === "string" ? description : "",
        sha512: hexOf(lock.npm[id].integrity),
        dependencies: dependencies.map((other) => plainId(graph, other)).sort(),
      });
    }
  }
  const ids = new Set<string>();
  // One version may stand there twice, beside different peers.
  return found
    .filter(({ name, version }) => !ids.has(`${name}@${version}`) && ids.add(`${name}@${version}`))
    .sort((one, other) => one.name < other.name ? -1 : one.name > other.name ? 1 : 0);
}

async function graphOf(entry: string): Promise<ModuleGraph> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: REPOSITORY,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The packages that code of the source imports; declarations of types are no code. */
function importedBy({ modules, redirects }: ModuleGraph): Set<string> {
  const imported = new Set(
    modules.flatMap(({ dependencies = [] }) =>
      dependencies.map(({ code: { specifier = "" } = {} }) => redirects[specifier] ?? specifier)
    ),
  );
  return new Set(
    modules.flatMap(({ specifier, npmPackage }) =>
      npmPackage !== undefined && imported.has(specifier) ? [npmPackage] : []
    ),
  );
}

function closureOf({ npmPackages }: ModuleGraph, roots: Set<string>): Set<string> {
  // A set visits what is added meanwhile, too.
  for (const id of roots) for (const other of npmPackages[id]!.dependencies) roots.add(other);
  return roots;
}

function plainId({ npmPackages }: ModuleGraph, id: string): string {
  const { name, version } = npmPackages[id]!;
  return `${name}@${version}`;
}

function hexOf(integrity: string): string {
  const [, base64 = ""] = /^sha512-(.+)$/.exec(integrity) ?? [];
  return Uint8Array.fromBase64(base64).toHex();
}
