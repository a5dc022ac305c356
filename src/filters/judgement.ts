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

/** Whether a condition is met, or why that cannot be said. */
export type Judgement = boolean | ExpressionFailure;

/** One for all conditions: none is evaluated within another. */
const BUDGET = new Budget();

/** Evaluates a condition. */
export function judge(condition: Expression, variables: Variables): Judgement {
  BUDGET.refill();
  return condition.test(variables, BUDGET);
}

/** Steps of its budget that the condition took that was judged last. */
export function stepsOfLast(): number {
  return BUDGET.used;
}

/** Whether the condition is not met: what is not there meets none. */
export function isUnmet(judgement: Judgement): boolean {
  return judgement === false || judgement instanceof ExpressionFailure && judgement.kind === "missing_field";
}
