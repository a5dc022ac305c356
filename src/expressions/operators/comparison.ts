/**
 * `==`, `!=`, `in`, and the four that ask for an order.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { type Builder, type Code, mayBe, nameOfType } from "../code.ts";
import { areEqual, compareNumbers, compareTexts, isList, numberOf } from "../equality.ts";
import { isFailure, isMap, type Result, type StaticType, type Value } from "../value.ts";

/** `left == right`, or `left != right` where `equal` is false. */
export function compileEquality(
  builder: Builder,
  node: ASTNode,
  [left, right]: readonly [ASTNode, ASTNode],
  equal: boolean,
): Code {
  const first = builder.compile(left);
  const second = builder.compile(right);
  if (!areComparable(first.type, second.type)) {
    return builder.problem(node, `${nameOfType(first.type)} never equals ${nameOfType(second.type)}`);
  }
  return { type: "bool", run: equality(builder, first, second, equal) };
}

function equality(builder: Builder, left: Code, right: Code, equal: boolean): () => Result {
  if (right.constant !== undefined) return equalityWith(right.constant, left.run, equal);
  if (left.constant !== undefined) return equalityWith(left.constant, right.run, equal);
  const { frame } = builder;
  return () => {
    const first = left.run();
    if (isFailure(first)) return first;
    const second = right.run();
    return isFailure(second) ? second : areEqual(first, second, frame.budget) === equal;
  };
}

/** With a literal, whose length bounds what the comparison takes. */
function equalityWith(constant: Value, run: () => Result, equal: boolean): () => Result {
  if (typeof constant === "bigint" || typeof constant === "number") return equalNumber(constant, run, equal);
  return () => {
    const value = run();
    if (value === constant) return equal;
    return isFailure(value) ? value : !equal;
  };
}

function equalNumber(constant: number | bigint, run: () => Result, equal: boolean): () => Result {
  const near = Number(constant);
  return () => {
    const value = run();
    if (isFailure(value)) return value;
    if (typeof value === "number" && value !== near) return !equal;
    const number = numberOf(value);
    return (number !== undefined && compareNumbers(number, constant) === 0) === equal;
  };
}

function areComparable(left: StaticType, right: StaticType): boolean {
  return left === right || left === "dyn" || right === "dyn" || left === "null" || right === "null" ||
    isNumeric(left) && isNumeric(right);
}

function isNumeric(type: StaticType): boolean {
  return type === "int" || type === "double";
}

/** The operators that ask for an order. */
export type OrderOperator = "<" | "<=" | ">" | ">=";

/** What the sign of a difference means; NaN is none of them. */
const ORDERS: Readonly<Record<OrderOperator, (difference: number) => boolean>> = {
  "<": (difference) => difference < 0,
  "<=": (difference) => difference <= 0,
  ">": (difference) => difference > 0,
  ">=": (difference) => difference >= 0,
};

const ORDERED: readonly StaticType[] = ["bool", "int", "double", "string"];

/** `left < right` and the like, of two numbers, two texts or two bools. */
export function compileOrder(
  builder: Builder,
  node: ASTNode,
  [left, right]: readonly [ASTNode, ASTNode],
  operator: OrderOperator,
): Code {
  const first = builder.compile(left);
  const second = builder.compile(right);
  const is = ORDERS[operator];
  if (![first, second].every(({ type }) => mayBe(type, ...ORDERED)) || !areOrdered(first.type, second.type)) {
    return builder.problem(
      node,
      `${nameOfType(first.type)} and ${nameOfType(second.type)} have no order between them`,
    );
  }
  const { frame } = builder;
  const wrong = builder.failure(node, "wrong_type", "compares values that have no order between them");
  return {
    type: "bool",
    run: () => {
      const a = first.run();
      if (isFailure(a)) return a;
      const b = second.run();
      if (isFailure(b)) return b;
      if (typeof a === "number" && typeof b === "number") return is(compareNumbers(a, b));
      if (typeof a === "string" && typeof b === "string") return is(compareTexts(a, b, frame.budget));
      if (typeof a === "boolean" && typeof b === "boolean") return is(Number(a) - Number(b));
      const x = numberOf(a);
      const y = numberOf(b);
      return x === undefined || y === undefined ? wrong() : is(compareNumbers(x, y));
    },
  };
}

function areOrdered(left: StaticType, right: StaticType): boolean {
  return left === right || left === "dyn" || right === "dyn" || isNumeric(left) && isNumeric(right);
}

/** `value in list` and `"name" in map` */
export function compileMembership(
  builder: Builder,
  node: ASTNode,
  [left, right]: readonly [ASTNode, ASTNode],
): Code {
  const element = builder.compile(left);
  const container = builder.compile(right);
  if (!mayBe(container.type, "list", "map")) {
    return builder.problem(node, `${nameOfType(container.type)} holds no values that something could be in`);
  }
  const { frame } = builder;
  const wrong = builder.failure(
    node,
    "wrong_type",
    "asks for a value in another one that cannot hold it",
  );
  return {
    type: "bool",
    run: () => {
      const value = element.run();
      if (isFailure(value)) return value;
      const holder = container.run();
      if (isList(holder as Value)) {
        const list = holder as readonly Value[];
        frame.budget.spend(list.length);
        return list.some((member) => areEqual(value, member, frame.budget));
      }
      if (!isMap(holder)) return isFailure(holder) ? holder : wrong();
      if (typeof value !== "string") return typeof value === "object" ? wrong() : false;
      frame.budget.spendText(value.length);
      return Object.hasOwn(holder, value);
    },
  };
}
