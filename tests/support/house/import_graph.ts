/**
 * The import graph of `src`, read from the text of the files, and the rules it is held to. Reading text
 * needs no permission but to read; that imports stand at the beginning of a line is what `deno fmt` sees to.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import type { SourceFile } from "./source_files.ts";

/**
 * The rooms of the house from the top down: a folder of `src`, or a file. A file belongs to the longest name that
 * it begins with; a star stands for the name of any folder, each of which is a room of its own. A room imports its
 * own files and rooms of lower ranks, never one of its own rank or above.
 */
const RANKS: readonly (readonly string[])[] = [
  ["main.ts"],
  ["cli/"],
  ["gateway/"],
  ["console/", "event_log/"],
  ["http/routes/", "http/server.ts", "migrate/", "connector/"],
  ["http/"],
  ["relay/relay.ts"],
  ["relay/transports/", "relay/pull/"],
  ["relay/"],
  ["relay/protocol/"],
  ["config/metrics.ts", "config/secrets/sources.ts"],
  ["config/etcd/etcd_provider.ts", "config/manager.ts", "config/file/"],
  ["config/etcd/metrics.ts"],
  ["config/etcd/session.ts", "config/etcd/endpoints.ts"],
  ["config/etcd/life_check.ts"],
  ["config/etcd/list/", "config/etcd/restore.ts"],
  ["config/etcd/watch.ts", "config/etcd/mirror/", "config/etcd/options.ts"],
  ["config/etcd/wire/"],
  ["config/etcd/"],
  ["config/"],
  ["config/policy/"],
  ["config/catalog.ts"],
  ["config/connection_catalog.ts", "config/entry.ts"],
  ["config/compile/", "config/secrets/bindings.ts", "config/snapshot/"],
  ["config/provider.ts", "config/compiled_connection.ts", "config/policy/claims.ts"],
  ["config/values/"],
  ["config/problem.ts"],
  ["config/secrets/"],
  ["delivery/acceptor.ts"],
  ["delivery/durable/", "delivery/repeats/", "delivery/direct_delivery.ts"],
  ["delivery/route.ts"],
  ["delivery/outputs/"],
  ["delivery/event_metrics.ts", "delivery/pacer.ts", "delivery/retry_policy.ts", "delivery/stops/"],
  ["journal/sqlite/", "journal/postgres/"],
  ["journal/sqlite/worker/", "journal/postgres/schema/"],
  ["journal/sqlite/protocol.ts", "journal/postgres/connection/"],
  ["journal/commit_pace.ts", "journal/journal_store.ts"],
  ["journal/event_codec.ts", "journal/journal.ts"],
  ["modules/registry.ts"],
  ["modules/*/"],
  [
    "modules/configured_headers.ts",
    "modules/halves.ts",
    "modules/id_suffix.ts",
    "modules/module.ts",
    "modules/name_pattern.ts",
    "modules/verdicts.ts",
  ],
  ["modules/documentation.ts"],
  ["channels/redis/", "channels/deferred.ts"],
  ["channels/channel_queues.ts", "channels/channel_watchers.ts", "records/"],
  ["access/"],
  ["dead_letters/", "auth/", "rules/", "notices/", "filters/"],
  ["policy/"],
  ["secrets/"],
  ["event/"],
  ["settings/"],
  ["io/server/", "io/connection.ts"],
  ["observability/", "health/"],
  ["io/"],
  ["expressions/"],
  ["time/", "json/", "schema/"],
  ["errors.ts", "version.ts", "std.d.ts"],
];

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
  return importer === imported || (rankOf(imported) ?? 0) > (rankOf(importer) ?? 0);
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

/** Uses of the environment outside of `settings/`, where variables are read, and `main.ts`, which passes them on. */
export function findEnvironmentReads(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => !path.startsWith("src/settings/")).flatMap(({ path, text }) => {
    let code = withoutComments(text);
    if (path === "src/main.ts") code = code.replaceAll("Deno.env.toObject()", "");
    const use = /\bDeno\.env\b|\bprocess\.env\b|["']node:process["']/.exec(code)?.[0];
    return use === undefined ? [] : [`${path} reads the environment: ${use}`];
  });
}

/** The files that may say that an event is verified: the authenticator's, and the door for stored events. */
const VERIFIED_EVENT_FILES = ["src/auth/", "src/event/verified_event.ts"];

/** What reads events that were verified before they were stored. */
const RESTORING_FILES = [
  "src/channels/redis/redis_channel_queues.ts",
  "src/connector/processor.ts",
  "src/event/verified_event.ts",
  "src/journal/event_codec.ts",
];

/** What makes events of the gateway's own. */
const OWN_EVENT_FILES = [
  "src/event/verified_event.ts",
  // It asks what would happen, and hands nothing to an output.
  "src/filters/explanation.ts",
  "src/gateway/notices.ts",
];

/** Casts that make an unverified event look verified, anywhere else. */
export function findVerifiedEventCasts(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => !VERIFIED_EVENT_FILES.some((allowed) => path.startsWith(allowed)))
    .flatMap(({ path, text }) =>
      /\bas\s+(?:readonly\s+)?VerifiedEvent\b/.test(withoutComments(text))
        ? [`${path} casts to VerifiedEvent`]
        : []
    );
}

/** Uses of the door for stored events, by files that read none. */
export function findRestoredEvents(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => !RESTORING_FILES.includes(path))
    .flatMap(({ path, text }) =>
      /\brestoreVerifiedEvent\b/.test(withoutComments(text)) ? [`${path} restores a verified event`] : []
    );
}

/** Uses of the door for the gateway's own events, by files that make none. */
export function findOwnEvents(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => !OWN_EVENT_FILES.includes(path))
    .flatMap(({ path, text }) =>
      /\bownEvent\b/.test(withoutComments(text)) ? [`${path} makes an event of the gateway's own`] : []
    );
}

function dynamicImports(code: string): string[] {
  return [...code.matchAll(DYNAMIC_IMPORT)].map((match) => match[1]!.trim());
}

/** What the beginning of a file's name is matched with, longest names first. */
const PATTERNS = RANKS.flatMap((rooms, rank) => rooms.map((name) => ({ name, rank })))
  .toSorted((a, b) => b.name.length - a.name.length)
  .map(({ name, rank }) => {
    const pattern = name.replaceAll(".", "\\.").replace("*", "[^/]+");
    return { rank, room: new RegExp(`^${pattern}${name.endsWith("/") ? "" : "$"}`) };
  });

/** The room of a file; its folder, or its own name, where the order names none. */
function roomOf(path: string): string {
  const name = path.slice("src/".length);
  return PATTERNS.map(({ room }) => room.exec(name)?.[0]).find((room) => room !== undefined) ??
    name.replace(/\/[^/]*$/, "/");
}

/** 0 is the top; `undefined` for a room that the order does not name. */
function rankOf(room: string): number | undefined {
  return PATTERNS.find((pattern) => pattern.room.exec(room)?.[0] === room)?.rank;
}

/** Blanks out comments, as far as they begin a line or follow a space; strings with `//` stay whole. */
function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
}
