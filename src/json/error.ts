/**
 * Where a text stops being JSON (RFC 8259). The parser's own message quotes the text, which is nothing for a
 * log, and says the place in some cases only.
 *
 * @module
 */

/** How far into a text the place is searched, in UTF-16 code units: anybody may send malformed megabytes. */
export const SEARCHED = 64 * 1024;

/** As much as can be read of a token, which may be only its beginning. */
const SPACE = /[\t\n\r ]*/y;
const STRING = /"(?:[\u0020\u0021\u0023-\u005b\u005d-\uffff]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*/y;
const ESCAPE_START = /(?:\\(?:u[\dA-Fa-f]{0,3})?)?/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const NUMBER_START = /-?(?:(?:0|[1-9]\d*)(?:\.\d*)?)?(?:(?<=\d)[eE][+-]?)?/y;
const WORDS = ["true", "false", "null"];

/** What may stand next. */
type Expected = "value" | "value or ]" | "name" | "name or }" | "colon" | "comma or end";

/**
 * Says in one sentence where a text stops being JSON. It holds nothing of the text.
 *
 * @param text not valid JSON
 * @param subject what the text is
 */
export function describeJsonError(text: string, subject = "The body"): string {
  const position = findJsonError(text);
  if (position === undefined) {
    return `${subject} is not valid JSON somewhere after character ${Math.min(SEARCHED, text.length)}`;
  }
  return position === text.length
    ? `${subject} is incomplete JSON: it ends after character ${position}`
    : `${subject} is not valid JSON from character ${position + 1} on`;
}

/**
 * The index of the first character with which a text cannot be JSON any more; its length, where it is the
 * beginning of a document that ends too early.
 *
 * @returns `undefined` when the text is JSON, or when its first 64 Ki characters are the beginning of it
 */
export function findJsonError(text: string): number | undefined {
  const scanner = new Scanner(text.slice(0, SEARCHED));
  const position = scanner.run();
  return position === SEARCHED && text.length > SEARCHED ? undefined : position;
}

class Scanner {
  readonly #text: string;
  /** The open objects and arrays. */
  readonly #open: ("{" | "[")[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): number | undefined {
    let expected: Expected | undefined = "value";
    while (expected !== undefined) {
      this.#skip(SPACE);
      if (expected === "comma or end" && this.#open.length === 0) {
        return this.#at === this.#text.length ? undefined : this.#at;
      }
      expected = this.#step(expected);
    }
    return this.#at;
  }

  /** Reads the next token. Returns what may follow it; `undefined` where it is wrong or incomplete. */
  #step(expected: Expected): Expected | undefined {
    const char = this.#text.charAt(this.#at);
    switch (expected) {
      case "value or ]":
        return char === "]" ? this.#close() : this.#value(char);
      case "value":
        return this.#value(char);
      case "name or }":
        return char === "}" ? this.#close() : this.#name(char);
      case "name":
        return this.#name(char);
      case "colon":
        return char === ":" ? this.#pass("value") : undefined;
      case "comma or end":
        return this.#commaOrEnd(char);
    }
  }

  #value(char: string): Expected | undefined {
    if (char === "{" || char === "[") {
      this.#open.push(char);
      return this.#pass(char === "{" ? "name or }" : "value or ]");
    }
    if (char === '"') return this.#string("comma or end");
    if (char === "-" || (char >= "0" && char <= "9")) return this.#number();
    const word = WORDS.find((candidate) => candidate.startsWith(char) && char !== "");
    if (word === undefined) return undefined;
    for (const letter of word) {
      if (this.#text.charAt(this.#at) !== letter) return undefined;
      this.#at++;
    }
    return "comma or end";
  }

  #name(char: string): Expected | undefined {
    return char === '"' ? this.#string("colon") : undefined;
  }

  #string(next: Expected): Expected | undefined {
    this.#skip(STRING);
    if (this.#text.charAt(this.#at) === '"') return this.#pass(next);
    this.#skip(ESCAPE_START);
    return undefined;
  }

  #number(): Expected | undefined {
    const start = this.#at;
    this.#skip(NUMBER);
    const end = this.#at;
    this.#at = start;
    this.#skip(NUMBER_START);
    // Only the beginning of a longer number, such as `1.` or `-`: wrong at what follows.
    if (this.#at > end || end === start) return undefined;
    this.#at = end;
    return "comma or end";
  }

  #commaOrEnd(char: string): Expected | undefined {
    const container = this.#open.at(-1);
    if (char === ",") return this.#pass(container === "{" ? "name" : "value");
    return char === (container === "{" ? "}" : "]") ? this.#close() : undefined;
  }

  #close(): Expected {
    this.#open.pop();
    return this.#pass("comma or end");
  }

  #pass(next: Expected): Expected {
    this.#at++;
    return next;
  }

  #skip(token: RegExp): void {
    token.lastIndex = this.#at;
    if (token.test(this.#text)) this.#at = token.lastIndex;
  }
}
