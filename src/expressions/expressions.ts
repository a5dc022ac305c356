/**
 * Expressions in a subset of CEL (Common Expression Language): conditions and values over variables that whoever uses
 * them declares. They are read and checked once, and then evaluated within a budget, without exceptions, whatever they
 * say and whatever they are asked about. What the language has is on the page beside this file.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { InvariantError } from "../errors.ts";
import type { MemberTree } from "../json/members/picker.ts";
import type { Budget } from "./budget.ts";
import { compileTree } from "./compiler.ts";
import { explain, type Explanation } from "./explanation.ts";
import { ExpressionFailure } from "./failure.ts";
import { membersRead } from "./variables/members_read.ts";
import { ExpressionParser } from "./parser.ts";
import type { ExpressionProblem } from "./problem.ts";
import { type AbsenceListener, type Program, runProgram } from "./program.ts";
import type { Declarations, Reads } from "./variables/scope.ts";
import type { Result, StaticType } from "./value.ts";

export { parseExactly } from "../json/exact_numbers.ts";
export { Budget, MAX_STEPS } from "./budget.ts";
export { ExpressionFailure, type FailureCode, type FailureKind } from "./failure.ts";
export type { AbsentMember, Clause, Explanation } from "./explanation.ts";
export { MAX_EXPRESSION } from "./parser.ts";
export type { ExpressionProblem, Place } from "./problem.ts";
export type { Declarations, Reads, VariableDeclaration } from "./variables/scope.ts";
export type { Result, StaticType, Texts, Value, ValueMap } from "./value.ts";

/** What the variables of an evaluation are: those that the expression reads, by their names. It may have getters. */
export type Variables = Readonly<Record<string, unknown>>;

/** An expression, or what is wrong with it. */
export type Compilation =
  | { readonly expression: Expression }
  | { readonly problems: readonly [ExpressionProblem, ...ExpressionProblem[]] };

/** The language over certain variables. Equal texts are one expression, as long as somebody uses it. */
export class ExpressionLanguage {
  readonly #declarations: Declarations;
  readonly #parser: ExpressionParser;
  readonly #known = new Map<string, WeakRef<Expression>>();
  readonly #forgotten = new FinalizationRegistry<string>((text) => this.#forget(text));

  private constructor(declarations: Declarations, parser: ExpressionParser) {
    this.#declarations = declarations;
    this.#parser = parser;
  }

  /** Loads what reads expressions, which takes some 20 ms the first time. */
  static async load(declarations: Declarations): Promise<ExpressionLanguage> {
    return new ExpressionLanguage(declarations, await ExpressionParser.load());
  }

  /** Reads and checks an expression. It takes some 50 microseconds, so that many of them are read in slices. */
  compile(text: string): Compilation {
    const known = this.#known.get(text)?.deref();
    if (known !== undefined) return { expression: known };
    const parsed = this.#parser.parse(text);
    if ("problem" in parsed) return { problems: [parsed.problem] };
    const program = this.#compileTree(parsed.tree);
    const [problem, ...others] = program.problems;
    if (problem !== undefined) return { problems: [problem, ...others] };
    const expression = new Expression(text, program, () => this.#open(text));
    this.#known.set(text, new WeakRef(expression));
    this.#forgotten.register(expression, text);
    return { expression };
  }

  /** Reads a text again that has been found to be an expression. */
  #open(text: string): OpenExpression {
    const parsed = this.#parser.parse(text);
    if ("problem" in parsed) throw new InvariantError("What was an expression is none any more");
    const { tree } = parsed;
    return {
      compile: () => this.#compileTree(tree),
      membersOf: (variable) => membersRead(tree, variable),
      explain: (variables, budget) => {
        return explain(tree, (part, onAbsent) => this.#compileTree(part, onAbsent), variables, budget);
      },
    };
  }

  #compileTree(tree: ASTNode, onAbsent?: AbsenceListener): Program {
    return compileTree(tree, this.#declarations, this.#parser.re2, onAbsent);
  }

  #forget(text: string): void {
    if (this.#known.get(text)?.deref() === undefined) this.#known.delete(text);
  }
}

/** An expression that was read again. */
interface OpenExpression {
  compile(): Program;
  membersOf(variable: string): MemberTree | undefined;
  explain(variables: Variables, budget: Budget): Explanation;
}

/**
 * An expression that has been checked. Unless it has patterns, it is read and compiled again when it is first evaluated:
 * of a hundred thousand of them few may ever be.
 */
export class Expression {
  readonly text: string;
  /** What its value is, as far as that is known before there is one. */
  readonly type: StaticType;
  readonly reads: Reads;
  readonly #open: () => OpenExpression;
  #program: Program | undefined;

  /** @param open reads it again */
  constructor(text: string, program: Program, open: () => OpenExpression) {
    this.text = text;
    this.type = program.code.type;
    this.reads = program.reads;
    this.#open = open;
    if (program.hasPatterns) this.#program = program;
  }

  /** Whether its value may be a bool. */
  get canBeCondition(): boolean {
    return this.type === "bool" || this.type === "dyn";
  }

  /**
   * The members that it asks for of a variable that it does not read `whole`. The expression is read again for that.
   */
  membersOf(variable: string): MemberTree {
    const members = this.#open().membersOf(variable);
    if (members === undefined) throw new InvariantError(`All of ${variable} is read by ${this.text}`);
    return members;
  }

  /**
   * Evaluates it. It neither waits nor throws, and keeps nothing of the variables.
   *
   * @param variables at least those that it {@linkcode reads}
   * @param budget what is left of it counts; it may be shared with other expressions
   */
  evaluate(variables: Variables, budget: Budget): Result {
    return runProgram(this.#program ??= this.#open().compile(), variables, budget);
  }

  /** Evaluates it as a condition: a value that is not a bool is a failure. */
  test(variables: Variables, budget: Budget): boolean | ExpressionFailure {
    const program = this.#program ??= this.#open().compile();
    const result = runProgram(program, variables, budget);
    if (typeof result === "boolean" || result instanceof ExpressionFailure) return result;
    const { source, place } = program;
    return new ExpressionFailure("wrong_type", `${source} is not a bool`, source, place);
  }

  /**
   * Evaluates it and each of its clauses, and says what they found absent. For people, not for requests: it is compiled
   * for that.
   */
  explain(variables: Variables, budget: Budget): Explanation {
    return this.#open().explain(variables, budget);
  }
}
