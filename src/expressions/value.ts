/**
 * The values of the language, and how JSON and JavaScript hold them.
 *
 * @module
 */

import type { LongDecimal } from "../json/exact_numbers.ts";
import { ExpressionFailure } from "./failure.ts";

/** A map with names as keys. Only its own members count, whatever they are called. */
export interface ValueMap {
  readonly [name: string]: Value;
}

/**
 * A value: `bigint` is an `int`, `number` is a `double`. An integer of a body that a double cannot hold is a `bigint`,
 * and a decimal that it cannot hold a {@linkcode LongDecimal}, which counts as the `double` next to it.
 */
export type Value = null | boolean | bigint | number | string | LongDecimal | readonly Value[] | ValueMap;

/** A value, or why there is none. */
export type Result = Value | ExpressionFailure;

/** What is known of a value before there is one. `dyn` is anything. */
export type StaticType = "null" | "bool" | "int" | "double" | "string" | "list" | "map" | "dyn";

/** Names with a text each, of which one is asked for at a time; an expression has them as a map of texts. */
export interface Texts {
  /** The text of a name, `undefined` where there is none. */
  get(name: string): string | undefined;
  /** All names that have a text. */
  names(): readonly string[];
}

/** Whether a value is a map. */
export function isMap(value: unknown): value is ValueMap {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether there is no value. */
export function isFailure(result: unknown): result is ExpressionFailure {
  return result instanceof ExpressionFailure;
}
