/**
 * `+ - * / %` and the sign. Integers have 64 bits and never wrap around.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { LongDecimal } from "../../json/exact_numbers.ts";
import { type Builder, type Code, mayBe, nameOfType } from "../code.ts";
import type { ExpressionFailure } from "../failure.ts";
import { isList } from "../equality.ts";
import { isFailure, type Result, type StaticType, type Value } from "../value.ts";
import { fitsInt } from "./int.ts";

/** The operators of arithmetic with two operands. */
export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%";

const OPERANDS: Readonly<Record<ArithmeticOperator, readonly StaticType[]>> = {
  "+": ["int", "double", "string", "list"],
  "-": ["int", "double"],
  "*": ["int", "double"],
  "/": ["int", "double"],
  "%": ["int"],
};

const INT_ARITHMETIC: Readonly<Record<ArithmeticOperator, (left: bigint, right: bigint) => bigint>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};

const DOUBLE_ARITHMETIC: Readonly<Record<ArithmeticOperator, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": () => NaN,
};

interface Failures {
  readonly wrong: () => ExpressionFailure;
  readonly range: () => ExpressionFailure;
  readonly zero: () => ExpressionFailure;
}

/** `left + right` and the like. */
export function compileArithmetic(
  builder: Builder,
  node: ASTNode,
  [left, right]: readonly [ASTNode, ASTNode],
  operator: ArithmeticOperator,
): Code {
  const first = builder.compile(left);
  const second = builder.compile(right);
  const type = resultType(first.type, second.type, operator);
  if (type === undefined) {
    return builder.problem(
      node,
      `${operator} is not for ${nameOfType(first.type)} and ${nameOfType(second.type)}`,
    );
  }
  const failures: Failures = {
    wrong: builder.failure(node, "wrong_type", `has operands that ${operator} is not for`),
    range: builder.failure(node, "number_out_of_range", "does not fit into 64 bits"),
    zero: builder.failure(node, "division_by_zero", "divides by zero"),
  };
  const calculate = calculator(builder, operator, failures);
  return {
    type,
    run: () => {
      const a = first.run();
      if (isFailure(a)) return a;
      const b = second.run();
      return isFailure(b) ? b : calculate(a, b);
    },
  };
}

/** What the operands make; `undefined` where they cannot be operands of it. */
function resultType(
  left: StaticType,
  right: StaticType,
  operator: ArithmeticOperator,
): StaticType | undefined {
  const allowed = OPERANDS[operator];
  if (!mayBe(left, ...allowed) || !mayBe(right, ...allowed)) return undefined;
  if (left === "dyn" || right === "dyn") {
    const known = left === "dyn" ? right : left;
    return known === "string" || known === "list" || known === "double" ? known : "dyn";
  }
  return left === right ? left : undefined;
}

type Calculate = (left: Value, right: Value) => Result;

function calculator(builder: Builder, operator: ArithmeticOperator, failures: Failures): Calculate {
  const { frame } = builder;
  const numbers = numberCalculator(operator, failures);
  if (operator !== "+") return numbers;
  return (left, right) => {
    if (typeof left === "string" && typeof right === "string") {
      frame.budget.spendMade(left.length + right.length);
      return left + right;
    }
    if (!isList(left) || !isList(right)) return numbers(left, right);
    frame.budget.spend(left.length + right.length);
    return [...left, ...right];
  };
}

function numberCalculator(operator: ArithmeticOperator, { wrong, range, zero }: Failures): Calculate {
  const calculateInts = INT_ARITHMETIC[operator];
  const calculateDoubles = DOUBLE_ARITHMETIC[operator];
  const isDivision = operator === "/" || operator === "%";
  const ints = (left: bigint, right: bigint): Result => {
    if (isDivision && right === 0n) return zero();
    const result = calculateInts(left, right);
    return fitsInt(result) ? result : range();
  };
  return (left, right) => {
    const a = left instanceof LongDecimal ? left.value : left;
    const b = right instanceof LongDecimal ? right.value : right;
    if (typeof a === "bigint" && typeof b === "bigint") return ints(a, b);
    if (typeof a === "number" && typeof b === "number") {
      return operator === "%" ? wrong() : calculateDoubles(a, b);
    }
    if (isDivision) return wrong();
    if (typeof a === "number" && typeof b === "bigint") return mixed(a, b, ints, calculateDoubles, false);
    if (typeof a === "bigint" && typeof b === "number") return mixed(b, a, ints, calculateDoubles, true);
    return wrong();
  };
}

/**
 * A number of a body meets an int. Numbers of JSON have no type, so that one that is whole counts as an int, and the
 * int as a double otherwise.
 */
function mixed(
  double: number,
  int: bigint,
  ints: (left: bigint, right: bigint) => Result,
  doubles: (left: number, right: number) => number,
  isIntFirst: boolean,
): Result {
  if (Number.isSafeInteger(double)) return isIntFirst ? ints(int, BigInt(double)) : ints(BigInt(double), int);
  return isIntFirst ? doubles(Number(int), double) : doubles(double, Number(int));
}

/** `-value` */
export function compileNegation(builder: Builder, node: ASTNode, operand: ASTNode): Code {
  if (operand.op === "value" && typeof operand.args === "bigint") {
    return literalInt(builder, node, -operand.args);
  }
  const code = builder.compile(operand);
  if (!mayBe(code.type, "int", "double")) {
    return builder.problem(node, `${nameOfType(code.type)} has no sign`);
  }
  const wrong = builder.failure(node, "wrong_type", "is asked of a value that is not a number");
  const range = builder.failure(node, "number_out_of_range", "does not fit into 64 bits");
  return {
    type: code.type,
    run: () => {
      const value = code.run();
      if (typeof value === "number") return -value;
      if (typeof value === "bigint") return fitsInt(-value) ? -value : range();
      if (value instanceof LongDecimal) return -value.value;
      return isFailure(value) ? value : wrong();
    },
  };
}

/** An integer of an expression. One that does not fit into 64 bits is a problem. */
export function literalInt(builder: Builder, node: ASTNode, value: bigint): Code {
  if (!fitsInt(value)) {
    return builder.problem(
      node,
      "An int has 64 bits with a sign: compare a larger number as text, with string()",
    );
  }
  return { type: "int", constant: value, run: () => value };
}
