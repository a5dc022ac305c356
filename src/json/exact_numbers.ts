/**
 * JSON with all digits of its numbers. Nearly every document has only numbers that a double holds, and is read by
 * `JSON.parse`; the others are read once more, with their sources.
 *
 * @module
 */

/** A decimal with more digits, or a larger exponent, than a double holds. */
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

/**
 * A number that may not fit: 16 digits or more, with or without a point, or an exponent of three. It may also stand in
 * a string, and then costs time and nothing else.
 */
const LONG_NUMBER = /[:[,\s]-?(?:[0-9.]{16}|[0-9.]+[eE][+-]?[0-9]{3})|^-?[0-9.]{16}/;

const INTEGER = /^-?[0-9]+$/;
const MAX_PLAIN_DIGITS = 15;

/**
 * Reads a document as `JSON.parse` does, but integers that a double cannot hold become a `bigint`, and decimals that it
 * cannot hold a {@linkcode LongDecimal}.
 *
 * @throws {SyntaxError} when the text is not JSON
 */
export function parseExactly(json: string): unknown {
  const value: unknown = JSON.parse(json);
  return LONG_NUMBER.test(json) ? JSON.parse(json, revive) : value;
}

function revive(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined
    ? exactNumber(value, context.source)
    : value;
}

function exactNumber(value: number, source: string): number | bigint | LongDecimal {
  if (INTEGER.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source);
  return isExact(value, source) ? value : new LongDecimal(source);
}

/** Whether the shortest text of a double stands for the same number as a source. */
function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  const [digits, exponent] = normal(source);
  if (digits.length <= MAX_PLAIN_DIGITS && Math.abs(exponent) < 290) return true;
  const [sameDigits, sameExponent] = normal(String(value));
  return digits === sameDigits && exponent === sameExponent;
}

/** The digits of a number without zeros around them, and the power of ten of the last one. */
function normal(source: string): [digits: string, exponent: number] {
  const [, whole = "", fraction = "", exponent = "0"] =
    /^-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const trimmed = digits.replace(/0+$/, "");
  if (trimmed === "") return ["", 0];
  return [trimmed, Number(exponent) - fraction.length + digits.length - trimmed.length];
}
