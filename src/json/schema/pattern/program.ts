/**
 * A pattern as a nondeterministic machine (K. Thompson: Regular Expression Search Algorithm, 1968), made from the
 * syntax tree of its ECMAScript text. What such a machine cannot do is refused: back references and looking around.
 *
 * @module
 */

import { type AST, RegExpParser } from "@eslint-community/regexpp";

/** Places that a pattern may have, after repetitions with a count were written out. */
const MAX_PLACES = 2_000;

/** A place in the machine. */
export type Place =
  | { readonly kind: "part"; readonly part: number; readonly next: number }
  | { readonly kind: "fork"; readonly ways: readonly number[] }
  | { readonly kind: "start" | "end" | "boundary" | "inside"; readonly next: number }
  | { readonly kind: "match" };

/** A compiled pattern. */
export interface Program {
  readonly places: readonly Place[];
  readonly first: number;
  /** The texts of its parts that stand for one character. */
  readonly parts: readonly string[];
  /** Whether it matches at the beginning only. */
  readonly isAnchored: boolean;
}

/** A pattern that is not ECMAScript, or that cannot be matched in linear time. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** @throws {PatternError} when the pattern cannot be used */
export function compilePattern(pattern: string): Program {
  const tree = parse(plainEscapes(pattern));
  const writer = new ProgramWriter();
  const first = writer.alternatives(tree.alternatives, writer.add({ kind: "match" }));
  const isAnchored = tree.alternatives.every(({ elements: [element] }) =>
    element?.type === "Assertion" && element.kind === "start"
  );
  return { places: writer.places, first, parts: writer.parts, isAnchored };
}

function parse(pattern: string): AST.Pattern {
  try {
    return new RegExpParser({ ecmaVersion: 2025 }).parsePattern(pattern, 0, pattern.length, {
      unicode: true,
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new PatternError("it is not a regular expression of ECMAScript with the flag u");
  }
}

/** Signs that many write a backslash before, though the flag `u` knows it before signs of the syntax only. */
const PLAIN_SIGN = /[!"#%&',:;<=>@_`~ ]/;

function plainEscapes(pattern: string): string {
  let inClass = false;
  return pattern.replaceAll(/\\[^]|[[\]]/g, (token) => {
    if (token === "[") inClass = true;
    else if (token === "]") inClass = false;
    else if (PLAIN_SIGN.test(token[1]!) || (token === "\\-" && !inClass)) return token[1]!;
    return token;
  });
}

/** Writes the machine from its end to its beginning: each part is given the place that follows it. */
class ProgramWriter {
  readonly places: Place[] = [];
  readonly parts: string[] = [];

  add(place: Place): number {
    if (this.places.length >= MAX_PLACES) {
      throw new PatternError("it is too large once its repetitions are written out");
    }
    return this.places.push(place) - 1;
  }

  alternatives(alternatives: readonly AST.Alternative[], next: number): number {
    const ways = alternatives.map(({ elements }) =>
      elements.reduceRight((following, element) => this.#element(element, following), next)
    );
    return ways.length === 1 ? ways[0]! : this.add({ kind: "fork", ways });
  }

  #element(element: AST.Element | AST.QuantifiableElement, next: number): number {
    switch (element.type) {
      case "Character":
      case "CharacterSet":
      case "CharacterClass":
        return this.add({ kind: "part", part: this.#partOf(element.raw), next });
      case "Group":
      case "CapturingGroup":
        return this.alternatives(element.alternatives, next);
      case "Quantifier":
        return this.#repetition(element, next);
      case "Assertion":
        return this.#assertion(element, next);
      default:
        throw new PatternError("its back references take an unbounded time");
    }
  }

  #partOf(raw: string): number {
    const known = this.parts.indexOf(raw);
    return known === -1 ? this.parts.push(raw) - 1 : known;
  }

  #repetition({ element, min, max }: AST.Quantifier, next: number): number {
    let place = next;
    if (max === Infinity) {
      const ways: number[] = [next];
      place = this.add({ kind: "fork", ways });
      ways.push(this.#element(element, place));
    } else {
      for (let count = min; count < max; count++) {
        place = this.add({ kind: "fork", ways: [next, this.#element(element, place)] });
      }
    }
    for (let count = 0; count < min; count++) place = this.#element(element, place);
    return place;
  }

  #assertion(assertion: AST.Assertion, next: number): number {
    switch (assertion.kind) {
      case "start":
      case "end":
        return this.add({ kind: assertion.kind, next });
      case "word":
        return this.add({ kind: assertion.negate ? "inside" : "boundary", next });
      default:
        throw new PatternError("it looks ahead or behind, which takes an unbounded time");
    }
  }
}
