/**
 * Errors of evaluations. They are values, as the language has them: `||` and others go on without them.
 *
 * @module
 */

import type { BudgetLimit } from "./budget.ts";
import type { Place } from "./problem.ts";

/** What can go wrong with an evaluation. The codes are stable. */
export type FailureCode =
  | "missing_field"
  | "wrong_type"
  | "index_out_of_range"
  | "number_out_of_range"
  | "division_by_zero"
  | "not_convertible"
  | "duplicate_key"
  | "budget";

/**
 * Why there is no value.
 *
 * - `missing_field`: something that the expression names is absent, and nothing else is wrong.
 * - `budget`: it would have taken too many steps, made too long a text, or compared too deep values.
 * - `error`: anything else.
 */
export type FailureKind = "missing_field" | "error" | "budget";

/** Why an expression has no value. It holds nothing of what the expression was asked about. */
export class ExpressionFailure {
  readonly kind: FailureKind;

  /**
   * @param message one sentence for operators, which names parts of the expression and never values
   * @param source the part of the expression that failed
   * @param place where it stands
   * @param limit which part of the budget was exhausted, if one was
   */
  constructor(
    readonly code: FailureCode,
    readonly message: string,
    readonly source: string,
    readonly place: Place,
    readonly limit?: BudgetLimit,
  ) {
    this.kind = code === "missing_field" || code === "budget" ? code : "error";
  }
}

/** Which of two failures stands for both: an absence only where nothing else is wrong. */
export function graver(left: ExpressionFailure, right: ExpressionFailure): ExpressionFailure {
  return left.kind === "missing_field" ? right : left;
}
