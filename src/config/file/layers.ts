/**
 * Several files that become one: each is a JSON Merge Patch (RFC 7396) on those before it. An entry that only a later
 * one has is new, and `null` takes one away.
 *
 * @module
 */

import { mergePatch } from "../../json/merge_patch.ts";
import { Pace } from "../../time/pace.ts";
import type { ProblemReason } from "../problem.ts";
import { isRemarkMember, type MemberKind } from "../values/file_members.ts";
import {
  checkConfigValue,
  duplicateKey,
  MAX_VALUE_BYTES,
  type ParsedValue,
  tooLarge,
} from "../values/json_value.ts";
import { type ParsedMember, parseMembers } from "../values/parsed_members.ts";
import { Layer } from "./layer.ts";

/** A file that could be read. */
export interface LayerFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The entries of all files together. */
export interface MergedEntries {
  /** By name, in the order in which they first came. */
  readonly values: ReadonlyMap<string, ParsedValue>;
  /** Names that cannot be names of entries, by where they stand. */
  readonly badNames: ReadonlyMap<string, string>;
  readonly places: LayerPlaces;
}

/** A member as the files so far have it. */
interface Merged {
  readonly value: unknown;
  /** What is wrong with it in one of them, which keeps it from being merged. */
  readonly problem: ProblemReason | undefined;
  /** The last file that says something about it. */
  readonly layer: Layer;
}

/**
 * Merges files in their order.
 *
 * @returns the problems of files that are no JSON objects, by their paths, if there are any
 */
export async function mergeLayers(
  files: readonly LayerFile[],
  kind: MemberKind,
): Promise<MergedEntries | { readonly problems: ReadonlyMap<string, ProblemReason> }> {
  const merged = new Map<string, Merged>();
  const problems = new Map<string, ProblemReason>();
  const layers: Layer[] = [];
  for (const { path, bytes } of files) {
    const layer = new Layer(path, bytes, layers.length === 0);
    layers.push(layer);
    const broken = await parseMembers(bytes, (member) => {
      layer.add(member.name, member.place);
      mergeMember(merged, member, layer, kind);
    });
    if (broken !== undefined) problems.set(path, broken.problem);
  }
  if (problems.size > 0) return { problems };
  return await entriesOf(merged, layers, kind);
}

function mergeMember(
  merged: Map<string, Merged>,
  member: ParsedMember,
  layer: Layer,
  kind: MemberKind,
): void {
  const { name, value } = member;
  const former = merged.get(name);
  const problem = problemOf(member, kind);
  if (problem !== undefined) merged.set(name, { value: undefined, problem, layer });
  // The first file is no patch: it says `null` where it means it.
  else if (layer.isFirst) merged.set(name, { value, problem: undefined, layer });
  else if (value === null) merged.delete(name);
  // What is wrong in a file before is ambiguous, so nothing can be merged with it.
  else if (former?.problem === undefined) {
    merged.set(name, { value: mergePatch(former?.value, value), problem: undefined, layer });
  }
}

/** What keeps a member from being merged. What else is wrong with it is looked at when it is merged. */
function problemOf(member: ParsedMember, kind: MemberKind): ProblemReason | undefined {
  const { name, text, value, isRepeated, unparsedBytes } = member;
  if (!kind.isName(name)) return undefined;
  if (isRepeated) return duplicateKey([]);
  if (unparsedBytes !== undefined) return tooLarge(unparsedBytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const checked = checkConfigValue(text, value);
  return "problem" in checked ? checked.problem : undefined;
}

async function entriesOf(
  merged: ReadonlyMap<string, Merged>,
  layers: readonly Layer[],
  kind: MemberKind,
): Promise<MergedEntries> {
  const values = new Map<string, ParsedValue>();
  const badNames = new Map<string, string>();
  const faulty = new Map<string, Layer>();
  const pace = new Pace();
  for (const [name, { value, problem, layer }] of merged) {
    await pace.keep();
    if (problem !== undefined) {
      values.set(name, { problem });
      faulty.set(name, layer);
    } else if (isRemarkMember(name, value, kind)) continue;
    else if (kind.isName(name)) values.set(name, checkMerged(value));
    else badNames.set(name, layer.placeOfEntry(name) ?? layer.path);
  }
  return { values, badNames, places: new LayerPlaces(layers, faulty) };
}

function checkMerged(value: unknown): ParsedValue {
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE_BYTES ? { problem: tooLarge(text.length) } : checkConfigValue(text, value);
}

/** Which file says what. */
export class LayerPlaces {
  readonly #layers: readonly Layer[];
  /** The files whose own text of an entry is wrong. */
  readonly #faulty: ReadonlyMap<string, Layer>;

  constructor(layers: readonly Layer[], faulty: ReadonlyMap<string, Layer>) {
    this.#layers = layers;
    this.#faulty = faulty;
  }

  /**
   * The file and line where something in an entry comes from: the last file that says it. Of what no file says, it is
   * the last one that says something of what it would be in.
   *
   * @param path within the entry; empty for the entry as a whole
   */
  find(name: string, path: string): string | undefined {
    const faulty = this.#faulty.get(name);
    if (faulty !== undefined) return faulty.follow(name, path)?.place;
    let found: { readonly place: string; readonly rest: string } | undefined;
    for (const layer of this.#layers.toReversed()) {
      const followed = layer.follow(name, path);
      if (followed === undefined) continue;
      if (found === undefined || followed.rest.length < found.rest.length) found = followed;
      // It takes the place of all that files before it say.
      if (followed.rest === "" || !followed.isInObject) break;
    }
    return found?.place;
  }
}
