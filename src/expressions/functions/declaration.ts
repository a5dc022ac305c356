/**
 * What a function of the language is.
 *
 * @module
 */

import type { Budget } from "../budget.ts";
import type { ExpressionFailure } from "../failure.ts";
import type { TextTest } from "./text_tests.ts";
import type { Result, StaticType, Value } from "../value.ts";

/** Failures of one call, for the function to return. */
export interface CallFailures {
  /** An argument has a type that the function is not for. */
  readonly wrongType: () => ExpressionFailure;
  /** A value of the right type has no counterpart in the type that it is to become. */
  readonly notConvertible: () => ExpressionFailure;
  /** An index or a count lies outside of the text. */
  readonly outOfRange: () => ExpressionFailure;
}

/** One call: what it may take, and what it returns where it fails. */
export interface Call {
  readonly budget: Budget;
  readonly fail: CallFailures;
}

/** A function, or a method with what it is called on as its first argument. */
export interface FunctionDeclaration {
  readonly name: string;
  /** `text.size()` is a method, `size(text)` is none. */
  readonly isMethod: boolean;
  /** Which types each argument may have. Others are a problem, or a failure where they are not known before. */
  readonly parameters: readonly (readonly StaticType[])[];
  readonly type: StaticType;
  /** One sentence for the page of the language. */
  readonly summary: string;
  /** Called with values of the types above. */
  readonly run: (call: Call, ...values: Value[]) => Result;
  /** The same with a literal, which is no longer than an expression, and so costs nothing of a budget. */
  readonly test?: TextTest;
}
