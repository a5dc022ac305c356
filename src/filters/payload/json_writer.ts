/**
 * Writes values of expressions as JSON, with all digits of their numbers, and no longer than they may be.
 *
 * @module
 */

import type { ExpressionFailure, Value } from "../../expressions/expressions.ts";
import { LongDecimal } from "../../json/exact_numbers.ts";

/** Deepest nesting of what is written. */
const MAX_DEPTH = 200;

/** Why a value cannot be written. It holds nothing of the value. */
export class UnwritableError extends Error {
  override readonly name = "UnwritableError";
}

/** Collects the parts of one document. */
export class JsonWriter {
  readonly #maxLength: number;
  readonly #parts: string[] = [];
  #length = 0;

  /** @param maxLength of the document, in characters */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  get text(): string {
    return this.#parts.join("");
  }

  /** @throws {UnwritableError} when the document would be too long */
  addText(json: string): void {
    this.#length += json.length;
    if (this.#length > this.#maxLength) {
      throw new UnwritableError(
        `It would have more than the ${this.#maxLength} characters that a body may have`,
      );
    }
    this.#parts.push(json);
  }

  /** @throws {UnwritableError} when the value is too deep, too long, or a number that JSON does not have */
  addValue(value: Value, depth = 0): void {
    if (value instanceof LongDecimal) return this.addText(value.source);
    if (typeof value === "object" && value !== null) return this.#addContainer(value, depth);
    if (typeof value === "bigint") return this.addText(String(value));
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new UnwritableError("It would hold a number that JSON does not have");
    }
    this.addText(JSON.stringify(value));
  }

  #addContainer(value: readonly Value[] | Readonly<Record<string, Value>>, depth: number): void {
    if (depth >= MAX_DEPTH) throw new UnwritableError(`It would be nested deeper than ${MAX_DEPTH} levels`);
    let separator = "";
    if (isList(value)) {
      this.addText("[");
      for (const element of value) {
        this.addText(separator);
        this.addValue(element, depth + 1);
        separator = ",";
      }
      return this.addText("]");
    }
    this.addText("{");
    for (const name of Object.keys(value)) {
      this.addText(`${separator}${JSON.stringify(name)}:`);
      this.addValue(value[name]!, depth + 1);
      separator = ",";
    }
    this.addText("}");
  }
}

function isList(value: readonly Value[] | Readonly<Record<string, Value>>): value is readonly Value[] {
  return Array.isArray(value);
}

/** An expression's failure, which ends the making of a payload. */
export class EvaluationError extends Error {
  constructor(readonly failure: ExpressionFailure) {
    super(failure.message);
  }
}
