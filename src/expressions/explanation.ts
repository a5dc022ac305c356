/**
 * Why an expression has the value that it has: each clause for itself, and what they found absent. It says names and
 * never values of what the expression was asked about, but for the value of the whole and of each clause.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import type { Budget } from "./budget.ts";
import { type Frame, sourceOf } from "./code.ts";
import type { Place } from "./problem.ts";
import { type AbsenceListener, placeOf, type Program, runProgram } from "./program.ts";
import { isMap, type Result, type Value } from "./value.ts";

/** Most names of members that are listed where one is absent. */
const MAX_NAMES = 20;

/** Longest name that is shown whole, in UTF-16 code units. */
const MAX_NAME = 100;

/** A member that an expression names and that is not there. */
export interface AbsentMember {
  /** As the expression writes it, such as `body.ref`. */
  readonly path: string;
  /** What should have it: a map, or `null`, which has no members. */
  readonly holder: "map" | "null";
  /** Names of the members that stand there instead, at most 20. */
  readonly members: readonly string[];
  /** How many more there are. */
  readonly others: number;
}

/** A part of an expression between `&&`, `||` and `!`. */
export interface Clause extends Place {
  /** As it is written. */
  readonly text: string;
  /** Its value, also where the value of the whole did not depend on it. */
  readonly result: Result;
  /** What it found absent, whether or not that was a failure. */
  readonly absent: readonly AbsentMember[];
}

/** Why an expression has its value. */
export interface Explanation {
  readonly result: Result;
  /** Steps of the budget that the expression took, without what the explanation took. */
  readonly steps: number;
  /** In the order in which they are written. */
  readonly clauses: readonly Clause[];
}

/** Compiles a part of the expression. */
export type PartCompiler = (node: ASTNode, onAbsent: AbsenceListener) => Program;

/**
 * Evaluates an expression and each of its clauses.
 *
 * @param budget is spent by the expression; each clause may then take as much as there was for all of it
 */
export function explain(
  tree: ASTNode,
  compile: PartCompiler,
  variables: Frame["variables"],
  budget: Budget,
): Explanation {
  const before = budget.used;
  const clauseBudget = budget.copy();
  const result = runProgram(compile(tree, () => {}), variables, budget);
  const clauses = clausesOf(tree).map((node): Clause => {
    const absences = new Absences();
    const program = compile(node, (absent, holder) => absences.add(absent, holder));
    const value = runProgram(program, variables, clauseBudget.copy());
    return { text: sourceOf(node), ...placeOf(node), result: value, absent: absences.list() };
  });
  return { result, steps: budget.used - before, clauses };
}

function clausesOf(node: ASTNode): ASTNode[] {
  switch (node.op) {
    case "&&":
    case "||":
      return node.args.flatMap(clausesOf);
    case "!_":
      return clausesOf(node.args);
    default:
      return [node];
  }
}

/** What one clause found absent, each place once, however often a loop came by. */
class Absences {
  readonly #found = new Map<ASTNode, AbsentMember>();

  add(node: ASTNode, holder: Value): void {
    if (this.#found.has(node)) return;
    const names = isMap(holder) ? Object.keys(holder) : [];
    this.#found.set(node, {
      path: sourceOf(node),
      holder: holder === null ? "null" : "map",
      members: names.slice(0, MAX_NAMES).map(shortened),
      others: Math.max(0, names.length - MAX_NAMES),
    });
  }

  list(): AbsentMember[] {
    return [...this.#found.values()];
  }
}

function shortened(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME).toWellFormed()}…`;
}
