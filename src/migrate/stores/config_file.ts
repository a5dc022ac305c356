/**
 * One configuration file as it is read and rewritten by a migration.
 *
 * @module
 */

import { isRemarkMember, type MemberKind, readMember } from "../../config/values/file_members.ts";
import { type FileContent, readFileContent } from "../../config/values/json_file.ts";
import { type ParsedMember, parseMembers } from "../../config/values/parsed_members.ts";
import type { ConfigKey } from "../../event/names.ts";
import { quoteJson } from "../../observability/safe_text.ts";
import { replaceFile } from "./replace_file.ts";
import { type Finding, MigrationError, type StoredValue, type StoreRole } from "../configuration.ts";
import { formatMembers, type JsonMember, splitMembers } from "../../json/members.ts";

/** What the members of a file are. */
export interface FileKind extends MemberKind {
  readonly keyOf: (name: string) => ConfigKey;
  /** Whether a source may do without the file. */
  readonly optional: boolean;
}

/** What a file holds. */
export interface FileValues {
  readonly values: readonly StoredValue[];
  readonly foreign: readonly Finding[];
  /** The keys that remarks would have if they were entries, as far as those may have their names. */
  readonly remarks: readonly ConfigKey[];
}

/** One of the two configuration files. */
export class ConfigFile {
  readonly path: string;
  readonly kind: FileKind;
  #members: readonly JsonMember[] = [];
  /** What {@linkcode read} found; `undefined` when there was no file. */
  #fingerprint: string | undefined;

  constructor(path: string, kind: FileKind) {
    this.path = path;
    this.kind = kind;
  }

  /** @throws {MigrationError} `unreadable` when it cannot be read or does not parse */
  async read(role: StoreRole): Promise<FileValues> {
    const content = await this.#readContent();
    if (content === undefined) {
      if (role === "source" && !this.kind.optional) this.#fail("The file does not exist");
      this.#fingerprint = undefined;
      this.#members = [];
      return { values: [], foreign: [], remarks: [] };
    }
    const parsed = new Map<string, ParsedMember>();
    const broken = await parseMembers(content.bytes, (member) => parsed.set(member.name, member));
    if (broken !== undefined) return this.#fail(broken.problem.message);
    this.#fingerprint = content.fingerprint;
    this.#members = splitMembers(new TextDecoder().decode(content.bytes));
    return this.#valuesOf(parsed, role);
  }

  /**
   * Puts members in place of those of the same name, or behind all others, and takes out those without a
   * text. Whatever else stands in the file, remarks among it, stays.
   *
   * @param texts by name
   * @returns whether nobody else has changed the file since it was read; if somebody has, it is left alone
   * @throws {MigrationError} `unwritable`
   */
  async write(texts: ReadonlyMap<string, string | undefined>): Promise<boolean> {
    const text = formatMembers(mergeMembers(this.#members, texts));
    try {
      return await replaceFile(this.path, text, async () => {
        const content = await this.#readContent();
        return content?.fingerprint === this.#fingerprint;
      });
    } catch (cause) {
      if (cause instanceof MigrationError || !(cause instanceof Error)) throw cause;
      throw new MigrationError("unwritable", `Cannot write ${this.path}: ${cause.message}`, { cause });
    }
  }

  /** Why an entry would be none any more if it stood in the file. */
  refuse(name: string, value: unknown): string | undefined {
    if (!isRemarkMember(name, value, this.kind)) return undefined;
    return `In ${this.path} a member of this name is a remark, unless it has ${this.kind.marks.join(" or ")}`;
  }

  /** @param parsed by name: of members that have the same one, the last */
  #valuesOf(parsed: ReadonlyMap<string, ParsedMember>, role: StoreRole): FileValues {
    const values: StoredValue[] = [];
    const foreign: Finding[] = [];
    const remarks: ConfigKey[] = [];
    for (const { name, text } of this.#members) {
      const member = parsed.get(name)!;
      const value = readMember(member, this.kind);
      if (value === "remark") {
        if (this.kind.isName(name)) remarks.push(this.kind.keyOf(name));
      } else if (value === "bad_name") {
        foreign.push({ subject: `${this.path}: ${quoteJson(name)}`, path: "", message: this.kind.rule });
      } else {
        // A merge would have to drop one of the two, which may be the stricter one.
        if (role === "target" && member.isRepeated) {
          this.#fail(`Key ${quoteJson(name)} stands more than once: keep one of them`);
        }
        values.push({ key: this.kind.keyOf(name), value, text });
      }
    }
    return { values, foreign, remarks };
  }

  async #readContent(): Promise<Exclude<FileContent, { readonly problem: unknown }> | undefined> {
    const content = await readFileContent(this.path);
    if (!("problem" in content)) return content;
    return content.problem.code === "file_missing" ? undefined : this.#fail(content.problem.message);
  }

  #fail(reason: string): never {
    throw new MigrationError("unreadable", `Cannot use ${this.path}: ${reason}`);
  }
}

/** The members with some replaced, removed (no text) or appended. */
export function mergeMembers(
  members: readonly JsonMember[],
  texts: ReadonlyMap<string, string | undefined>,
): JsonMember[] {
  const appended = new Map(texts);
  const merged: JsonMember[] = [];
  for (const member of members) {
    appended.delete(member.name);
    const text = texts.has(member.name) ? texts.get(member.name) : member.text;
    if (text !== undefined) merged.push({ name: member.name, text });
  }
  for (const [name, text] of appended) {
    if (text !== undefined) merged.push({ name, text });
  }
  return merged;
}
