/**
 * Functions that are for more than texts: the size of values, and values of one type as those of another.
 *
 * @module
 */

import { LongDecimal } from "../../json/exact_numbers.ts";
import { isList } from "../equality.ts";
import { fitsInt } from "../operators/int.ts";
import { namesOf } from "../names.ts";
import { isMap, type Result, type StaticType, type Value, type ValueMap } from "../value.ts";
import { countCodePoints } from "./code_points.ts";
import type { Call, FunctionDeclaration } from "./declaration.ts";

const SIZED: readonly StaticType[] = ["string", "list", "map"];

/** All of them. */
export const conversions: readonly FunctionDeclaration[] = [
  {
    name: "size",
    isMethod: false,
    parameters: [SIZED],
    type: "int",
    summary: "How many characters a text has, elements a list, or members a map.",
    run: size,
  },
  {
    name: "size",
    isMethod: true,
    parameters: [SIZED],
    type: "int",
    summary: "The same as a method.",
    run: size,
  },
  {
    name: "string",
    isMethod: false,
    parameters: [["string", "int", "double", "bool"]],
    type: "string",
    summary: "The text of a number or a bool.",
    run: toText,
  },
  {
    name: "int",
    isMethod: false,
    parameters: [["int", "double", "string"]],
    type: "int",
    summary: "The whole part of a number, or the integer that a text writes in decimal.",
    run: toInt,
  },
  {
    name: "double",
    isMethod: false,
    parameters: [["double", "int", "string"]],
    type: "double",
    summary: "The number next to an int that a double holds, or the number that a text writes.",
    run: toDouble,
  },
  {
    name: "bool",
    isMethod: false,
    parameters: [["bool", "string"]],
    type: "bool",
    summary: "The bool that a text writes, such as `true`, `t` and `1`.",
    run: toBool,
  },
  {
    name: "dyn",
    isMethod: false,
    parameters: [["dyn"]],
    type: "dyn",
    summary: "The value, of which nothing is known before it is there.",
    run: (_call, value) => value!,
  },
  {
    name: "join",
    isMethod: true,
    parameters: [["list"]],
    type: "string",
    summary: "The texts of a list behind each other.",
    run: (call, list) => join(call, list!, ""),
  },
  {
    name: "join",
    isMethod: true,
    parameters: [["list"], ["string"]],
    type: "string",
    summary: "The same, with a separator between them.",
    run: (call, list, separator) => join(call, list!, separator as string),
  },
];

function size({ budget }: Call, value?: Value): Result {
  if (typeof value === "string") return BigInt(countCodePoints(value, budget));
  if (isList(value!)) return BigInt(value.length);
  return BigInt(namesOf(value as ValueMap, budget).length);
}

/** Steps for a number that is read out of a text, or written as one. */
const NUMBER_COST = 2;

function toText({ budget }: Call, value?: Value): Result {
  if (typeof value === "string") return value;
  budget.spend(NUMBER_COST);
  return value instanceof LongDecimal ? value.source : String(value);
}

const INTEGER = /^[+-]?[0-9]{1,19}$/;
const LEAST_INT = -(2 ** 63);

function toInt({ budget, fail }: Call, value?: Value): Result {
  if (typeof value === "string") {
    budget.spend(NUMBER_COST);
    if (!INTEGER.test(value)) return fail.notConvertible();
    return toInt64(BigInt(value.startsWith("+") ? value.slice(1) : value), fail);
  }
  if (typeof value === "bigint") return toInt64(value, fail);
  const double = value instanceof LongDecimal ? value.value : value as number;
  // The least int and the one behind the greatest: both are doubles, and neither is sure to be the number meant.
  return double > LEAST_INT && double < -LEAST_INT ? BigInt(Math.trunc(double)) : fail.outOfRange();
}

function toInt64(value: bigint, fail: Call["fail"]): Result {
  return fitsInt(value) ? value : fail.outOfRange();
}

const DECIMAL = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const SPECIAL: ReadonlyMap<string, number> = new Map([
  ["nan", NaN],
  ["inf", Infinity],
  ["+inf", Infinity],
  ["-inf", -Infinity],
  ["infinity", Infinity],
  ["+infinity", Infinity],
  ["-infinity", -Infinity],
]);

/** Longest text that writes a double, in characters. */
const MAX_DOUBLE = 64;

function toDouble({ budget, fail }: Call, value?: Value): Result {
  if (typeof value !== "string") return value instanceof LongDecimal ? value.value : Number(value);
  budget.spend(NUMBER_COST);
  if (value.length > MAX_DOUBLE) return fail.notConvertible();
  const special = SPECIAL.get(value.toLowerCase());
  if (special !== undefined) return special;
  return DECIMAL.test(value) ? Number(value) : fail.notConvertible();
}

const BOOLS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text): [string, boolean] => [text, true]),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text): [string, boolean] => [text, false]),
]);

function toBool({ fail }: Call, value?: Value): Result {
  return typeof value === "boolean" ? value : BOOLS.get(value as string) ?? fail.notConvertible();
}

function join({ budget, fail }: Call, list: Value, separator: string): Result {
  let length = 0;
  const elements = list as readonly Value[];
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index]!;
    if (typeof element !== "string") return fail.wrongType();
    budget.spend(1);
    length += element.length + (index === 0 ? 0 : separator.length);
    budget.checkText(length);
  }
  budget.spendText(length);
  return elements.join(separator);
}

/** Whether a value is of a type, as it is when there is one. */
export const TYPE_CHECKS: Readonly<Record<StaticType, (value: Value) => boolean>> = {
  null: (value) => value === null,
  bool: (value) => typeof value === "boolean",
  int: (value) => typeof value === "bigint",
  double: (value) => typeof value === "number" || value instanceof LongDecimal,
  string: (value) => typeof value === "string",
  list: isList,
  map: isMap,
  dyn: () => true,
};
