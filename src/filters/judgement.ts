/**
 * What a condition says about one event.
 *
 * @module
 */

import { Budget, type Expression, ExpressionFailure, type Variables } from "../expressions/expressions.ts";

/** Every result of a condition, as metrics have it. */
export const RESULTS = ["true", "false", "missing_field", "error", "budget"] as const;

/**
 * The result of a condition.
 *
 * - `missing_field`: it asks for something that the event does not have, and nothing else is wrong.
 * - `budget`: it takes more work than one may.
 * - `error`: anything else that keeps it from being true or false.
 */
export type JudgementResult = typeof RESULTS[number];

/** A condition's result. */
export interface Judgement {
  readonly result: JudgementResult;
  /** Why it is neither true nor false; `undefined` where it is. */
  readonly failure: ExpressionFailure | undefined;
  /** Steps of its budget that it took. */
  readonly steps: number;
}

/** Evaluates a condition. */
export function judge(condition: Expression, variables: Variables): Judgement {
  const budget = new Budget();
  const result = condition.test(variables, budget);
  const steps = budget.used;
  return result instanceof ExpressionFailure
    ? { result: result.kind, failure: result, steps }
    : { result: result ? "true" : "false", failure: undefined, steps };
}

/** Whether a result says that the condition is not met: what is not there meets none. */
export function isUnmet(result: JudgementResult): boolean {
  return result === "false" || result === "missing_field";
}
