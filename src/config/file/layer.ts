/**
 * One of several files that are merged: its bytes, and where what stands.
 *
 * @module
 */

import type { MemberPlace } from "../../json/members/scanner.ts";
import { followPath, type PathEnd } from "../../json/dotted_path.ts";

const NEWLINE = 0x0a;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** How far a path leads into an entry as one file has it. */
export interface LayerPlace extends Pick<PathEnd, "rest" | "isInObject"> {
  /** `overlay.json:12` */
  readonly place: string;
}

/** A file as it was read. */
export class Layer {
  readonly path: string;
  /** Whether others are merged into it, and it into none. */
  readonly isFirst: boolean;
  readonly #bytes: Uint8Array;
  /** The last one of each name. */
  readonly #members = new Map<string, MemberPlace>();
  /** Where lines end; looked for when the first place is asked for. */
  #lineEnds: readonly number[] | undefined;

  constructor(path: string, bytes: Uint8Array, isFirst: boolean) {
    this.path = path;
    this.isFirst = isFirst;
    this.#bytes = bytes;
  }

  add(name: string, place: MemberPlace): void {
    this.#members.set(name, place);
  }

  /** Where an entry begins in the file: `overlay.json:12`. */
  placeOfEntry(name: string): string | undefined {
    const member = this.#members.get(name);
    return member === undefined ? undefined : this.#describe(member.nameStart);
  }

  /**
   * Where something in an entry stands in the file, or as much of the way to it as there is.
   *
   * @param path within the entry
   * @returns `undefined` where the file does not have the entry
   */
  follow(name: string, path: string): LayerPlace | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    const text = decoder.decode(this.#bytes.subarray(member.valueStart, member.valueEnd));
    const { at, rest, isInObject } = followPath(text, path);
    const isEntry = rest === path;
    const bytesBefore = isEntry ? 0 : encoder.encode(text.slice(0, at)).length;
    const place = this.#describe(isEntry ? member.nameStart : member.valueStart + bytesBefore);
    return { place, rest, isInObject };
  }

  #describe(at: number): string {
    this.#lineEnds ??= lineEndsOf(this.#bytes);
    return `${this.path}:${countBelow(this.#lineEnds, at) + 1}`;
  }
}

function lineEndsOf(bytes: Uint8Array): readonly number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) ends.push(at);
  return ends;
}

/** How many of the numbers, which grow, are less than this one. */
function countBelow(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
