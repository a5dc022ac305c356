/**
 * Reads expressions into trees, by the library. It is loaded with the first expression: most gateways have none.
 *
 * @module
 */

import type { ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";
import type { RE2JS } from "re2js";
import { type ExpressionProblem, placeIn } from "./problem.ts";

/** Longest expression, in UTF-16 code units. */
export const MAX_EXPRESSION = 4_096;

/** Structure of an expression, at most. */
const LIMITS = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 200,
  maxMapEntries: 200,
  maxCallArguments: 8,
} as const;

/** The beginning of a reference to a variable or a secret, as other texts of the configuration may hold them. */
const REFERENCE = "{$";

/** A tree, or why there is none. */
export type Parsed = { readonly tree: ASTNode } | { readonly problem: ExpressionProblem };

/** The libraries that expressions are made with. */
export class ExpressionParser {
  readonly re2: typeof RE2JS;
  readonly #environment: Environment;
  readonly #ParseError: typeof ParseError;

  private constructor(environment: Environment, parseError: typeof ParseError, re2: typeof RE2JS) {
    this.#environment = environment;
    this.#ParseError = parseError;
    this.re2 = re2;
  }

  /** Loads the libraries. */
  static async load(): Promise<ExpressionParser> {
    const [{ Environment, ParseError }, { RE2JS }] = await Promise.all([
      import("@marcbachmann/cel-js"),
      import("re2js"),
    ]);
    const environment = new Environment({ homogeneousAggregateLiterals: false, limits: LIMITS });
    return new ExpressionParser(environment, ParseError, RE2JS);
  }

  /** Reads one expression. */
  parse(text: string): Parsed {
    const problem = findTextProblem(text);
    if (problem !== undefined) return { problem };
    try {
      return { tree: this.#environment.parse(text).ast };
    } catch (error) {
      return { problem: this.#problemOf(error, text) };
    }
  }

  #problemOf(error: unknown, text: string): ExpressionProblem {
    if (!(error instanceof this.#ParseError)) {
      // Nesting that the library does not count ends its stack.
      return { ...placeIn(text, 0), message: "The expression is nested too deeply" };
    }
    const { code, summary, range } = error;
    return { ...placeIn(text, range?.start ?? 0), message: describe(code, summary, text, range) };
  }
}

function findTextProblem(text: string): ExpressionProblem | undefined {
  if (text.trim() === "") return { line: 1, column: 1, message: "The expression is empty" };
  if (text.length > MAX_EXPRESSION) {
    return {
      ...placeIn(text, MAX_EXPRESSION),
      message: `An expression has at most ${MAX_EXPRESSION} characters`,
    };
  }
  const reference = text.indexOf(REFERENCE);
  if (reference === -1) return undefined;
  return {
    ...placeIn(text, reference),
    message: "An expression holds no {$…}: what is put in could change what it says",
  };
}

/** What the library says in its own words, in those of the configuration where they name its tokens. */
function describe(
  code: string,
  summary: string,
  text: string,
  range: { readonly start: number; readonly end: number } | undefined,
): string {
  switch (code) {
    case "unexpected_token":
    case "expected_token":
    case "unexpected_character":
      return range === undefined || range.start >= text.length
        ? "The expression ends too early"
        : misplaced(text.slice(range.start, Math.max(range.end, range.start + 1)));
    case "limit_exceeded":
      return `The expression is too large: ${summary}`;
    default:
      return summary;
  }
}

/** What other languages write, and what stands for it here. */
const INSTEAD: ReadonlyMap<string, string> = new Map([["=", "=="], ["and", "&&"], ["or", "||"]]);

function misplaced(token: string): string {
  const instead = INSTEAD.get(token.toLowerCase());
  return `${JSON.stringify(token)} cannot stand here${instead === undefined ? "" : `: write "${instead}"`}`;
}
