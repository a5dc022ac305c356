/**
 * Texts by their code points. The runtime counts UTF-16 code units, of which a character above U+FFFF has two.
 *
 * @module
 */

import type { Budget } from "../budget.ts";

/** What a character takes that is looked at one by one, in characters that are read all at once. */
const SLOW = 6;

/** What the two code units of a character above U+FFFF begin with. */
const SURROGATE_MASK = 0xfc00;
const FIRST_OF_PAIR = 0xd800;
const SECOND_OF_PAIR = 0xdc00;

/** How many code points a text has. @throws {BudgetExhausted} */
export function countCodePoints(text: string, budget: Budget): number {
  budget.spendText(text.length * SLOW);
  let count = 0;
  for (let index = 0; index < text.length; index += widthAt(text, index)) count++;
  return count;
}

/**
 * The index in code units of a code point; `undefined` where the text has fewer.
 *
 * @param from an index in code units to count from
 * @throws {BudgetExhausted}
 */
export function unitOf(text: string, codePoints: number, budget: Budget, from = 0): number | undefined {
  budget.spendText(Math.min(codePoints, text.length) * SLOW);
  let unit = from;
  for (let left = codePoints; left > 0; left--) {
    if (unit >= text.length) return undefined;
    unit += widthAt(text, unit);
  }
  return unit;
}

/** How many code units the code point takes that begins at an index. */
export function widthAt(text: string, index: number): 1 | 2 {
  if ((text.charCodeAt(index) & SURROGATE_MASK) !== FIRST_OF_PAIR) return 1;
  return (text.charCodeAt(index + 1) & SURROGATE_MASK) === SECOND_OF_PAIR ? 2 : 1;
}
