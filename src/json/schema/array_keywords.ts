/**
 * Keywords about arrays.
 *
 * @module
 */

import type { KeywordCompiler, KeywordContext } from "./keyword.ts";
import type { Check, Run, Seen } from "./run.ts";
import { canonicalText } from "./values.ts";

/** The items from one on. */
function compileRest(check: Check, from: number): Check {
  return (value, run, seen) => {
    if (!Array.isArray(value)) return true;
    for (let index = from; index < value.length; index++) {
      if (!check(value[index], run, undefined)) return run.failIn(index);
    }
    if (seen !== undefined) seen.hasAllItems = true;
    return true;
  };
}

function compileTuple(schemas: readonly unknown[], { compile }: KeywordContext): Check {
  const checks = schemas.map(compile);
  return (value, run, seen) => {
    if (!Array.isArray(value)) return true;
    const count = Math.min(checks.length, value.length);
    for (let index = 0; index < count; index++) {
      if (!checks[index]!(value[index], run, undefined)) return run.failIn(index);
    }
    if (seen !== undefined) seen.itemsUpTo = Math.max(seen.itemsUpTo, count);
    return true;
  };
}

/** In draft-07 `items` may be a list of schemas, which is called `prefixItems` in 2020-12. */
function compileItems(given: unknown, context: KeywordContext): Check {
  if (Array.isArray(given)) return compileTuple(given, context);
  const { prefixItems } = context.place.schema;
  const isNew = context.places.dialect.draft === "2020-12";
  return compileRest(context.compile(given), isNew && Array.isArray(prefixItems) ? prefixItems.length : 0);
}

function compileAdditionalItems(schema: unknown, { compile, place }: KeywordContext): Check | undefined {
  const { items } = place.schema;
  return Array.isArray(items) ? compileRest(compile(schema), items.length) : undefined;
}

function compileContains(schema: unknown, { compile, place, places }: KeywordContext): Check {
  const check = compile(schema);
  const counts = places.dialect.draft === "2020-12";
  const { minContains = 1, maxContains = Infinity } = (counts ? place.schema : {}) as Record<string, number>;
  return (value, run, seen) => {
    if (!Array.isArray(value)) return true;
    const found = countItems(value, check, run, seen, maxContains === Infinity ? minContains : Infinity);
    return found >= minContains && found <= maxContains;
  };
}

/** @param enough where counting may stop, unless it matters which items they are */
function countItems(
  items: readonly unknown[],
  check: Check,
  run: Run,
  seen: Seen | undefined,
  enough: number,
): number {
  let count = 0;
  for (let index = 0; index < items.length; index++) {
    if (seen === undefined && count >= enough) break;
    if (!run.attempt(check, items[index], undefined)) continue;
    count++;
    seen?.items.add(index);
  }
  return count;
}

function compileUnevaluatedItems(schema: unknown, { compile }: KeywordContext): Check {
  const check = compile(schema);
  return (value, run, seen) => {
    if (!Array.isArray(value)) return true;
    for (let index = 0; index < value.length; index++) {
      if (seen!.hasItem(index)) continue;
      if (!check(value[index], run, undefined)) return run.failIn(index);
    }
    seen!.hasAllItems = true;
    return true;
  };
}

/** Objects and arrays are compared as text, so that the time grows with their number and not with its square. */
function compileUniqueItems(isAsked: boolean): Check | undefined {
  if (!isAsked) return undefined;
  return (value, run) => {
    if (!Array.isArray(value)) return true;
    run.spend(2 * value.length);
    const scalars = new Set<unknown>();
    const containers = new Set<string>();
    let count = 0;
    for (const item of value) {
      if (typeof item === "object" && item !== null) {
        containers.add(canonicalText(item, (steps) => run.spend(steps)));
      } else scalars.add(item);
      if (scalars.size + containers.size !== ++count) return run.failIn(count - 1);
    }
    return true;
  };
}

function ofLength(check: (length: number, limit: number) => boolean): KeywordCompiler {
  return (limit: number): Check => (value) => !Array.isArray(value) || check(value.length, limit);
}

/** Each by its name. */
export const arrayKeywords: Readonly<Record<string, KeywordCompiler>> = {
  maxItems: ofLength((length, limit) => length <= limit),
  minItems: ofLength((length, limit) => length >= limit),
  uniqueItems: compileUniqueItems,
  prefixItems: compileTuple,
  items: compileItems,
  additionalItems: compileAdditionalItems,
  contains: compileContains,
  unevaluatedItems: compileUnevaluatedItems,
};
