/**
 * `startsWith` and `endsWith` with a literal, which is what most conditions ask of each of many elements. Each has code
 * of its own, so that the engine sees what is called.
 *
 * @module
 */

import type { Code } from "../code.ts";
import type { Result } from "../value.ts";

/** Makes a failure of what is no text. */
type Fail = (value: Result) => Result;

/** Makes a question about a text and a literal. */
export type TextTest = (text: Code, literal: string, fail: Fail) => () => Result;

/** `text.startsWith("literal")` */
export function startsWithLiteral({ run, local }: Code, literal: string, fail: Fail): () => Result {
  if (local === undefined) {
    return () => {
      const value = run();
      return typeof value === "string" ? value.startsWith(literal) : fail(value);
    };
  }
  return () => {
    const { value } = local;
    return typeof value === "string" ? value.startsWith(literal) : fail(value);
  };
}

/** `text.endsWith("literal")` */
export function endsWithLiteral({ run, local }: Code, literal: string, fail: Fail): () => Result {
  if (local === undefined) {
    return () => {
      const value = run();
      return typeof value === "string" ? value.endsWith(literal) : fail(value);
    };
  }
  return () => {
    const { value } = local;
    return typeof value === "string" ? value.endsWith(literal) : fail(value);
  };
}
