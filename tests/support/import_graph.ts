/**
 * The import graph of `src`, read from the text of the files, and the rules it is held to. Reading text
 * needs no permission but to read; that imports stand at the beginning of a line is what `deno fmt` sees to.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import type { SourceFile } from "./source_files.ts";

/**
 * The rooms of the house from the top down: a folder of `src`, or a file directly in it. A room imports
 * from rooms on lower ranks, never from one on its own rank or above.
 */
const RANKS: readonly (readonly string[])[] = [
  ["main.ts"],
  ["cli/"],
  ["gateway.ts", "migrate/"],
  ["http/", "connector/"],
  ["relay/"],
  ["config/"],
  ["delivery/"],
  ["modules/"],
  ["auth/"],
  ["secrets/"],
];

/**
 * The rank below all others: what every room may use. `observability/` and every file directly in `src`
 * that has no rank of its own stand here; they import each other and no other room.
 */
const FOUNDATION = RANKS.length;

/** The only file outside of `src` that may be imported: it knows the version. */
const PROJECT_FILE = "deno.json";

/** One import, export from, `import()` or worker URL. */
export interface ImportEdge {
  readonly from: string;
  /** As written. */
  readonly specifier: string;
  /** The file that a relative specifier names, relative to the repository. */
  readonly to: string | undefined;
}

const STATIC_IMPORT = /^(?:import|export)\b(?:[^;"'`]*?\bfrom)?\s*["']([^"']+)["']/gm;
const DYNAMIC_IMPORT = /\bimport\s*\(\s*([^)]*)\)/g;
const FILE_URL = /\bnew\s+URL\(\s*["']([^"']+\.ts)["']\s*,\s*import\.meta\.url/g;
const ONE_STRING = /^["']([^"']+)["']\s*(?:,|$)/;

/** Every edge that leaves a file. Imports of types count: they tie the rooms together just as much. */
export function importsOf({ path, text }: SourceFile): ImportEdge[] {
  const code = withoutComments(text);
  const specifiers = [
    ...[...code.matchAll(STATIC_IMPORT)].map((match) => match[1]!),
    ...dynamicImports(code).flatMap((argument) => ONE_STRING.exec(argument)?.[1] ?? []),
    ...[...code.matchAll(FILE_URL)].map((match) => match[1]!),
  ];
  return specifiers.map((specifier) => ({
    from: path,
    specifier,
    to: specifier.startsWith(".") ? join(dirname(path), specifier).replaceAll("\\", "/") : undefined,
  }));
}

/** Imports that go up, sideways or out of the house, and folders that have no place in the order. */
export function findOrderViolations(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path));
  const strangers = new Set([...paths].map(roomOf).filter((room) => rankOf(room) === undefined));
  const violations = [...strangers].map((room) => `src/${room} has no place in the order of rooms`);
  for (const { from, to, specifier } of files.flatMap(importsOf)) {
    if (to === undefined || to === PROJECT_FILE) continue;
    if (!paths.has(to)) violations.push(`${from} imports ${specifier}, which is not a file of src`);
    else if (!mayImport(roomOf(from), roomOf(to))) {
      violations.push(`${from} imports ${to}: ${roomOf(from)} may not import ${roomOf(to)}`);
    }
  }
  return violations;
}

function mayImport(importer: string, imported: string): boolean {
  const from = rankOf(importer) ?? FOUNDATION;
  const to = rankOf(imported) ?? FOUNDATION;
  return importer === imported || to > from || (from === FOUNDATION && to === FOUNDATION);
}

/** Chains of imports that come back to where they began; each cycle is named once. */
export function findImportCycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(
    files.map((file) => [file.path, importsOf(file).flatMap(({ to }) => to === undefined ? [] : [to])]),
  );
  const cycles: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start !== -1) cycles.push([...trail.slice(start), path].join(" -> "));
    if (start !== -1 || done.has(path)) return;
    trail.push(path);
    for (const next of edges.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };
  for (const path of edges.keys()) visit(path);
  return cycles;
}

/** Specifiers that only `deno.json` may contain: with a registry, a host or a version in them. */
export function findForeignSpecifiers(files: readonly SourceFile[]): string[] {
  return files.flatMap(importsOf)
    .filter(({ specifier }) => /^[a-z]+:/.test(specifier) && !specifier.startsWith("node:"))
    .map(({ from, specifier }) => `${from} imports ${specifier}: give it a name in deno.json`);
}

/** `import()` of anything but a plain string: `deno compile` cannot embed what it cannot read. */
export function findComputedImports(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    dynamicImports(withoutComments(text))
      .filter((argument) => !ONE_STRING.test(argument))
      .map((argument) => `${path} imports a computed path: import(${argument})`)
  );
}

/** Uses of the environment outside `settings.ts`, where variables are read, and `main.ts`, which passes them on. */
export function findEnvironmentReads(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => path !== "src/settings.ts").flatMap(({ path, text }) => {
    let code = withoutComments(text);
    if (path === "src/main.ts") code = code.replaceAll("Deno.env.toObject()", "");
    const use = /\bDeno\.env\b|\bprocess\.env\b|["']node:process["']/.exec(code)?.[0];
    return use === undefined ? [] : [`${path} reads the environment: ${use}`];
  });
}

/** Casts that make an unverified event look verified. Only `auth` knows when that is true. */
export function findVerifiedEventCasts(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => !path.startsWith("src/auth/")).flatMap(({ path, text }) =>
    /\bas\s+(?:readonly\s+)?VerifiedEvent\b/.test(withoutComments(text))
      ? [`${path} casts to VerifiedEvent`]
      : []
  );
}

function dynamicImports(code: string): string[] {
  return [...code.matchAll(DYNAMIC_IMPORT)].map((match) => match[1]!.trim());
}

/** `src/http/router.ts` is in the room `http/`, `src/main.ts` is the room `main.ts`. */
function roomOf(path: string): string {
  const [first = "", ...rest] = path.split("/").slice(1);
  return rest.length > 0 ? `${first}/` : first;
}

/** 0 is the top; `undefined` for a folder that the order does not name. */
function rankOf(room: string): number | undefined {
  const rank = RANKS.findIndex((rooms) => rooms.includes(room));
  if (rank !== -1) return rank;
  return room === "observability/" || room.endsWith(".ts") ? FOUNDATION : undefined;
}

/** Blanks out comments, as far as they begin a line or follow a space; strings with `//` stay whole. */
function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
}
