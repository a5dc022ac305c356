/**
 * What an expression was compiled to, and how it is run.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { Budget, BudgetExhausted } from "./budget.ts";
import type { Code, Frame, Local } from "./code.ts";
import { ExpressionFailure } from "./failure.ts";
import { type ExpressionProblem, type Place, placeIn } from "./problem.ts";
import type { Reads } from "./variables/scope.ts";
import type { Result, Value } from "./value.ts";

/** A compiled tree, or part of one. */
export interface Program {
  readonly source: string;
  readonly place: Place;
  readonly frame: Frame;
  readonly code: Code;
  /** Steps that each evaluation takes beside those of its loops. */
  readonly weight: number;
  readonly reads: Reads;
  /** Whether it has patterns, which take milliseconds to compile. */
  readonly hasPatterns: boolean;
  readonly problems: readonly ExpressionProblem[];
  /** The elements that its macros name. */
  readonly locals: readonly Local[];
}

/** Listens to what is found absent while an expression is evaluated. */
export type AbsenceListener = (node: ASTNode, holder: Value, name: Value) => void;

const NO_VARIABLES: Frame["variables"] = {};
const NO_BUDGET = new Budget(0);

/** A frame without variables and budget, as it is between two evaluations. */
export function emptyFrame(): Frame {
  return { variables: NO_VARIABLES, budget: NO_BUDGET };
}

/** Evaluates a program. What exceeds the budget ends it; nothing of the program sees that. */
export function runProgram(program: Program, variables: Frame["variables"], budget: Budget): Result {
  const { frame } = program;
  frame.variables = variables;
  frame.budget = budget;
  try {
    budget.spend(program.weight);
    return program.code.run();
  } catch (error) {
    if (!(error instanceof BudgetExhausted)) throw error;
    return new ExpressionFailure("budget", error.message, program.source, program.place, error.limit);
  } finally {
    forget(program);
  }
}

/** Takes from a program what an evaluation has looked at. */
function forget({ frame, locals }: Program): void {
  frame.variables = NO_VARIABLES;
  frame.budget = NO_BUDGET;
  for (let index = 0; index < locals.length; index++) locals[index]!.value = null;
}

/** The place of a node, which is that of the name for a member. */
export function placeOf(node: ASTNode): Place {
  return placeIn(node.input, node.pos);
}
