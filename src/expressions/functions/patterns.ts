/**
 * `matches`: patterns in the syntax of RE2, which takes no longer for any text than its length says.
 *
 * @module
 */

import type { RE2JS } from "re2js";
import type { Budget } from "../budget.ts";

/** Longest pattern, in UTF-16 code units. */
export const MAX_PATTERN = 256;

/** Most that repetitions within each other may come to: `(a{10}){100}` is a thousand. */
export const MAX_REPETITIONS = 1_000;

/** A pattern, ready for use. It is not anchored unless it says so. */
export interface Pattern {
  /** @throws {BudgetExhausted} */
  test(text: string, budget: Budget): boolean;
}

/** A pattern, or one sentence on why there is none. */
export type PatternResult = { readonly pattern: Pattern } | { readonly problem: string };

/**
 * How many instructions look at one character in about the time that anything else takes one step, at worst: most
 * patterns take a hundredth of it, but which ones cannot be known before.
 */
const INSTRUCTIONS_PER_STEP = 2;

/** Compiles a pattern. @param re2 the engine */
export function compilePattern(re2: typeof RE2JS, source: string): PatternResult {
  if (source.length > MAX_PATTERN) return { problem: `A pattern has at most ${MAX_PATTERN} characters` };
  if (repetitionsOf(source) > MAX_REPETITIONS) {
    return { problem: `The repetitions of a pattern come to at most ${MAX_REPETITIONS}` };
  }
  let program: RE2JS;
  try {
    program = re2.compile(source);
  } catch (error) {
    // The engine has no other way to say it, and quotes nothing but the pattern.
    return {
      problem: `The pattern cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const size = program.programSize();
  return {
    pattern: {
      test: (text, budget) => {
        budget.spend(1 + Math.ceil(text.length * size / INSTRUCTIONS_PER_STEP));
        return program.test(text);
      },
    },
  };
}

/** The sum of all upper bounds of repetitions, and their product where one is within another. */
function repetitionsOf(source: string): number {
  let product = 1;
  for (const [, least = "0", most] of source.matchAll(/\{([0-9]+)(?:,([0-9]*))?\}/g)) {
    product *= Math.max(1, Number(least), Number(most ?? 0));
  }
  return product;
}
