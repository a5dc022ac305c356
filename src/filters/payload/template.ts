/**
 * `build` of a payload: a document in which each text is an expression.
 *
 * @module
 */

import {
  type Budget,
  type Expression,
  ExpressionFailure,
  type Variables,
} from "../../expressions/expressions.ts";
import { EvaluationError, JsonWriter } from "./json_writer.ts";

/** Deepest nesting, and most parts, of a template. */
const MAX_DEPTH = 32;
const MAX_PARTS = 1_000;

/** The only key of what is put in as it is. */
const CONSTANT = "value";

/** What is wrong with a template, and where in it. */
export interface TemplateProblem {
  /** Keys and indices. */
  readonly path: readonly string[];
  readonly message: string;
}

/** Compiles the expression at a place of a template; `undefined` where it has recorded what is wrong with it. */
export type CompileExpression = (text: string, path: readonly string[]) => Expression | undefined;

/** JSON as it is, or an expression whose value stands there. */
type Part = string | Expression;

/** A document that is made of each event. */
export class Template {
  readonly #parts: readonly Part[];
  /** Whether it reads the body of the event. */
  readonly readsBody: boolean;
  readonly readsQuery: boolean;

  private constructor(parts: readonly Part[]) {
    this.#parts = parts;
    this.readsBody = reads(parts, "body");
    this.readsQuery = reads(parts, "query");
  }

  /** Compiles `build`. @param template an object or a list */
  static compile(
    template: object,
    compileExpression: CompileExpression,
  ): Template | readonly TemplateProblem[] {
    const compilation = new Compilation(compileExpression);
    compilation.add(template, []);
    return compilation.problems.length > 0 ? compilation.problems : new Template(compilation.parts);
  }

  /**
   * The document.
   *
   * @param budget of all its expressions together
   * @param maxLength in characters
   * @throws {EvaluationError | UnwritableError}
   */
  write(variables: Variables, budget: Budget, maxLength: number): string {
    const writer = new JsonWriter(maxLength);
    for (const part of this.#parts) {
      if (typeof part === "string") writer.addText(part);
      else writer.addValue(valueOf(part, variables, budget));
    }
    return writer.text;
  }
}

/** The value of an expression. @throws {EvaluationError} */
export function valueOf(expression: Expression, variables: Variables, budget: Budget): Exclude<
  ReturnType<Expression["evaluate"]>,
  ExpressionFailure
> {
  const result = expression.evaluate(variables, budget);
  if (result instanceof ExpressionFailure) throw new EvaluationError(result);
  return result;
}

class Compilation {
  readonly parts: Part[] = [];
  readonly problems: TemplateProblem[] = [];
  readonly #compile: CompileExpression;
  #count = 0;

  constructor(compile: CompileExpression) {
    this.#compile = compile;
  }

  add(value: unknown, path: readonly string[]): void {
    if (++this.#count > MAX_PARTS || path.length > MAX_DEPTH) {
      const message = `Has more than ${MAX_PARTS} parts, or is nested deeper than ${MAX_DEPTH} levels`;
      if (this.problems.every((problem) => problem.message !== message)) {
        this.problems.push({ path: [], message });
      }
      return;
    }
    if (typeof value === "string") this.#addExpression(value, path);
    else if (typeof value !== "object" || value === null) this.#addJson(JSON.stringify(value));
    else if (isConstant(value)) this.#addJson(JSON.stringify(value[CONSTANT]));
    else if (Array.isArray(value)) this.#addAll(value.map((each) => ["", each]), path, "[", "]");
    else this.#addAll(Object.entries(value), path, "{", "}");
  }

  #addAll(entries: readonly [string, unknown][], path: readonly string[], open: string, close: string): void {
    this.#addJson(open);
    for (const [index, [name, value]] of entries.entries()) {
      if (index > 0) this.#addJson(",");
      if (open === "{") this.#addJson(`${JSON.stringify(name)}:`);
      this.add(value, [...path, open === "{" ? name : String(index)]);
    }
    this.#addJson(close);
  }

  #addExpression(text: string, path: readonly string[]): void {
    const expression = this.#compile(text, path);
    if (expression !== undefined) this.parts.push(expression);
  }

  /** To what stands before it, where that is JSON as well. */
  #addJson(json: string): void {
    const last = this.parts.at(-1);
    if (typeof last === "string") this.parts[this.parts.length - 1] = last + json;
    else this.parts.push(json);
  }
}

function isConstant(value: object): value is { readonly [CONSTANT]: unknown } {
  return Object.keys(value).length === 1 && Object.hasOwn(value, CONSTANT);
}

function reads(parts: readonly Part[], variable: string): boolean {
  return parts.some((part) => typeof part !== "string" && part.reads.variables.has(variable));
}
