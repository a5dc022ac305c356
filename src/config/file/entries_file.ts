/**
 * One JSON file that maps names to configuration values, or several that are merged. A load computes the next state
 * from the state that was reported last; what differs between the two is all that is ever reported.
 *
 * @module
 */

import { quoteJson } from "../../observability/safe_text.ts";
import { Pace } from "../../time/pace.ts";
import { type MemberKind, readMember } from "../values/file_members.ts";
import { type FileContent, readFileContent } from "../values/json_file.ts";
import { parseMembers } from "../values/parsed_members.ts";
import { Layer } from "./layer.ts";
import { type LayerFile, LayerPlaces, mergeLayers } from "./layers.ts";
import type { ConfigKey } from "../../event/names.ts";
import type { ProblemReason } from "../problem.ts";
import type { ConfigChange, ConfigPut, ConfigSink } from "../provider.ts";
import type { SnapshotKey } from "../snapshot/file.ts";
import { LastGood, StoredValues } from "../snapshot/last_good.ts";

/** Longest name that a problem quotes, in characters. */
const MAX_QUOTED_NAME = 100;

/** What the entries of a file are. */
export interface EntryKind extends MemberKind {
  readonly keyOf: (name: string) => ConfigKey;
  /** Whether it is all right that there is no file, as long as there never was a good one. */
  readonly optional: boolean;
  /** How long reading the file may take, in milliseconds. @default 10000 */
  readonly readTimeoutMs?: number | undefined;
  /** Whether it is remembered where entries stand in a single file, too: that takes the file's size. @default false */
  readonly keepsPlaces?: boolean | undefined;
  /** What is taken instead of reading a file, which is then only a name. @default the file is read */
  readonly given?: Uint8Array<ArrayBuffer> | undefined;
}

/** What is known of a file, or of several that are merged, after a load. */
export interface FileState {
  /** The fingerprints of the contents that the rest was made from; empty if one of them was missing. */
  readonly fingerprint: string;
  /** By name, a put's value as JSON text: it is small, can be compared, and nobody else can change it. */
  readonly entries: ReadonlyMap<string, string>;
  /** Names that cannot be names of entries, as problems name their places. */
  readonly badNames: ReadonlySet<string>;
  /** By path, why its content could not be taken: the entries are those of the last good one. */
  readonly problems: ReadonlyMap<string, ProblemReason>;
  /** Where the entries stand; `undefined` where that is not kept. */
  readonly places: LayerPlaces | undefined;
  /** Whether a file, or a link that is to lead to it, has ever been there. */
  readonly seen: boolean;
  /** Where the entries come from. */
  readonly origin: "nothing" | "file" | "embedded_default";
}

const UNREAD: FileState = {
  fingerprint: "",
  entries: new Map(),
  badNames: new Set(),
  problems: new Map(),
  places: undefined,
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
  readonly file: EntriesFile;
  readonly name: string;
  /** `undefined` when the entry is gone. */
  readonly text: string | undefined;
  readonly isBuiltIn: boolean;
  /** Whether it is an older value, put before the newer one for the case that that is bad. @default false */
  readonly isFormer?: boolean;
}

/** The change as it is applied. Of many, each is made when its turn comes. */
export function toChange(
  { file, name, text, isBuiltIn, isFormer }: EntryChange,
  revision: string,
): ConfigChange {
  const key = file.keyOf(name);
  if (text === undefined) return { key, revision, deleted: true };
  const value = JSON.parse(text) as ConfigPut["value"];
  if (isFormer === true) return { key, value, revision, isFormer };
  return isBuiltIn ? { key, value, revision, isBuiltIn } : { key, value, revision };
}

/** What was found in readable files. */
type Found = Pick<FileState, "entries" | "badNames" | "places"> | Pick<FileState, "problems">;

/** A file that could be read, and one that could not. */
type ReadFile = { readonly path: string } & FileContent;

/** A file of entries, or several that are merged, and what was reported of it. */
export class EntriesFile {
  /** At least one; each is merged into those before it. */
  readonly paths: readonly string[];
  /** The entries that were in service before ones that may be bad. */
  readonly lastGood = new LastGood();
  readonly #kind: EntryKind;
  #reported = UNREAD;
  /** What an earlier process has read last, until the files were read. */
  #stored: { readonly state: FileState; readonly values: StoredValues } | undefined;
  #places: LayerPlaces | undefined;

  constructor(paths: readonly string[], kind: EntryKind) {
    this.paths = paths;
    this.#kind = kind;
  }

  get reported(): FileState {
    return this.#reported;
  }

  keyOf(name: string): ConfigKey {
    return this.#kind.keyOf(name);
  }

  /** Takes what an earlier process has read last: what it had in service stays so while the files are broken. */
  restore(rows: readonly SnapshotKey[]): void {
    const entries = new Map(rows.flatMap(([name, , text]) => text === null ? [] : [[name, text] as const]));
    // Without an entry, a file that is not there may never have been there.
    if (entries.size === 0) return;
    const state: FileState = { ...UNREAD, entries, seen: true, origin: "file" };
    this.#stored = { state, values: new StoredValues(rows) };
  }

  /** Why a file cannot be done without and was never read, without its path; `undefined` when all is well. */
  get missing(): string | undefined {
    const { origin, problems } = this.#reported;
    const [problem] = problems.values();
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
    const reported = this.#known;
    const files = await Promise.all(this.paths.map(async (path): Promise<ReadFile> => ({
      path,
      ...await this.#contentOf(path, signal),
    })));
    if (files.some((file) => "problem" in file)) return await this.#withoutSome(files);
    const fingerprint = files.map((file) => "problem" in file ? "" : file.fingerprint).join(" ");
    if (fingerprint === reported.fingerprint) return reported;
    const found = await this.#entriesOf(readable(files));
    if ("problems" in found) return { ...reported, fingerprint, ...found, seen: true };
    return { ...found, fingerprint, problems: new Map(), seen: true, origin: "file" };
  }

  async #contentOf(path: string, signal: AbortSignal): Promise<FileContent> {
    const { given, readTimeoutMs } = this.#kind;
    if (given !== undefined) return { bytes: given, fingerprint: "given" };
    return await readFileContent(path, readTimeoutMs, signal);
  }

  /** What stays where files cannot be read. */
  get #known(): FileState {
    return this.#stored?.state ?? this.#reported;
  }

  /** The state while some of the files cannot be read. */
  async #withoutSome(files: readonly ReadFile[]): Promise<FileState> {
    const reported = this.#known;
    const seen = reported.seen || files.some((file) => !("problem" in file) || file.exists);
    const unread = files.flatMap((file) => "problem" in file ? [file] : []);
    const areFine = unread.every(({ problem, exists }) =>
      problem.code === "file_missing" && !exists && this.#mayBeMissing(seen)
    );
    const found = areFine ? undefined : await this.#entriesOf(readable(files));
    const problems = new Map([
      ...found !== undefined && "problems" in found ? found.problems : [],
      ...areFine ? [] : unread.map(({ path, problem }) => [path, problem] as const),
    ]);
    return { ...reported, fingerprint: "", problems, seen };
  }

  /**
   * The file and line where something in an entry comes from, where that is kept.
   *
   * @param path within the entry; empty for the entry as a whole
   */
  placeOf(name: string, path: string): string | undefined {
    return this.#places?.find(name, path);
  }

  /** Takes note of where the entries stand that are about to be reported. */
  expect(next: FileState): void {
    this.#places = next.places;
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
      if (entries.get(name) === text) continue;
      const former = this.#stored?.values.before(name, text);
      if (former !== undefined) {
        changes.push({ file: this, name, text: former[1], isBuiltIn: false, isFormer: true });
        this.lastGood.supersede(name, former, "served");
      }
      changes.push({ file: this, name, text, isBuiltIn });
    }
    for (const name of entries.keys()) {
      await pace.keep();
      if (next.entries.has(name)) continue;
      this.lastGood.forget(name);
      changes.push({ file: this, name, text: undefined, isBuiltIn });
    }
    return changes;
  }

  /** The problems of the file itself and of bad names in it that came or went. */
  async sourceReports(next: FileState): Promise<readonly SourceReport[]> {
    const { problems, badNames } = this.#reported;
    const pace = new Pace();
    const reports: SourceReport[] = [];
    for (const path of this.paths) {
      const problem = next.problems.get(path);
      if (problem?.message === problems.get(path)?.message) continue;
      const serving = next.origin === "nothing" ? "nothing" : "last_good";
      reports.push({ source: path, problem, serving });
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
    this.#stored = undefined;
  }

  /** A file that was good once is missed; one that never was may be taken away again. */
  #mayBeMissing(seen: boolean): boolean {
    const { origin } = this.#known;
    return this.#kind.optional ? origin === "nothing" : origin === "embedded_default" && !seen;
  }

  async #entriesOf(files: readonly LayerFile[]): Promise<Found> {
    const [only] = files;
    if (only === undefined) return { problems: new Map() };
    return this.paths.length === 1 ? await this.#entriesOfOne(only) : await this.#entriesOfSeveral(files);
  }

  async #entriesOfOne({ path, bytes }: LayerFile): Promise<Found> {
    const entries = new Map<string, string>();
    const badNames = new Set<string>();
    const layer = this.#kind.keepsPlaces === true ? new Layer(path, bytes, true) : undefined;
    const broken = await parseMembers(bytes, (member) => {
      layer?.add(member.name, member.place);
      const value = readMember(member, this.#kind);
      if (value === "bad_name") {
        badNames.add(placeOfBadName(layer?.placeOfEntry(member.name) ?? path, member.name));
      } else if (value !== "remark") entries.set(member.name, JSON.stringify(value));
    });
    if (broken !== undefined) return { problems: new Map([[path, broken.problem]]) };
    return { entries, badNames, places: layer && new LayerPlaces([layer], new Map()) };
  }

  async #entriesOfSeveral(files: readonly LayerFile[]): Promise<Found> {
    const merged = await mergeLayers(files, this.#kind);
    if ("problems" in merged) return merged;
    const { values, badNames, places } = merged;
    const pace = new Pace();
    const entries = new Map<string, string>();
    for (const [name, value] of values) {
      await pace.keep();
      entries.set(name, JSON.stringify(value));
    }
    return {
      entries,
      badNames: new Set(Array.from(badNames, ([name, place]) => placeOfBadName(place, name))),
      places,
    };
  }

  #badNameReport(place: string, rule: string | undefined): SourceReport {
    return {
      source: place,
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

function readable(files: readonly ReadFile[]): readonly LayerFile[] {
  return files.flatMap((file) => "problem" in file ? [] : [file]);
}

/** @param place the file, or the file and the line */
function placeOfBadName(place: string, name: string): string {
  return `${place}: ${
    quoteJson(name.length > MAX_QUOTED_NAME ? `${name.slice(0, MAX_QUOTED_NAME)}…` : name)
  }`;
}
