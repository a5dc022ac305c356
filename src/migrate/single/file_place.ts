/**
 * One webhook or connection in a file, or in one of several files that are merged.
 *
 * @module
 */

import { mergeLayers } from "../../config/file/layers.ts";
import type { ConfigPut } from "../../config/provider.ts";
import { CONNECTIONS, isRemarkMember, type MemberKind, WEBHOOKS } from "../../config/values/file_members.ts";
import { readFileContent } from "../../config/values/json_file.ts";
import { parseConfigValue } from "../../config/values/json_value.ts";
import { parseMembers } from "../../config/values/parsed_members.ts";
import type { ConfigKey } from "../../event/names.ts";
import { indentLines, isEmpty, memberText, removeAt, setAt } from "./json_edit.ts";
import { MigrationError } from "../configuration.ts";
import { replaceFile } from "../stores/replace_file.ts";
import { FileVersions, KEPT_VERSIONS } from "./file_versions.ts";
import type { FormerText, KeyHistory, KeyPlace, OtherValue, StoredText, Written } from "./place.ts";

/** How often a file may change under a write before it is given up. */
const ATTEMPTS = 5;

/** Where the files are. */
export interface FilePlaceOptions {
  /** The files of the kind of the key, in the order in which they are merged. */
  readonly paths: readonly string[];
  /** Which of them is read and written. */
  readonly path: string;
  /** The files of connections, in their order. */
  readonly connections: readonly string[];
}

/** A member of a file. Its text is read and written as if it stood alone, without the file's indentation. */
export class FilePlace implements KeyPlace {
  readonly description: string;
  readonly #options: FilePlaceOptions;
  readonly #name: string;
  readonly #kind: MemberKind;

  constructor(key: ConfigKey, options: FilePlaceOptions) {
    this.#options = options;
    this.#name = key.kind === "webhook" ? key.id : key.name;
    this.#kind = key.kind === "webhook" ? WEBHOOKS : CONNECTIONS;
    this.description = `${options.path}: ${this.#name}`;
  }

  async read(): Promise<StoredText | undefined> {
    return this.#find((await readText(this.#options.path))?.text);
  }

  async valueOf(text: string | undefined): Promise<ConfigPut["value"] | undefined> {
    const { paths, path } = this.#options;
    if (paths.length === 1) return text === undefined ? undefined : parseConfigValue(text);
    const files = await Promise.all(paths.map(async (each) => {
      const standing = await readText(each);
      const content = each === path ? this.#changed(standing?.text, text) : standing?.text ?? "{}";
      return { path: each, bytes: new TextEncoder().encode(content) };
    }));
    const merged = await mergeLayers(files, this.#kind);
    return "problems" in merged ? problemOf(merged.problems) : merged.values.get(this.#name);
  }

  async connections(): Promise<readonly OtherValue[]> {
    const files = (await Promise.all(this.#options.connections.map(async (path) => {
      const read = await readText(path);
      return read === undefined ? [] : [{ path, bytes: new TextEncoder().encode(read.text) }];
    }))).flat();
    const merged = await mergeLayers(files, CONNECTIONS);
    if ("problems" in merged) {
      throw new MigrationError("unreadable", problemOf(merged.problems).problem.message);
    }
    return Array.from(merged.values, ([name, value]) => ({ key: { kind: "connection", name }, value }));
  }

  /** Files hold none: `POLICY_FILE` names it. */
  policy(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  refuse(text: string): string | undefined {
    if (!isRemarkMember(this.#name, JSON.parse(text), this.#kind)) return undefined;
    return `In a file a member of this name is a remark, unless it has ${this.#kind.marks.join(" or ")}`;
  }

  async write(text: string | undefined, seen: StoredText | undefined): Promise<Written> {
    const { path } = this.#options;
    try {
      const versions = new FileVersions(await realPath(path));
      using _lock = await versions.lock();
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const standing = await readText(path);
        const found = this.#find(standing?.text);
        if (found?.text !== seen?.text) return { conflict: found };
        const changed = this.#changed(standing?.text, text);
        if (standing !== undefined) await versions.keep(standing.bytes);
        const isCurrent = async () => (await readText(path))?.fingerprint === standing?.fingerprint;
        // Something else in the file may have changed, by an editor that knows no lock.
        if (await replaceFile(path, changed, isCurrent)) return { done: path };
      }
    } catch (cause) {
      if (cause instanceof MigrationError || !(cause instanceof Error)) throw cause;
      const message = `Cannot write ${path}: ${cause.message}: nothing was written`;
      throw new MigrationError("unwritable", message, { cause });
    }
    throw new MigrationError(
      "conflict",
      `Cannot write ${path}: it changes all the time. Nothing was written`,
    );
  }

  async history(): Promise<KeyHistory> {
    const { path } = this.#options;
    const kept = await new FileVersions(await realPath(path)).list();
    const now = (await this.read())?.text;
    const all: FormerText[] = [];
    for (const version of kept) {
      const { mtime } = await Deno.stat(version.path);
      const { text } = this.#find((await readText(version.path))?.text) ?? {};
      all.push({ revision: version.number, text, ...(mtime === null ? {} : { until: mtime.getTime() }) });
    }
    all.push({ revision: (kept.at(-1)?.number ?? 0) + 1, text: now });
    // Most versions were made by changes of something else: of equal ones it is the first that counts.
    const versions: FormerText[] = [];
    for (const version of all) {
      const former = versions.at(-1);
      if (former === undefined || former.text !== version.text) versions.push(version);
      else versions[versions.length - 1] = { ...version, revision: former.revision };
    }
    return { versions, reach: reachOf(path, kept.length) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #find(file: string | undefined): StoredText | undefined {
    const found = file === undefined ? undefined : memberText(file, this.#name);
    if (found === undefined) return undefined;
    return { text: found.text.replaceAll(`\n${found.indent}`, "\n"), revision: "" };
  }

  /** The whole file with another text of the member, or without it. */
  #changed(file: string | undefined, text: string | undefined): string {
    const before = file ?? "{}\n";
    if (text === undefined) return removeAt(before, [this.#name]);
    if (isEmpty(before)) return `{\n  ${JSON.stringify(this.#name)}: ${indentLines(text, "  ")}\n}\n`;
    const member = memberText(before, this.#name);
    // A new one is indented as the one before it.
    return setAt(before, [this.#name], member === undefined ? text : indentLines(text, member.indent));
  }
}

function reachOf(path: string, count: number): string {
  if (count === 0) return `No version of ${path} was kept yet: the first write by cwm keeps one`;
  const kept = `Of ${path} the last ${KEPT_VERSIONS} versions before a write by cwm are kept`;
  return count < KEPT_VERSIONS ? `${kept}; there are ${count}` : `${kept}: what was before is gone`;
}

interface ReadText {
  readonly text: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly fingerprint: string;
}

/**
 * A file that holds members; `undefined` where there is none.
 *
 * @throws {MigrationError} `unreadable`
 */
async function readText(path: string): Promise<ReadText | undefined> {
  const content = await readFileContent(path);
  if ("problem" in content) {
    if (content.problem.code === "file_missing" && !content.exists) return undefined;
    throw new MigrationError("unreadable", `Cannot use ${path}: ${content.problem.message}`);
  }
  const broken = await parseMembers(content.bytes, () => {});
  if (broken !== undefined) {
    throw new MigrationError("unreadable", `Cannot use ${path}: ${broken.problem.message}`);
  }
  return { ...content, text: new TextDecoder().decode(content.bytes) };
}

function problemOf(problems: ReadonlyMap<string, { readonly message: string }>) {
  const message = Array.from(problems, ([path, reason]) => `${path}: ${reason.message}`).join("; ");
  return { problem: { code: "invalid_json" as const, path: "", message } };
}

/** The file that a link leads to, which has its versions beside it. */
async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}
