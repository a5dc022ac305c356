/**
 * Makes the values of a large JSON text as `parseExactly` does, in pieces between which everything else may run. Small
 * members and elements that stand next to each other are read at once, and larger ones are gone into, so that nearly
 * all of the work is the engine's.
 *
 * @module
 */

import { parseExactly } from "./exact_numbers.ts";
import { LARGE_MAP, markLargeMap } from "./large_maps.ts";
import { endOfStringWithin } from "./strings.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** About how many characters are read at once. */
const PIECE = 32 * 1024;

/** The characters of the longest escape, such as `\u0061`, but for the last one. */
const ESCAPE_START = 5;

type Steps<Result> = Generator<void, Result, void>;

/**
 * The value of a document, however deep it is nested. It may be interrupted wherever it yields.
 *
 * @param json valid JSON
 */
export function* parseInPieces(json: string): Steps<unknown> {
  const root = new Container(true, undefined, "");
  const reader = new Reader(json, root);
  while (!reader.isDone) {
    reader.advance();
    yield;
    if (reader.largeString !== undefined) reader.add(yield* longString(json, reader.largeString));
  }
  return root.elements![0];
}

/** A list or an object that is read in several pieces. */
class Container {
  readonly elements: unknown[] | undefined;
  readonly members: Record<string, unknown> = {};
  #added = 0;

  /** @param name of the member that it is */
  constructor(isList: boolean, readonly parent: Container | undefined, readonly name: string) {
    this.elements = isList ? [] : undefined;
  }

  get value(): unknown {
    return this.elements ?? this.members;
  }

  /** @param json members or elements as they stand in the text, with commas between them */
  addAll(json: string): void {
    if (this.elements !== undefined) {
      for (const element of parseExactly(`[${json}]`) as unknown[]) this.elements.push(element);
      return;
    }
    const members = parseExactly(`{${json}}`) as Record<string, unknown>;
    for (const name of Object.keys(members)) this.add(name, members[name]);
  }

  /** @param name ignored of an element */
  add(name: string, value: unknown): void {
    if (this.elements !== undefined) {
      this.elements.push(value);
      return;
    }
    if (++this.#added === LARGE_MAP) markLargeMap(this.members);
    if (name !== "__proto__") this.members[name] = value;
    else {
      // Assigning would change the prototype.
      Object.defineProperty(this.members, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
}

/** Where a string begins and ends, quotes included. */
interface StringPlace {
  readonly start: number;
  readonly end: number;
}

class Reader {
  readonly #json: string;
  #container: Container | undefined;
  #at = 0;
  /** Small members or elements that are read together: where the first begins, and the last ends. */
  #runStart = -1;
  #runEnd = -1;
  /** The name of the member that is read. */
  #name = "";
  /** Set where a string has to be read in pieces, and then handed to {@linkcode add}. */
  largeString: StringPlace | undefined;
  /** A value whose end was not within the first piece: where it begins, and where the search for its end goes on. */
  #search: Search | undefined;

  /** @param root gets the document as its only element */
  constructor(json: string, root: Container) {
    this.#json = json;
    this.#container = root;
  }

  get isDone(): boolean {
    return this.#container === undefined;
  }

  /** The value of {@linkcode largeString}. */
  add(value: unknown): void {
    this.#container!.add(this.#name, value);
    this.largeString = undefined;
  }

  /** Goes on for about one piece. */
  advance(): void {
    if (this.#search !== undefined) return this.#searchOn(this.#search);
    const until = this.#at + PIECE;
    while (this.#at < until && this.#container !== undefined && this.#item(until));
  }

  /** Reads what stands next in the container. @returns whether to go on at once */
  #item(until: number): boolean {
    const code = this.#skip(until, COMMA);
    if (this.#at >= this.#json.length) return this.#end(this.#json.length);
    if (this.#at >= until) return false;
    if (code === CLOSE_BRACE || code === CLOSE_BRACKET) return this.#end(this.#at + 1);
    const start = this.#at;
    let valueAt = start;
    if (this.#container!.elements === undefined) {
      const nameEnd = endOfStringWithin(this.#json, start + 1, Infinity);
      valueAt = skipSpace(this.#json, nameEnd, COLON);
    }
    const search = new Search(start, valueAt);
    const isWhole = search.advance(this.#json, PIECE);
    // The end of a long string is found at once.
    if (!isWhole || search.at - start > PIECE) return this.#large(search, isWhole);
    this.#addToRun(start, search.at);
    return true;
  }

  #addToRun(start: number, end: number): void {
    if (this.#runStart === -1) this.#runStart = start;
    this.#runEnd = end;
    this.#at = end;
    if (end - this.#runStart >= PIECE) this.#flush();
  }

  #flush(): void {
    if (this.#runStart === -1) return;
    this.#container!.addAll(this.#json.slice(this.#runStart, this.#runEnd));
    this.#runStart = -1;
  }

  /**
   * A member or element that is longer than a piece: containers are gone into, of others the end is searched on.
   *
   * @param isWhole whether the end was found
   */
  #large(search: Search, isWhole: boolean): boolean {
    this.#flush();
    const container = this.#container!;
    const { start, valueAt } = search;
    this.#name = container.elements === undefined
      ? JSON.parse(this.#json.slice(start, endOfStringWithin(this.#json, start + 1, Infinity)))
      : "";
    const code = this.#json.charCodeAt(valueAt);
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      this.#container = new Container(code === OPEN_BRACKET, container, this.#name);
      this.#at = valueAt + 1;
    } else if (isWhole) this.#addFound(search);
    else this.#search = search;
    return false;
  }

  #searchOn(search: Search): void {
    if (search.advance(this.#json, PIECE)) this.#addFound(search);
  }

  #addFound(search: Search): void {
    this.#search = undefined;
    this.#at = search.at;
    const { valueAt: start, at: end } = search;
    if (this.#json.charCodeAt(start) === QUOTE) this.largeString = { start, end };
    else this.add(parseExactly(this.#json.slice(start, end)));
  }

  #end(next: number): boolean {
    this.#flush();
    const { parent, name, value } = this.#container!;
    parent?.add(name, value);
    this.#container = parent;
    this.#at = next;
    return true;
  }

  /** @returns the code of the character at which it has stopped */
  #skip(until: number, sign: number): number {
    const json = this.#json;
    let at = this.#at;
    let code = json.charCodeAt(at);
    while (at < until && (code <= SPACE || code === sign)) code = json.charCodeAt(++at);
    this.#at = at;
    return code;
  }
}

/** The search for the end of one value, which may go on later. */
class Search {
  at: number;
  #depth = 0;
  #isInString = false;

  /** @param start of the member or element, whose value begins at `valueAt` */
  constructor(readonly start: number, readonly valueAt: number) {
    this.at = valueAt;
  }

  /** Goes on for about so many characters. @returns whether `at` is behind the end */
  advance(json: string, count: number): boolean {
    const until = Math.min(json.length, this.at + count);
    while (this.at < until) {
      const code = this.#isInString ? QUOTE : json.charCodeAt(this.at);
      if (code === QUOTE) {
        const end = endOfStringWithin(json, this.#isInString ? this.at : this.at + 1, until);
        this.#isInString = end < 0;
        this.at = end < 0 ? ~end : end;
        if (end >= 0 && this.#depth === 0) return true;
        continue;
      }
      if (code === OPEN_BRACE || code === OPEN_BRACKET) this.#depth++;
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
        if (this.#depth === 0) return true; // Of what the value stands in.
        if (--this.#depth === 0) {
          this.at++;
          return true;
        }
      } else if (this.#depth === 0 && (code <= SPACE || code === COMMA)) return true;
      this.at++;
    }
    return this.at >= json.length;
  }
}

function skipSpace(json: string, start: number, sign: number): number {
  let at = start;
  let code = json.charCodeAt(at);
  while (code <= SPACE || code === sign) code = json.charCodeAt(++at);
  return at;
}

/** The text of a string of any length. */
function* longString(json: string, { start, end }: StringPlace): Steps<string> {
  let text = "";
  for (let at = start + 1; at < end - 1;) {
    const until = endOfCharacters(json, at, Math.min(at + PIECE, end - 1), end - 1);
    text += JSON.parse(`"${json.slice(at, until)}"`);
    at = until;
    yield;
  }
  return text;
}

/** Where a piece of a string may end, not within an escape: at `until`, or a few characters before it. */
function endOfCharacters(json: string, start: number, until: number, end: number): number {
  if (until >= end) return end;
  for (let at = until - 1; at >= Math.max(start, until - ESCAPE_START); at--) {
    if (json.charCodeAt(at) !== BACKSLASH) continue;
    let backslashes = 1;
    while (at - backslashes >= start && json.charCodeAt(at - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return until;
    const length = json[at + 1] === "u" ? 6 : 2;
    return at + length > until ? at : until;
  }
  return until;
}
