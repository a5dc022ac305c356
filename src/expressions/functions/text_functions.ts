/**
 * Functions of texts. They count code points, and ASCII letters are the only ones that have a case.
 *
 * @module
 */

import type { Budget } from "../budget.ts";
import type { Result, StaticType, Value } from "../value.ts";
import { countCodePoints, unitOf, widthAt } from "./code_points.ts";
import type { Call, FunctionDeclaration } from "./declaration.ts";
import { findFirst, findLast } from "./search.ts";
import { endsWithLiteral, startsWithLiteral } from "./text_tests.ts";

const TEXT: readonly StaticType[] = ["string"];
const INDEX: readonly StaticType[] = ["int", "double"];

type Run = (call: Call, text: string, ...rest: Value[]) => Result;

function method(
  name: string,
  rest: readonly (readonly StaticType[])[],
  type: StaticType,
  summary: string,
  run: Run,
): FunctionDeclaration {
  return {
    name,
    isMethod: true,
    parameters: [TEXT, ...rest],
    type,
    summary,
    run: run as FunctionDeclaration["run"],
  };
}

/** All of them. */
export const textFunctions: readonly FunctionDeclaration[] = [
  method("contains", [TEXT], "bool", "Whether a text stands in it.", (call, text, sought) => {
    return findFirst(text, sought as string, 0, call.budget) !== -1;
  }),
  {
    ...method("startsWith", [TEXT], "bool", "Whether it begins with a text.", (call, text, start) => {
      call.budget.spendText((start as string).length);
      return text.startsWith(start as string);
    }),
    test: startsWithLiteral,
  },
  {
    ...method("endsWith", [TEXT], "bool", "Whether it ends with a text.", (call, text, end) => {
      call.budget.spendText((end as string).length);
      return text.endsWith(end as string);
    }),
    test: endsWithLiteral,
  },
  method("lowerAscii", [], "string", "The text with `A` to `Z` in lower case.", ({ budget }, text) => {
    return changeCase(text, budget, /[A-Z]+/g, (letters) => letters.toLowerCase());
  }),
  method("upperAscii", [], "string", "The text with `a` to `z` in upper case.", ({ budget }, text) => {
    return changeCase(text, budget, /[a-z]+/g, (letters) => letters.toUpperCase());
  }),
  method(
    "trim",
    [],
    "string",
    "The text without white space around it.",
    ({ budget }, text) => trim(text, budget),
  ),
  method("split", [TEXT], "list", "The parts between the places of a separator.", (call, text, separator) => {
    return split(text, separator as string, Infinity, call.budget);
  }),
  method(
    "split",
    [TEXT, INDEX],
    "list",
    "The same, at most so many parts.",
    (call, text, separator, limit) => {
      const count = indexOf(limit!);
      return count === undefined
        ? call.fail.outOfRange()
        : split(text, separator as string, count, call.budget);
    },
  ),
  method(
    "replace",
    [TEXT, TEXT],
    "string",
    "The text with another one wherever the first stands.",
    (call, ...args) => {
      return replace(call, args as [string, string, string], Infinity);
    },
  ),
  method(
    "replace",
    [TEXT, TEXT, INDEX],
    "string",
    "The same, at the first so many places.",
    (call, ...args) => {
      const count = indexOf(args[3]!);
      return count === undefined
        ? call.fail.outOfRange()
        : replace(call, args as unknown as [string, string, string], count);
    },
  ),
  method(
    "substring",
    [INDEX],
    "string",
    "The text from a character on; the first one is 0.",
    (call, text, start) => {
      return substring(call, text, start!, undefined);
    },
  ),
  method(
    "substring",
    [INDEX, INDEX],
    "string",
    "The same, up to before another one.",
    (call, text, start, end) => {
      return substring(call, text, start!, end);
    },
  ),
  method("charAt", [INDEX], "string", "One character, empty at the end of the text.", (call, text, index) => {
    return charAt(call, text, index!);
  }),
  method("indexOf", [TEXT], "int", "Where a text first stands in it, or -1.", (call, text, sought) => {
    return positionOf(text, findFirst(text, sought as string, 0, call.budget), call.budget);
  }),
  method("lastIndexOf", [TEXT], "int", "Where a text last stands in it, or -1.", (call, text, sought) => {
    return positionOf(text, findLast(text, sought as string, text.length, call.budget), call.budget);
  }),
  method("reverse", [], "string", "The text from its last character to its first.", ({ budget }, text) => {
    budget.spendMade(text.length * 8);
    return [...text].reverse().join("");
  }),
];

/** Steps for each part that a text is taken apart into. */
const PART_COST = 2;

const NOT_ASCII = /[^\0-\x7f]/;

/** What a text takes in which letters and others take turns, in texts that are read all at once. */
const CASE_COST = 32;

function changeCase(
  text: string,
  budget: Budget,
  letters: RegExp,
  change: (letters: string) => string,
): string {
  budget.spendMade(text.length);
  budget.spendText(text.length);
  if (!NOT_ASCII.test(text)) return change(text);
  budget.spendText(text.length * CASE_COST);
  return text.replaceAll(letters, change);
}

/** White space by Unicode's property of that name. */
const SPACE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function trim(text: string, budget: Budget): string {
  let start = 0;
  let end = text.length;
  for (; start < end && SPACE.test(text.charAt(start)); start++) budget.spend(1);
  for (; end > start && SPACE.test(text.charAt(end - 1)); end--) budget.spend(1);
  return text.slice(start, end);
}

function split(text: string, separator: string, limit: number, budget: Budget): Value {
  if (limit === 0) return [];
  const parts: string[] = [];
  let start = 0;
  while (limit < 0 || parts.length < limit - 1) {
    const place = separator === "" ? nextCharacter(text, start) : findFirst(text, separator, start, budget);
    if (place === -1) break;
    budget.spend(PART_COST);
    parts.push(text.slice(start, place));
    start = place + separator.length;
  }
  if (separator !== "" || start < text.length) parts.push(text.slice(start));
  return parts;
}

/** Where the character ends that begins at an index; -1 where it is the last one. */
function nextCharacter(text: string, start: number): number {
  const next = start + widthAt(text, start);
  return next >= text.length ? -1 : next;
}

function replace(
  { budget }: Call,
  [text, sought, replacement]: readonly [string, string, string],
  limit: number,
): string {
  const parts: string[] = [];
  let length = text.length;
  let start = 0;
  let place = limit === 0 ? -1 : findFirst(text, sought, 0, budget);
  while (place !== -1) {
    budget.spend(PART_COST);
    length += replacement.length - sought.length;
    budget.checkText(length);
    budget.spendText(replacement.length);
    parts.push(text.slice(start, place), replacement);
    start = place + sought.length;
    const count = parts.length / 2;
    if (count === limit || place >= text.length) break;
    const next = sought === "" ? place + widthAt(text, place) : start;
    place = findFirst(text, sought, next, budget);
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(start);
}

function substring({ budget, fail }: Call, text: string, start: Value, end: Value | undefined): Result {
  const first = indexOf(start);
  const last = end === undefined ? undefined : indexOf(end);
  if (first === undefined || first < 0 || end !== undefined && (last === undefined || last < first)) {
    return fail.outOfRange();
  }
  const from = unitOf(text, first, budget);
  if (from === undefined) return fail.outOfRange();
  if (last === undefined) return text.slice(from);
  const to = unitOf(text, last - first, budget, from);
  return to === undefined ? fail.outOfRange() : text.slice(from, to);
}

function charAt({ budget, fail }: Call, text: string, index: Value): Result {
  const position = indexOf(index);
  const unit = position === undefined || position < 0 ? undefined : unitOf(text, position, budget);
  if (unit === undefined) return fail.outOfRange();
  return unit === text.length ? "" : text.slice(unit, unit + widthAt(text, unit));
}

function positionOf(text: string, unit: number, budget: Budget): bigint {
  return unit === -1 ? -1n : BigInt(countCodePoints(text.slice(0, unit), budget));
}

/** A whole number as an index; `undefined` where it is none that a text can have. */
function indexOf(value: Value): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}
