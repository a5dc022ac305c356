/**
 * Patterns of JSON Schema, matched in a time that grows with the length of the text and no faster, whatever the
 * pattern. The runtime's own engine tries one way after the other, and `^(a+)+$` has more ways through fifty characters
 * than it could ever try.
 *
 * @module
 */

import { Alphabet, type CharacterClass, type Spender } from "./alphabet.ts";
import { compilePattern, type Program } from "./program.ts";

export { PatternError } from "./program.ts";

/** States that are remembered of one pattern. Past it all are forgotten, and made again. */
const MAX_STATES = 256;

/** What stands before the next character. */
type Before = "nothing" | "word" | "other";

/** A set of places of the machine: where it may be after what was read so far. */
interface State {
  readonly places: readonly number[];
  readonly before: Before;
  /** The state after a character of a class; `matched` where nothing that follows matters. */
  readonly next: (State | "matched" | undefined)[];
  matchesAtEnd: boolean | undefined;
}

/** What a place takes when a state is made. */
const STEPS_PER_PLACE = 4;

/** Characters that are matched in about the time that anything else takes one step. */
const CHARACTERS_PER_STEP = 16;

/** A pattern, ready for use. It is not anchored unless it says so. */
export class Pattern {
  readonly #program: Program;
  readonly #alphabet: Alphabet;
  readonly #states = new Map<string, State>();
  #start: State | undefined;

  /** @throws {PatternError} when it cannot be used */
  constructor(pattern: string) {
    this.#program = compilePattern(pattern);
    this.#alphabet = new Alphabet(this.#program.parts);
    this.#alphabet.onForget(() => this.#forget());
  }

  /** Whether a part of the text matches. */
  test(text: string, spender: Spender): boolean {
    spender.spend(1 + text.length / CHARACTERS_PER_STEP);
    let state = this.#start ??= this.#stateOf([this.#program.first], "nothing");
    for (let index = 0; index < text.length; index++) {
      const codePoint = text.codePointAt(index)!;
      if (codePoint > 0xffff) index++;
      const found = this.#alphabet.classOf(codePoint, spender);
      const next: State | "matched" = state.next[found.id] ??= this.#step(state, found, spender);
      if (next === "matched") return true;
      if (next.places.length === 0) return false;
      state = next;
    }
    return state.matchesAtEnd ??= this.#closure(state, undefined, spender) === "matched";
  }

  #step(state: State, next: CharacterClass, spender: Spender): State | "matched" {
    const reached = this.#closure(state, next, spender);
    if (reached === "matched") return "matched";
    const places = new Set<number>();
    for (const index of reached) {
      const place = this.#program.places[index]!;
      if (place.kind === "part" && next.accepted[place.part] === true) places.add(place.next);
    }
    if (!this.#program.isAnchored) places.add(this.#program.first);
    return this.#stateOf([...places].sort((a, b) => a - b), next.isWord ? "word" : "other");
  }

  /** All places that are reached without a character. @param next what follows; `undefined` at the end */
  #closure(
    { places, before }: State,
    next: CharacterClass | undefined,
    spender: Spender,
  ): ReadonlySet<number> | "matched" {
    const reached = new Set(places);
    const isBoundary = (before === "word") !== (next?.isWord === true);
    // A set takes in what is added while it is gone through.
    for (const index of reached) {
      const place = this.#program.places[index]!;
      switch (place.kind) {
        case "match":
          return "matched";
        case "fork":
          for (const way of place.ways) reached.add(way);
          break;
        case "start":
          if (before === "nothing") reached.add(place.next);
          break;
        case "end":
          if (next === undefined) reached.add(place.next);
          break;
        case "boundary":
          if (isBoundary) reached.add(place.next);
          break;
        case "inside":
          if (!isBoundary) reached.add(place.next);
          break;
        case "part":
      }
    }
    spender.spend(STEPS_PER_PLACE * reached.size);
    return reached;
  }

  #stateOf(places: readonly number[], before: Before): State {
    const key = `${before} ${places.join(" ")}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      if (this.#states.size >= MAX_STATES) this.#forget();
      this.#states.set(key, state = { places, before, next: [], matchesAtEnd: undefined });
    }
    return state;
  }

  /** States that are in use go on as they are, but lead to none of those that come after. */
  #forget(): void {
    for (const state of this.#states.values()) state.next.length = 0;
    this.#states.clear();
    this.#start = undefined;
  }
}
