/**
 * JSON with all digits of its numbers. Nearly every document has only numbers that a double holds, and is read by
 * `JSON.parse` alone. In the others each number that a double may not hold stands as a text while they are parsed, and
 * is put back then: what the engine offers for that takes fifty times as long.
 *
 * @module
 */

import { LARGE_MAP, markLargeMap } from "./large_maps.ts";
import { endOfString } from "./strings.ts";

/** A number with more digits, or a larger exponent, than a double holds. */
export class LongDecimal {
  readonly #source: string;
  readonly #value: number;

  /** @param source as the document writes it */
  constructor(source: string) {
    this.#source = source;
    this.#value = Number(source);
  }

  /** As the document writes it. */
  get source(): string {
    return this.#source;
  }

  /** The double next to it; infinite where there is none. */
  get value(): number {
    return this.#value;
  }
}

/** The beginnings of numbers of 16 digits or more, and the ends of those with an exponent of three: some do not fit. */
const LONG_NUMBER = /[:[,\s]-?[0-9.]{16}/;
const LARGE_EXPONENT = /[0-9][eE][+-]?[0-9]{3}/;

/** Each number that may not fit, where no strings are. */
const NUMBERS = /-?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?/g;

const MAX_PLAIN_LENGTH = 15;
const INTEGER = /^-?[0-9]+$/;

/**
 * The longest integer that becomes a `bigint`, in characters. Making one takes more than its length's share of time:
 * 100,000 digits 5 ms, and a million 100 ms. No double, and no integer that anybody counts with, has as many.
 */
const MAX_INTEGER_LENGTH = 1_000;

/**
 * Reads a document as `JSON.parse` does, but integers that a double cannot hold become a `bigint`, and decimals that it
 * cannot hold a {@linkcode LongDecimal}, as do integers of more than 1,000 characters.
 *
 * @throws {SyntaxError} when the text is not JSON
 */
export function parseExactly(json: string): unknown {
  const value: unknown = JSON.parse(json);
  if (!LONG_NUMBER.test(json) && !LARGE_EXPONENT.test(json) && typeof value !== "number") return value;
  const numbers: (bigint | LongDecimal)[] = [];
  const mark = `${crypto.randomUUID()}:`;
  const marked = markNumbers(json, mark, numbers);
  return numbers.length === 0 ? value : putBack(JSON.parse(marked), mark, numbers);
}

/** The number that a document writes so, as {@linkcode parseExactly} reads it. @param source a number of valid JSON */
export function numberFrom(source: string): number | bigint | LongDecimal {
  return exactNumber(source) ?? Number(source);
}

/** Puts a text in the place of each number that does not fit: the mark, which no sender can guess, and its index. */
function markNumbers(json: string, mark: string, numbers: (bigint | LongDecimal)[]): string {
  const markNumber = (source: string): string => {
    const number = exactNumber(source);
    if (number === undefined) return source;
    numbers.push(number);
    return `"${mark}${numbers.length - 1}"`;
  };
  const parts: string[] = [];
  let start = 0;
  for (let quote = json.indexOf('"'); quote !== -1; quote = json.indexOf('"', start)) {
    const end = endOfString(json, quote);
    parts.push(json.slice(start, quote).replace(NUMBERS, markNumber), json.slice(quote, end));
    start = end;
  }
  parts.push(json.slice(start).replace(NUMBERS, markNumber));
  return parts.join("");
}

/** A number that a double does not hold; `undefined` for any other. */
function exactNumber(source: string): bigint | LongDecimal | undefined {
  const isShort = source.length <= MAX_PLAIN_LENGTH;
  if (isShort && !LARGE_EXPONENT.test(source)) return undefined;
  const double = Number(source);
  if (source.length <= MAX_INTEGER_LENGTH && INTEGER.test(source)) {
    return Number.isSafeInteger(double) ? undefined : BigInt(source);
  }
  return isExact(double, source) ? undefined : new LongDecimal(source);
}

/** Whether the shortest text of a double stands for the same number as a source. */
function isExact(double: number, source: string): boolean {
  if (!Number.isFinite(double)) return false;
  const [digits, exponent] = normalForm(source);
  const [sameDigits, sameExponent] = normalForm(String(double));
  return digits === sameDigits && exponent === sameExponent;
}

/** The digits of a number without zeros around them, and the power of ten of the last one. */
function normalForm(source: string): readonly [digits: string, exponent: number] {
  const [, whole = "", fraction = "", exponent = "0"] =
    /^-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const trimmed = withoutZerosBehind(digits);
  if (trimmed === "") return ["", 0];
  return [trimmed, Number(exponent) - fraction.length + digits.length - trimmed.length];
}

function withoutZerosBehind(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charAt(end - 1) === "0") end--;
  return digits.slice(0, end);
}

type Container = unknown[] | Record<string, unknown>;

/** Puts the numbers back, however deep the document is nested. */
function putBack(root: unknown, mark: string, numbers: readonly (bigint | LongDecimal)[]): unknown {
  const open: Container[] = [];
  const restore = (value: unknown): unknown => {
    if (typeof value === "string") {
      return value.startsWith(mark) ? numbers[Number(value.slice(mark.length))] : value;
    }
    if (typeof value === "object" && value !== null) open.push(value as Container);
    return value;
  };
  const restored = restore(root);
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    if (Array.isArray(container)) restoreElements(container, restore);
    else restoreMembers(container, restore);
  }
  return restored;
}

function restoreElements(elements: unknown[], restore: (value: unknown) => unknown): void {
  for (let index = 0; index < elements.length; index++) {
    const value = elements[index];
    const restored = restore(value);
    if (restored !== value) elements[index] = restored;
  }
}

function restoreMembers(members: Record<string, unknown>, restore: (value: unknown) => unknown): void {
  const names = Object.keys(members);
  if (names.length >= LARGE_MAP) markLargeMap(members);
  for (const name of names) {
    // A member of this name is read and set as any other one: JSON.parse has made it an own property.
    const value = name === "__proto__"
      ? Object.getOwnPropertyDescriptor(members, name)!.value
      : members[name];
    const restored = restore(value);
    if (restored === value) continue;
    Object.defineProperty(members, name, {
      value: restored,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}
