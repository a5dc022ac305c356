/**
 * What the parts of an expression are compiled to, and what they are compiled with.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import type { Budget } from "./budget.ts";
import type { ExpressionFailure, FailureCode } from "./failure.ts";
import type { PatternResult } from "./functions/patterns.ts";
import type { Result, StaticType, Value } from "./value.ts";

/** A part of an expression, ready for use. */
export interface Code {
  readonly type: StaticType;
  readonly run: () => Result;
  /** The value of a literal. */
  readonly constant?: Value;
  /** Where the value stands, if it is an element that a macro has named: reading it there saves a call. */
  readonly local?: Local;
}

/**
 * What one compiled expression is evaluated with. There is one of them for each expression: an evaluation neither waits
 * nor begins another one of the same expression, and a closure reads from a frame that it holds faster than from one
 * that it is given.
 */
export interface Frame {
  variables: Readonly<Record<string, unknown>>;
  budget: Budget;
}

/** A name that a macro gives to each element in turn. */
export interface Local {
  value: Value;
}

/** Compiles parts of one expression. */
export interface Builder {
  readonly frame: Frame;
  compile(node: ASTNode): Code;
  /** Compiles a part that runs once for each element, and says how many steps that takes each time. */
  compileLoop(name: string, local: Local, node: ASTNode): { readonly code: Code; readonly weight: number };
  /**
   * Records that the expression cannot be used. What is returned is never run.
   *
   * @param at an index into the expression. @default where the node has its place
   */
  problem(node: ASTNode, message: string, at?: number): Code;
  /**
   * A failure of a part. It is made when it first happens, and then used again.
   *
   * @param predicate what is wrong with the part, which is put before it: `is absent`
   */
  failure(node: ASTNode, code: FailureCode, predicate: string): () => ExpressionFailure;
  /** Compiles a pattern of `matches`. */
  compilePattern(source: string): PatternResult;
  /** Reports to whoever explains an evaluation that a member is absent. */
  readonly onAbsent?: (node: ASTNode, holder: Value, name: Value) => void;
}

/** Longest part of an expression that a message repeats, in UTF-16 code units. */
const MAX_QUOTED = 80;

/** A part of an expression as it is written; of a long one the beginning. */
export function sourceOf(node: ASTNode): string {
  const { input, start, end } = node;
  return end - start > MAX_QUOTED ? `${input.slice(start, start + MAX_QUOTED)}…` : input.slice(start, end);
}

/** What a type is called in sentences. */
const TYPE_NAMES: Readonly<Record<StaticType, string>> = {
  null: "null",
  bool: "a bool",
  int: "an int",
  double: "a double",
  string: "a string",
  list: "a list",
  map: "a map",
  dyn: "anything",
};

/** What a type is called in sentences, with its article. */
export function nameOfType(type: StaticType): string {
  return TYPE_NAMES[type];
}

/** Whether a value of one type may be what another one is asked for. */
export function mayBe(type: StaticType, ...wanted: readonly StaticType[]): boolean {
  return type === "dyn" || wanted.includes(type) || wanted.includes("dyn");
}
