/**
 * Finds texts within texts in a time that grows with the length of both. The runtime's own search does not: it takes
 * the length of the one times the length of the other for some long ones, and for all that are searched from behind.
 *
 * @module
 */

import type { Budget } from "../budget.ts";

/** Up to this length the runtime's own search is linear, in UTF-16 code units. */
const MAX_NATIVE = 200;

/** Characters that the runtime's own search looks at before the budget is asked again. */
const WINDOW = 65_536;

/** What a character takes that is searched for by more than its first unit, in characters that are read all at once. */
const SEARCHED = 4;

/** The same of one that is compared here. */
const COMPARED = 12;

/** Steps before the first character is compared. */
const PREPARATION = 4;

/** The index of the first place at or behind `from`, or -1. @throws {BudgetExhausted} */
export function findFirst(text: string, sought: string, from: number, budget: Budget): number {
  if (sought.length > MAX_NATIVE) return find(text, sought, from, true, budget);
  const cost = sought.length > 1 ? SEARCHED : 1;
  if (text.length - from <= WINDOW) return findNear(text, sought, from, cost, budget);
  for (let start = from; start < text.length; start += WINDOW) {
    budget.spendText(WINDOW * cost);
    const index = text.slice(start, start + WINDOW + sought.length - 1).indexOf(sought);
    if (index !== -1) return start + index;
  }
  return -1;
}

function findNear(text: string, sought: string, from: number, cost: number, budget: Budget): number {
  const index = text.indexOf(sought, from);
  budget.spendText(((index === -1 ? text.length : index) - from) * cost);
  return index;
}

/** The index of the last place at or before `upTo`, or -1. @throws {BudgetExhausted} */
export function findLast(text: string, sought: string, upTo: number, budget: Budget): number {
  if (sought === "") return Math.min(upTo, text.length);
  return find(text.slice(0, upTo + sought.length), sought, 0, false, budget);
}

/** By Knuth, Morris and Pratt: no character of the text is looked at twice. */
function find(text: string, sought: string, from: number, isFirst: boolean, budget: Budget): number {
  if (sought.length > text.length - from) return -1;
  budget.spend(PREPARATION);
  budget.spendText((text.length - from + sought.length) * COMPARED);
  const borders = bordersOf(sought);
  let last = -1;
  let matched = 0;
  for (let index = from; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    while (matched > 0 && unit !== sought.charCodeAt(matched)) matched = borders[matched - 1]!;
    if (unit === sought.charCodeAt(matched)) matched++;
    if (matched < sought.length) continue;
    last = index + 1 - sought.length;
    if (isFirst) return last;
    matched = borders[matched - 1]!;
  }
  return last;
}

/** For each beginning of a text the length of the longest shorter one that it ends with. */
function bordersOf(text: string): Int32Array {
  const borders = new Int32Array(text.length);
  let length = 0;
  for (let index = 1; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    while (length > 0 && unit !== text.charCodeAt(length)) length = borders[length - 1]!;
    if (unit === text.charCodeAt(length)) length++;
    borders[index] = length;
  }
  return borders;
}
