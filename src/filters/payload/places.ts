/**
 * JSON Pointers (RFC 6901) in which `*` stands for every element or member, compiled together: a document is gone
 * through once, however many there are.
 *
 * @module
 */

import { JsonPointer } from "../../json/pointer.ts";

/** What stands for every element or member. A member that is called so is one of them, and cannot be meant alone. */
const EVERY = "*";

/** Most pointers of one list. */
export const MAX_POINTERS = 100;

/** Most names and numbers of one pointer. */
const MAX_KEYS = 64;

/** Most places that pointers of one list lead to: with a `*` in many of them, there may be any number of mixtures. */
const MAX_PLACES = 5_000;

/** A place in documents that pointers lead through, or to. */
export interface Place {
  /** Whether a pointer ends here: what stands below is part of it. */
  readonly isEnd: boolean;
  /** The place below of a member or element that is not named; `undefined` where no pointer leads on to it. */
  readonly every: Place | undefined;
  /** The places of members and elements that pointers name, with what `*` says of them as well. */
  readonly named: ReadonlyMap<string, Place>;
  /** Longest of the names, in characters. */
  readonly longestName: number;
  /** The {@linkcode lengthBit}s of all names. */
  readonly lengths: number;
  /** Whether one of the names may be that of an element. */
  readonly namesElements: boolean;
}

const NO_PLACES: ReadonlyMap<string, Place> = new Map();

const END: Place = {
  isEnd: true,
  every: undefined,
  named: NO_PLACES,
  longestName: 0,
  lengths: 0,
  namesElements: false,
};

/** An index of an array as RFC 6901 (section 4) has it. */
const ARRAY_INDEX = /^(?:0|[1-9]\d*)$/;

/** A bit of 32 that stands for a length; lengths may share one. */
export function lengthBit(length: number): number {
  return 1 << (length & 31);
}

/** Why a text is no pointer that can stand in a list of them; `undefined` where it can. */
export function refusePointer(text: string): string | undefined {
  const pointer = JsonPointer.parse(text);
  if (pointer === undefined) return "Not a JSON Pointer, such as /customer/email or /items/*/price";
  if (pointer.keys.length === 0) return "Must not be empty: it would be the whole document";
  return pointer.keys.length > MAX_KEYS ? `Must not lead through more than ${MAX_KEYS} places` : undefined;
}

/** Why valid pointers cannot be used together; `undefined` where they can. */
export function refusePointers(texts: readonly string[]): string | undefined {
  return placesOf(texts) === undefined ? "The pointers mix '*' and names in too many ways" : undefined;
}

/**
 * The root of the places that pointers lead to.
 *
 * @param texts pointers that {@linkcode refusePointer} has not refused
 * @returns `undefined` where there would be too many places
 */
export function placesOf(texts: readonly string[]): Place | undefined {
  return new Compilation().placeAt(texts.map((text) => JsonPointer.parse(text)!.keys));
}

class Compilation {
  #count = 0;

  /** @param rests what is left of each pointer that leads here */
  placeAt(rests: readonly (readonly string[])[]): Place | undefined {
    if (rests.some(({ length }) => length === 0)) return END;
    if (++this.#count > MAX_PLACES) return undefined;
    const names = new Set(rests.map(([first]) => first!).filter((first) => first !== EVERY));
    const ofEvery = rests.filter(([first]) => first === EVERY);
    const every = ofEvery.length === 0 ? undefined : this.placeAt(ofEvery.map(withoutFirst));
    if (ofEvery.length > 0 && every === undefined) return undefined;
    const named = new Map<string, Place>();
    for (const name of names) {
      const place = this.placeAt(
        rests.filter(([first]) => first === name || first === EVERY).map(withoutFirst),
      );
      if (place === undefined) return undefined;
      named.set(name, place);
    }
    return {
      isEnd: false,
      every,
      named: named.size === 0 ? NO_PLACES : named,
      lengths: [...names].reduce((bits, name) => bits | lengthBit(name.length), 0),
      longestName: Math.max(0, ...[...names].map(({ length }) => length)),
      namesElements: [...names].some((name) => ARRAY_INDEX.test(name)),
    };
  }
}

function withoutFirst(keys: readonly string[]): readonly string[] {
  return keys.slice(1);
}
