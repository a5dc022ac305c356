/**
 * `&&`, `||`, `!` and `?:`. The first two go on without a side that fails, if the other one decides.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { type Builder, type Code, mayBe, nameOfType, sourceOf } from "../code.ts";
import { type ExpressionFailure, graver } from "../failure.ts";
import { isFailure, type Result } from "../value.ts";

/** Makes a failure of what should have been a bool, and is none. */
type Judge = (result: Result) => ExpressionFailure;

function judge(builder: Builder, node: ASTNode): Judge {
  const wrong = builder.failure(node, "wrong_type", "is not a bool");
  return (result) => isFailure(result) ? result : wrong();
}

/** Records a problem where an operand cannot be a bool. */
export function checkCondition(builder: Builder, node: ASTNode, code: Code): void {
  if (!mayBe(code.type, "bool")) {
    builder.problem(node, `${sourceOf(node)} is ${nameOfType(code.type)}, not a bool`);
  }
}

/** `left && right` and `left || right` */
export function compileBinaryLogic(
  builder: Builder,
  [left, right]: readonly [ASTNode, ASTNode],
  decisive: boolean,
): Code {
  const first = builder.compile(left);
  const second = builder.compile(right);
  checkCondition(builder, left, first);
  checkCondition(builder, right, second);
  const run = connect(first.run, second.run, judge(builder, left), judge(builder, right), decisive);
  return { type: "bool", run };
}

function connect(
  left: () => Result,
  right: () => Result,
  judgeLeft: Judge,
  judgeRight: Judge,
  decisive: boolean,
): () => Result {
  return () => {
    const first = left();
    if (first === decisive) return decisive;
    const second = right();
    if (second === decisive) return decisive;
    if (typeof first === "boolean") return typeof second === "boolean" ? second : judgeRight(second);
    const failure = judgeLeft(first);
    return typeof second === "boolean" ? failure : graver(failure, judgeRight(second));
  };
}

/** `!value` */
export function compileNot(builder: Builder, operand: ASTNode): Code {
  const code = builder.compile(operand);
  checkCondition(builder, operand, code);
  const fail = judge(builder, operand);
  const { run } = code;
  return {
    type: "bool",
    run: () => {
      const value = run();
      return typeof value === "boolean" ? !value : fail(value);
    },
  };
}

/** `condition ? value : otherwise` */
export function compileChoice(
  builder: Builder,
  [condition, consequent, alternative]: readonly [ASTNode, ASTNode, ASTNode],
): Code {
  const test = builder.compile(condition);
  checkCondition(builder, condition, test);
  const first = builder.compile(consequent);
  const second = builder.compile(alternative);
  const fail = judge(builder, condition);
  return {
    type: first.type === second.type ? first.type : "dyn",
    run: () => {
      const is = test.run();
      if (is === true) return first.run();
      return is === false ? second.run() : fail(is);
    },
  };
}
