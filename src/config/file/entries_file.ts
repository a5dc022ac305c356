/**
 * One JSON file that maps names to configuration values. A load computes the file's next state from the
 * state that was reported last; what differs between the two is all that is ever reported.
 *
 * @module
 */

import { quoteJson } from "../../observability/safe_text.ts";
import { Pace } from "../../time/pace.ts";
import { type MemberKind, readMember } from "../values/file_members.ts";
import { readFileContent } from "../values/json_file.ts";
import { parseMembers } from "../values/parsed_members.ts";
import type { ConfigKey } from "../../event/names.ts";
import type { ProblemReason } from "../problem.ts";
import type { ConfigChange, ConfigPut, ConfigSink } from "../provider.ts";

/** Longest name that a problem quotes, in characters. */
const MAX_QUOTED_NAME = 100;

/** What the entries of a file are. */
export interface EntryKind extends MemberKind {
  readonly keyOf: (name: string) => ConfigKey;
  /** Whether it is all right that there is no file, as long as there never was a good one. */
  readonly optional: boolean;
  /** How long reading the file may take, in milliseconds. @default 10000 */
  readonly readTimeoutMs?: number | undefined;
}

/** What is known of a file after a load. */
export interface FileState {
  /** The fingerprint of the content that the rest was made from; empty if there was none. */
  readonly fingerprint: string;
  /** By name, a put's value as JSON text: it is small, can be compared, and nobody else can change it. */
  readonly entries: ReadonlyMap<string, string>;
  /** Names that cannot be names of entries, as problems quote them. */
  readonly badNames: ReadonlySet<string>;
  /** Why the content could not be taken: the entries are those of the last good one. */
  readonly problem: ProblemReason | undefined;
  /** Whether the file, or a link that is to lead to it, has ever been there. */
  readonly seen: boolean;
  /** Where the entries come from. */
  readonly origin: "nothing" | "file" | "embedded_default";
}

const UNREAD: FileState = {
  fingerprint: "",
  entries: new Map(),
  badNames: new Set(),
  problem: undefined,
  seen: false,
  origin: "nothing",
};

/** A problem of a file or of a name in it, set or cleared. */
export interface SourceReport {
  readonly source: string;
  readonly problem: ProblemReason | undefined;
  readonly serving: NonNullable<Parameters<ConfigSink["reportSource"]>[3]>;
}

/** One entry that differs from what was reported. */
export interface EntryChange {
  readonly kind: EntryKind;
  readonly name: string;
  /** `undefined` when the entry is gone. */
  readonly text: string | undefined;
  readonly isBuiltIn: boolean;
}

/** The change as it is applied. Of many, each is made when its turn comes. */
export function toChange({ kind, name, text, isBuiltIn }: EntryChange, revision: string): ConfigChange {
  const key = kind.keyOf(name);
  if (text === undefined) return { key, revision, deleted: true };
  const value = JSON.parse(text) as ConfigPut["value"];
  return isBuiltIn ? { key, value, revision, isBuiltIn } : { key, value, revision };
}

/** A file of entries, and what was reported of it. */
export class EntriesFile {
  readonly path: string;
  readonly #kind: EntryKind;
  #reported = UNREAD;

  constructor(path: string, kind: EntryKind) {
    this.path = path;
    this.#kind = kind;
  }

  get reported(): FileState {
    return this.#reported;
  }

  /** Why the file cannot be done without and was never read, without its path; `undefined` when all is well. */
  get missing(): string | undefined {
    const { origin, problem } = this.#reported;
    if (origin !== "nothing" || problem === undefined) return undefined;
    // What the system says of a file that cannot be read names its path.
    return problem.code === "file_unreadable" ? "The file cannot be read" : problem.message;
  }

  /**
   * Reads the file. Whatever is wrong with it, the entries that were reported last stay.
   *
   * @param signal ends the wait for a file that does not answer
   */
  async read(signal: AbortSignal): Promise<FileState> {
    const reported = this.#reported;
    const content = await readFileContent(this.path, this.#kind.readTimeoutMs, signal);
    if ("problem" in content) {
      const seen = reported.seen || content.exists;
      const fine = content.problem.code === "file_missing" && !content.exists && this.#mayBeMissing(seen);
      return { ...reported, fingerprint: "", problem: fine ? undefined : content.problem, seen };
    }
    const { bytes, fingerprint } = content;
    if (fingerprint === reported.fingerprint) return reported;
    const found = await this.#entriesOf(bytes);
    if ("problem" in found) return { ...reported, fingerprint, problem: found.problem, seen: true };
    return { ...found, fingerprint, problem: undefined, seen: true, origin: "file" };
  }

  /** The changes that lead from the reported state to the next one, which {@linkcode toChange} completes. */
  async changes(next: FileState): Promise<readonly EntryChange[]> {
    const { entries } = this.#reported;
    if (next.entries === entries) return [];
    const pace = new Pace();
    const changes: EntryChange[] = [];
    const isBuiltIn = next.origin === "embedded_default";
    for (const [name, text] of next.entries) {
      await pace.keep();
      if (entries.get(name) !== text) changes.push({ kind: this.#kind, name, text, isBuiltIn });
    }
    for (const name of entries.keys()) {
      await pace.keep();
      if (!next.entries.has(name)) changes.push({ kind: this.#kind, name, text: undefined, isBuiltIn });
    }
    return changes;
  }

  /** The problems of the file itself and of bad names in it that came or went. */
  async sourceReports(next: FileState): Promise<readonly SourceReport[]> {
    const { problem, badNames } = this.#reported;
    const pace = new Pace();
    const reports: SourceReport[] = [];
    if (next.problem?.message !== problem?.message) {
      const serving = next.origin === "nothing" ? "nothing" : "last_good";
      reports.push({ source: this.path, problem: next.problem, serving });
    }
    if (next.badNames === badNames) return reports;
    for (const name of next.badNames) {
      await pace.keep();
      if (!badNames.has(name)) reports.push(this.#badNameReport(name, this.#kind.rule));
    }
    for (const name of badNames) {
      await pace.keep();
      if (!next.badNames.has(name)) reports.push(this.#badNameReport(name, undefined));
    }
    return reports;
  }

  /** Takes note that the changes were applied. */
  commit(next: FileState): void {
    this.#reported = next;
  }

  /** A file that was good once is missed; one that never was may be taken away again. */
  #mayBeMissing(seen: boolean): boolean {
    const { origin } = this.#reported;
    return this.#kind.optional ? origin === "nothing" : origin === "embedded_default" && !seen;
  }

  async #entriesOf(
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Pick<FileState, "entries" | "badNames"> | { readonly problem: ProblemReason }> {
    const entries = new Map<string, string>();
    const badNames = new Set<string>();
    const broken = await parseMembers(bytes, (member) => {
      const value = readMember(member, this.#kind);
      if (value === "bad_name") badNames.add(quote(member.name));
      else if (value !== "remark") entries.set(member.name, JSON.stringify(value));
    });
    return broken ?? { entries, badNames };
  }

  #badNameReport(quotedName: string, rule: string | undefined): SourceReport {
    return {
      source: `${this.path}: ${quotedName}`,
      problem: rule === undefined ? undefined : { code: "foreign_key", path: "", message: rule },
      serving: "nothing",
    };
  }
}

/** What is served while there is no file at all: one webhook `default` that writes what it gets to the log. */
export const EMBEDDED_DEFAULT: FileState = {
  ...UNREAD,
  entries: new Map([["default", JSON.stringify({ json: { module: "log", data_type: "json" } })]]),
  origin: "embedded_default",
};

function quote(name: string): string {
  return quoteJson(name.length > MAX_QUOTED_NAME ? `${name.slice(0, MAX_QUOTED_NAME)}…` : name);
}
