/**
 * Cuts values out of a JSON text. What is left stands there as it was sent, character for character: digits, the order
 * of keys, escapes, and what stands between them. No value is made of the text.
 *
 * It takes one pass without recursion, which may be interrupted after any number of characters.
 *
 * @module
 */

import { codeAt, endOfStringWithin, indexIn, sliceOf } from "../../json/strings.ts";
import { lengthBit, type Place } from "./places.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** JSON that stands in the place of a masked value: the text that `credential_cleanup` uses, too. */
const MASK = '"***REDACTED***"';

/** What is left of a document that is no object and no list, where only what stands in one is kept. */
const NOTHING = "null";

/** After how many characters a cut may be interrupted. */
const PIECE = 64 * 1024;

/** The most characters that a JSON string takes for one of its text, as in `\u0061`. */
const MAX_ESCAPE = 6;

/** What happens to a value. */
const KEPT = 0;
const CUT = 1;
const MASKED = 2;

/** What stands next. */
const ITEM = 0;
const REST_OF_NAME = 1;
const VALUE = 2;
const REST_OF_STRING = 3;
const REST_OF_CONTAINER = 4;
const REST_OF_WORD = 5;

/** What to cut: what pointers lead to, or all else; or the values that they lead to are masked. */
export type Cut = "drop" | "keep" | "mask";

/** For each cut, what happens to what a pointer leads to, and to what stands beside it. */
const FATES: Readonly<Record<Cut, readonly [at: number, beside: number]>> = {
  drop: [CUT, KEPT],
  keep: [KEPT, CUT],
  mask: [MASKED, KEPT],
};

/** An open object or list that a pointer leads through. */
class Container {
  /** The index of its next element; -1 in an object. */
  index: number;
  /** Where its last member or element ends that was kept; -1 while there is none. */
  keptEnd = -1;

  constructor(readonly place: Place, isList: boolean) {
    this.index = isList ? 0 : -1;
  }
}

/**
 * Cuts a document. A member that stands more than once in its object is cut as often; names are compared as what they
 * stand for, however they are escaped. What pointers lead to and is not there is no error.
 *
 * @param json valid JSON
 * @param places {@linkcode placesOf} the pointers
 * @returns the same text where there was nothing to cut. It may be interrupted wherever it yields
 */
export function* cutJson(json: string, places: Place, cut: Cut): Generator<void, string, void> {
  const cutter = new Cutter(json, places, cut);
  while (!cutter.advance(PIECE)) yield;
  return cutter.text;
}

/** As {@linkcode cutJson}, in one go. */
export function cutSmallJson(json: string, places: Place, cut: Cut): string {
  const cutter = new Cutter(json, places, cut);
  cutter.advance(json.length);
  return cutter.text;
}

class Cutter {
  readonly #json: string;
  readonly #at: number;
  readonly #beside: number;
  readonly #open: Container[] = [];
  #container: Container | undefined;
  /** What is left, but for what follows the last piece of it. */
  readonly #pieces: string[] = [];
  #copied = 0;
  #index = 0;
  #next = VALUE;
  /** Whether what stands before the next member or element goes as well, since none before it was kept. */
  #cutsToNext = false;
  /** Of the member or element that is read: where it begins, its value, the place and what happens to it. */
  #item = 0;
  #value = 0;
  #place: Place | undefined;
  #fate = KEPT;
  /** How deep it is in a container that is passed as a whole, and whether within a string of it. */
  #depth = 0;
  #isInString = false;
  #isDone = false;
  /** A backslash, before which there is none from the last name on that was looked at. */
  #backslash = -1;

  constructor(json: string, places: Place, cut: Cut) {
    this.#json = json;
    this.#place = places;
    [this.#at, this.#beside] = FATES[cut];
  }

  get text(): string {
    return this.#copied === 0 && this.#pieces.length === 0
      ? this.#json
      : this.#pieces.join("") + sliceOf(this.#json, this.#copied);
  }

  /** Goes on for about so many characters. @returns whether the end has been reached */
  advance(count: number): boolean {
    const until = Math.min(this.#json.length, this.#index + count);
    while (this.#index < until && !this.#isDone) this.#step(until);
    return this.#isDone || this.#index >= this.#json.length;
  }

  #step(until: number): void {
    switch (this.#next) {
      case ITEM:
        return this.#betweenItems(until);
      case REST_OF_NAME:
        return this.#restOfName(until);
      case VALUE:
        return this.#beforeValue(until);
      case REST_OF_STRING:
        return this.#restOfString(until);
      case REST_OF_CONTAINER:
        return this.#restOfContainer(until);
      default:
        return this.#restOfWord(until);
    }
  }

  #betweenItems(until: number): void {
    const json = this.#json;
    let at = this.#index;
    let code = codeAt(json, at);
    while (code <= SPACE || code === COMMA) {
      if (++at >= until) break;
      code = codeAt(json, at);
    }
    this.#index = at;
    if (at >= until) return;
    if (code === CLOSE_BRACE || code === CLOSE_BRACKET) return this.#leave(at + 1);
    if (this.#cutsToNext) {
      this.#copied = at;
      this.#cutsToNext = false;
    }
    this.#item = at;
    const container = this.#container!;
    if (container.index === -1) {
      this.#index = at + 1;
      this.#next = REST_OF_NAME;
      return this.#restOfName(until);
    }
    const { every, named, namesElements } = container.place;
    const index = container.index++;
    this.#place = namesElements ? named.get(String(index)) ?? every : every;
    this.#next = VALUE;
    this.#beforeValue(until);
  }

  #restOfName(until: number): void {
    const end = endOfStringWithin(this.#json, this.#index, until);
    this.#index = end < 0 ? ~end : end;
    if (end < 0) return;
    this.#place = this.#placeOf(this.#container!.place, this.#item + 1, end - 1);
    this.#next = VALUE;
    this.#beforeValue(until);
  }

  /** @param start of the name, without the quotes, to `end` */
  #placeOf({ every, named, longestName, lengths }: Place, start: number, end: number): Place | undefined {
    const length = end - start;
    if (named.size === 0 || length > longestName * MAX_ESCAPE) return every;
    // Most names can be told by their length, and slicing is most of the work.
    if ((lengths & lengthBit(length)) === 0 && this.#nextBackslash(start) >= end) return every;
    const name = sliceOf(this.#json, start, end);
    return named.get(name.includes("\\") ? JSON.parse(`"${name}"`) as string : name) ?? every;
  }

  /** The index of the first backslash from `start` on; asked for with indices that only grow. */
  #nextBackslash(start: number): number {
    if (this.#backslash < start) {
      const found = indexIn(this.#json, "\\", start);
      this.#backslash = found === -1 ? this.#json.length : found;
    }
    return this.#backslash;
  }

  /** Passes the colon, and begins with the value. */
  #beforeValue(until: number): void {
    const json = this.#json;
    let at = this.#index;
    let code = codeAt(json, at);
    while (code <= SPACE || code === COLON) {
      if (++at >= until) break;
      code = codeAt(json, at);
    }
    this.#index = at;
    if (at >= until) return;
    const isContainer = code === OPEN_BRACE || code === OPEN_BRACKET;
    const place = this.#place;
    if (isContainer && place !== undefined && !place.isEnd) return this.#enter(place, code === OPEN_BRACKET);
    this.#fate = place?.isEnd === true ? this.#at : this.#beside;
    this.#value = at;
    this.#depth = 0;
    if (code === QUOTE) {
      this.#index = at + 1;
      this.#next = REST_OF_STRING;
      this.#restOfString(until);
    } else if (isContainer) {
      this.#next = REST_OF_CONTAINER;
      this.#restOfContainer(until);
    } else {
      this.#next = REST_OF_WORD;
      this.#restOfWord(until);
    }
  }

  #enter(place: Place, isList: boolean): void {
    if (this.#container !== undefined) this.#open.push(this.#container);
    this.#container = new Container(place, isList);
    this.#index++;
    this.#next = ITEM;
  }

  /** The container that a pointer leads through ends before `end`, and is kept whatever is left of it. */
  #leave(end: number): void {
    this.#index = end;
    this.#cutsToNext = false;
    this.#container = this.#open.pop();
    if (this.#container === undefined) this.#isDone = true;
    else this.#container.keptEnd = end;
  }

  #restOfString(until: number): void {
    const end = endOfStringWithin(this.#json, this.#index, until);
    if (end < 0) this.#index = ~end;
    else this.#endValue(end);
  }

  #restOfContainer(until: number): void {
    const json = this.#json;
    let at = this.#index;
    let depth = this.#depth;
    while (at < until) {
      const code = this.#isInString ? QUOTE : codeAt(json, at);
      if (code === QUOTE) {
        const end = endOfStringWithin(json, this.#isInString ? at : at + 1, until);
        this.#isInString = end < 0;
        at = end < 0 ? ~end : end;
        continue;
      }
      at++;
      if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
      else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return this.#endValue(at);
    }
    this.#index = at;
    this.#depth = depth;
  }

  #restOfWord(until: number): void {
    const json = this.#json;
    let at = this.#index;
    for (; at < until; at++) {
      const code = codeAt(json, at);
      if (code <= SPACE || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET) break;
    }
    this.#index = at;
    if (at < until || until === json.length) this.#endValue(at);
  }

  #endValue(end: number): void {
    this.#index = end;
    this.#next = ITEM;
    const container = this.#container;
    if (container === undefined) return this.#endDocument(end);
    if (this.#fate === CUT) return this.#cutItem(container, end);
    container.keptEnd = end;
    if (this.#fate === MASKED) this.#replace(this.#value, end, MASK);
  }

  /** With the comma before it, or the one behind it where nothing before it is left. */
  #cutItem({ keptEnd }: Container, end: number): void {
    if (keptEnd === -1) this.#cutsToNext = true;
    const start = keptEnd === -1 ? this.#item : keptEnd;
    if (this.#copied < start) this.#pieces.push(sliceOf(this.#json, this.#copied, start));
    this.#copied = end;
  }

  /** The document is neither an object nor a list. */
  #endDocument(end: number): void {
    this.#isDone = true;
    if (this.#fate === CUT) this.#replace(this.#value, end, NOTHING);
  }

  #replace(start: number, end: number, json: string): void {
    this.#pieces.push(sliceOf(this.#json, this.#copied, start), json);
    this.#copied = end;
  }
}
