/**
 * Takes the values of some names out of a JSON text. Everything else stays as it was sent, character for character:
 * no value is made of the text.
 *
 * @module
 */

import { endOfString } from "../../json/strings.ts";

/** After how many characters the work may be interrupted. */
const PIECE = 64 * 1024;

const BRACKET_OR_STRING = /["[\]{}]/g;
const SPACE = 0x20;
const SCALAR = /[^\s,\]}]+/y;

/** What is done with a member whose name is one of those looked for. */
export interface Cleaning {
  /** @param name without quotes and escapes */
  isLookedFor(name: string): boolean;
  /** JSON that stands in the place of the value; `undefined` to take out the whole member. */
  readonly mask: string | undefined;
}

/**
 * Cleans one document. `true`, `false` and `null` are no credentials and stay; a list or an object is taken out whole.
 *
 * @param json valid JSON
 * @returns the same text where there was nothing to take out
 */
export function* cleanedJson(json: string, cleaning: Cleaning): Generator<void, string, void> {
  const cleaner = new JsonCleaner(json, cleaning);
  while (!cleaner.advance()) yield;
  return cleaner.text;
}

class JsonCleaner {
  readonly #json: string;
  readonly #cleaning: Cleaning;
  /** What is kept, but for what follows the last piece. */
  readonly #kept: string[] = [];
  #copied = 0;
  #at = 0;
  /** Within a value that is taken out: how deep, and where its member begins. */
  #depth = 0;
  #member = 0;
  #value = 0;

  constructor(json: string, cleaning: Cleaning) {
    this.#json = json;
    this.#cleaning = cleaning;
  }

  get text(): string {
    return this.#copied === 0 ? this.#json : this.#kept.join("") + this.#json.slice(this.#copied);
  }

  /** Goes on for about so many characters as one piece has. @returns whether the end has been reached */
  advance(): boolean {
    const until = this.#at + PIECE;
    while (this.#at < this.#json.length && this.#at < until) {
      if (this.#depth > 0) this.#leaveContainer(until);
      else this.#nextString();
    }
    return this.#at >= this.#json.length;
  }

  /** From a string to what follows it: a string before a colon is a name, and nothing else is. */
  #nextString(): void {
    const start = this.#json.indexOf('"', this.#at);
    if (start === -1) {
      this.#at = this.#json.length;
      return;
    }
    const end = endOfString(this.#json, start);
    const colon = this.#skipSpace(end);
    this.#at = this.#json[colon] === ":" ? colon + 1 : end;
    if (this.#at === end || !this.#cleaning.isLookedFor(nameIn(this.#json.slice(start, end)))) return;
    this.#member = start;
    this.#value = this.#skipSpace(this.#at);
    this.#enterValue();
  }

  #enterValue(): void {
    switch (this.#json[this.#value]) {
      case '"':
        this.#takeOut(endOfString(this.#json, this.#value));
        break;
      case "{":
      case "[":
        this.#depth = 1;
        this.#at = this.#value + 1;
        break;
      case "t":
      case "f":
      case "n":
        break;
      default:
        SCALAR.lastIndex = this.#value;
        SCALAR.test(this.#json);
        this.#takeOut(SCALAR.lastIndex);
    }
  }

  #leaveContainer(until: number): void {
    while (this.#depth > 0 && this.#at < until) {
      BRACKET_OR_STRING.lastIndex = this.#at;
      const sign = BRACKET_OR_STRING.exec(this.#json)![0];
      const index = BRACKET_OR_STRING.lastIndex - 1;
      this.#at = sign === '"' ? endOfString(this.#json, index) : index + 1;
      if (sign === "{" || sign === "[") this.#depth++;
      else if (sign !== '"') this.#depth--;
    }
    if (this.#depth === 0) this.#takeOut(this.#at);
  }

  #takeOut(end: number): void {
    const { mask } = this.#cleaning;
    if (mask !== undefined) {
      this.#kept.push(this.#json.slice(this.#copied, this.#value), mask);
      this.#copied = end;
    } else this.#takeOutMember(end);
    this.#at = end;
  }

  /** With the comma that follows it, or, of the last member, the one before it. */
  #takeOutMember(end: number): void {
    this.#kept.push(this.#json.slice(this.#copied, this.#member));
    const next = this.#skipSpace(end);
    if (this.#json[next] === ",") {
      this.#copied = this.#skipSpace(next + 1);
      return;
    }
    this.#copied = end;
    this.#dropComma();
  }

  #dropComma(): void {
    while (this.#kept.length > 0) {
      const last = this.#kept.pop()!.trimEnd();
      if (last === "") continue;
      this.#kept.push(last.endsWith(",") ? last.slice(0, -1) : last);
      return;
    }
  }

  #skipSpace(index: number): number {
    let at = index;
    // Of the characters that may stand between tokens, those of white space have the lowest numbers.
    while (this.#json.charCodeAt(at) <= SPACE) at++;
    return at;
  }
}

/** @param text with its quotes */
function nameIn(text: string): string {
  return text.includes("\\") ? JSON.parse(text) as string : text.slice(1, -1);
}
