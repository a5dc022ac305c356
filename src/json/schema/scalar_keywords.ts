/**
 * Keywords about values of any type, numbers and texts.
 *
 * @module
 */

import type { KeywordCompiler } from "./keyword.ts";
import { Pattern } from "./pattern/pattern.ts";
import type { Check } from "./run.ts";
import { canonicalText, characterCount, HAS_TYPE, isMultipleOf, type TypeName } from "./values.ts";

/** Characters that are counted in about the time that anything else takes one step. */
const CHARACTERS_PER_STEP = 64;

function compileType(given: TypeName | readonly TypeName[]): Check {
  if (typeof given === "string") return HAS_TYPE[given];
  const checks = given.map((type) => HAS_TYPE[type]);
  return (value) => checks.some((check) => check(value));
}

/** Most values are scalars, which are found at once; objects and lists are compared as text. */
function compileEnum(values: readonly unknown[]): Check {
  const scalars = new Set(values.filter((value) => !isContainer(value)));
  const containers = new Set(values.filter(isContainer).map((value) => canonicalText(value, () => {})));
  return (value, run) => {
    if (!isContainer(value)) return scalars.has(value);
    return containers.size > 0 && containers.has(canonicalText(value, (steps) => run.spend(steps)));
  };
}

function isContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function ofNumber(check: (value: number, limit: number) => boolean): KeywordCompiler {
  return (limit: number): Check => (value) => typeof value !== "number" || check(value, limit);
}

/** No text has fewer characters than half its length, or more than its length. */
function compileMinLength(limit: number): Check {
  return (value, run) => {
    if (typeof value !== "string" || value.length >= 2 * limit) return true;
    if (value.length < limit) return false;
    run.spend(value.length / CHARACTERS_PER_STEP);
    return characterCount(value) >= limit;
  };
}

function compileMaxLength(limit: number): Check {
  return (value, run) => {
    if (typeof value !== "string" || value.length <= limit) return true;
    if (value.length > 2 * limit) return false;
    run.spend(value.length / CHARACTERS_PER_STEP);
    return characterCount(value) <= limit;
  };
}

function compilePattern(text: string): Check {
  const pattern = new Pattern(text);
  return (value, run) => typeof value !== "string" || pattern.test(value, run);
}

/** Each by its name. */
export const scalarKeywords: Readonly<Record<string, KeywordCompiler>> = {
  type: compileType,
  enum: compileEnum,
  const: (value: unknown) => compileEnum([value]),
  multipleOf: ofNumber(isMultipleOf),
  maximum: ofNumber((value, limit) => value <= limit),
  exclusiveMaximum: ofNumber((value, limit) => value < limit),
  minimum: ofNumber((value, limit) => value >= limit),
  exclusiveMinimum: ofNumber((value, limit) => value > limit),
  minLength: compileMinLength,
  maxLength: compileMaxLength,
  pattern: compilePattern,
};
