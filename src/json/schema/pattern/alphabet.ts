/**
 * The characters of a pattern, as far as it tells them apart. Characters that all parts of the pattern treat alike are
 * one class: a machine needs a way out of each state for each class only.
 *
 * @module
 */

/** Classes and characters that are remembered. Past it all are forgotten, and found again. */
const MAX_CLASSES = 256;
const MAX_KNOWN = 4_096;

const ASCII = 128;
const WORD = /^\w$/u;

/** Counts work, and ends it by throwing. */
export interface Spender {
  spend(steps: number): void;
}

/** Characters that nothing of a pattern tells apart. */
export interface CharacterClass {
  readonly id: number;
  /** Whether each part of the pattern that stands for one character stands for these. */
  readonly accepted: readonly boolean[];
  /** Whether it is one of `\w`, for `\b`. */
  readonly isWord: boolean;
}

/** Sorts characters into classes. What a part of the pattern stands for is left to the runtime's own engine. */
export class Alphabet {
  readonly #parts: readonly RegExp[];
  #ascii: (CharacterClass | undefined)[] = new Array(ASCII);
  readonly #known = new Map<number, CharacterClass>();
  readonly #classes = new Map<string, CharacterClass>();
  #onForget: () => void = () => {};

  /** @param parts of the pattern that stand for one character each, such as `a`, `.` and `[^\d]` */
  constructor(parts: readonly string[]) {
    this.#parts = parts.map((part) => new RegExp(`^(?:${part})$`, "u"));
  }

  /** @param forget called before the numbers of classes are given out again */
  onForget(forget: () => void): void {
    this.#onForget = forget;
  }

  /** @param codePoint a lone surrogate is a character too */
  classOf(codePoint: number, spender: Spender): CharacterClass {
    if (codePoint < ASCII) return this.#ascii[codePoint] ??= this.#find(codePoint, spender);
    let known = this.#known.get(codePoint);
    if (known === undefined) {
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(codePoint, known = this.#find(codePoint, spender));
    }
    return known;
  }

  #find(codePoint: number, spender: Spender): CharacterClass {
    spender.spend(this.#parts.length);
    const character = String.fromCodePoint(codePoint);
    const accepted = this.#parts.map((part) => part.test(character));
    const isWord = WORD.test(character);
    const key = accepted.map((is) => is ? "1" : "0").join("") + (isWord ? "w" : "");
    const known = this.#classes.get(key);
    if (known !== undefined) return known;
    if (this.#classes.size >= MAX_CLASSES) this.#forget();
    const found = { id: this.#classes.size, accepted, isWord };
    this.#classes.set(key, found);
    return found;
  }

  #forget(): void {
    this.#onForget();
    this.#ascii = new Array(ASCII);
    this.#known.clear();
    this.#classes.clear();
  }
}
