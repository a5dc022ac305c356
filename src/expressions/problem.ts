/**
 * What is wrong with an expression, and where.
 *
 * @module
 */

/** Where in an expression: both count from 1, the column in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Why an expression cannot be used. */
export interface ExpressionProblem extends Place {
  /** One sentence in plain English. It may name what the expression names. */
  readonly message: string;
}

/** The place of a character. @param index into the text, in UTF-16 code units */
export function placeIn(text: string, index: number): Place {
  const before = text.slice(0, index).split("\n");
  return { line: before.length, column: [...before.at(-1)!].length + 1 };
}
