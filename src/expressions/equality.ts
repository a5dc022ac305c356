/**
 * Whether values are equal: numbers by what they are worth and not by their type, lists and maps by what is in them.
 *
 * @module
 */

import { LongDecimal } from "../json/exact_numbers.ts";
import type { Budget } from "./budget.ts";
import { namesOf } from "./names.ts";
import { isMap, type Value } from "./value.ts";

/** Steps for each list or map that is compared, beside those for what is in it. */
const CONTAINER_COST = 4;

/**
 * Whether two values are equal. Values of different types are not, but for numbers.
 *
 * @throws {BudgetExhausted}
 */
export function areEqual(left: Value, right: Value, budget: Budget, depth = 0): boolean {
  if (typeof left === "string") return typeof right === "string" && areEqualTexts(left, right, budget);
  if (typeof left !== "object" || typeof right !== "object") {
    return left === right || areEqualNumbers(left, right);
  }
  if (left === null || right === null) return left === right;
  if (left instanceof LongDecimal || right instanceof LongDecimal) return areEqualNumbers(left, right);
  return areEqualContainers(left, right, budget, depth + 1);
}

function areEqualTexts(left: string, right: string, budget: Budget): boolean {
  if (left.length !== right.length) return false;
  budget.spendText(left.length);
  return left === right;
}

function areEqualContainers(
  left: readonly Value[] | { readonly [name: string]: Value },
  right: readonly Value[] | { readonly [name: string]: Value },
  budget: Budget,
  depth: number,
): boolean {
  budget.checkDepth(depth);
  budget.spend(CONTAINER_COST);
  if (isList(left)) return isList(right) && areEqualLists(left, right, budget, depth);
  if (isList(right) || !isMap(left) || !isMap(right)) return false;
  const names = namesOf(left, budget);
  if (namesOf(right, budget).length !== names.length) return false;
  return names.every((name) => {
    return Object.hasOwn(right, name) && areEqual(left[name]!, right[name]!, budget, depth);
  });
}

function areEqualLists(
  left: readonly Value[],
  right: readonly Value[],
  budget: Budget,
  depth: number,
): boolean {
  if (left.length !== right.length) return false;
  return left.every((value, index) => {
    budget.spend(1);
    return areEqual(value, right[index]!, budget, depth);
  });
}

/** Whether two values are numbers that are worth the same. */
function areEqualNumbers(left: Value, right: Value): boolean {
  if (typeof left === "number" && typeof right === "number") return left === right;
  const first = numberOf(left);
  const second = numberOf(right);
  return first !== undefined && second !== undefined && compareNumbers(first, second) === 0;
}

/** A number as JavaScript calculates with it; `undefined` where the value is none. */
export function numberOf(value: Value): number | bigint | undefined {
  if (typeof value === "number" || typeof value === "bigint") return value;
  return value instanceof LongDecimal ? value.value : undefined;
}

/** From here on a double is outside of what an int may be. */
const BEYOND_INTS = 2 ** 63;

/**
 * Less than 0, 0 or more than 0, exactly, whatever their types; NaN where one of them is NaN. Only with a double outside
 * of the range of ints an int is first made the double next to it, as the language has it.
 */
export function compareNumbers(left: number | bigint, right: number | bigint): number {
  if (typeof left !== typeof right) {
    if (typeof left === "number" && Math.abs(left) >= BEYOND_INTS) return compareNumbers(left, Number(right));
    if (typeof right === "number" && Math.abs(right) >= BEYOND_INTS) {
      return compareNumbers(Number(left), right);
    }
  }
  if (left < right) return -1;
  if (left > right) return 1;
  return Number.isNaN(left) || Number.isNaN(right) ? NaN : 0;
}

/** Whether a value is a list. */
export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

const FIRST_SURROGATE = 0xd800;
const BEHIND_SURROGATES = 0xe000;

/**
 * Orders texts by their code points, as UTF-8 is ordered: by their UTF-16 code units, in which the order is another one
 * for characters above U+FFFF.
 *
 * @throws {BudgetExhausted}
 */
export function compareTexts(left: string, right: string, budget: Budget): number {
  const length = Math.min(left.length, right.length);
  budget.spendText(length * 4);
  for (let index = 0; index < length; index++) {
    const difference = rank(left.charCodeAt(index)) - rank(right.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Where a code unit stands in the order of code points: surrogates behind everything else. */
function rank(unit: number): number {
  if (unit < FIRST_SURROGATE) return unit;
  return unit < BEHIND_SURROGATES ? unit + 0x2000 : unit - 0x800;
}
