/**
 * Keywords about objects.
 *
 * @module
 */

import type { KeywordCompiler, KeywordContext } from "./keyword.ts";
import { Pattern } from "./pattern/pattern.ts";
import type { Check, Run } from "./run.ts";
import { hasOwn, isInherited, isObject, type JsonObject } from "./values.ts";

function compileProperties(schemas: JsonObject, { compile }: KeywordContext): Check {
  const names = Object.keys(schemas);
  const checks = names.map((name) => compile(schemas[name]));
  const inherited = names.map(isInherited);
  const { length } = names;
  return (value, run, seen) => {
    if (!isObject(value)) return true;
    for (let index = 0; index < length; index++) {
      const name = names[index]!;
      const child = value[name];
      if (child === undefined || (inherited[index] === true && !Object.hasOwn(value, name))) continue;
      if (!checks[index]!(child, run, undefined)) return run.failIn(name);
      seen?.properties.add(name);
    }
    return true;
  };
}

function compilePatternProperties(schemas: JsonObject, { compile }: KeywordContext): Check {
  const pairs = Object.entries(schemas).map(([pattern, schema]) =>
    [new Pattern(pattern), compile(schema)] as const
  );
  return (value, run, seen) => {
    if (!isObject(value)) return true;
    for (const name of Object.keys(value)) {
      for (const [pattern, check] of pairs) {
        if (!pattern.test(name, run)) continue;
        if (!check(value[name], run, undefined)) return run.failIn(name);
        seen?.properties.add(name);
      }
    }
    return true;
  };
}

/** Whatever neither `properties` nor `patternProperties` names. */
function compileAdditionalProperties(schema: unknown, { compile, place }: KeywordContext): Check {
  const { properties = {}, patternProperties = {} } = place.schema as Record<string, JsonObject>;
  const named = new Set(Object.keys(properties));
  const patterns = Object.keys(patternProperties).map((pattern) => new Pattern(pattern));
  const check = compile(schema);
  return (value, run, seen) => {
    if (!isObject(value)) return true;
    for (const name in value) {
      if (named.has(name) || patterns.some((pattern) => pattern.test(name, run))) continue;
      if (!check(value[name], run, undefined)) return run.failIn(name);
      seen?.properties.add(name);
    }
    return true;
  };
}

function compileUnevaluatedProperties(schema: unknown, { compile }: KeywordContext): Check {
  const check = compile(schema);
  return (value, run, seen) => {
    if (!isObject(value)) return true;
    for (const name in value) {
      if (seen!.hasProperty(name)) continue;
      if (!check(value[name], run, undefined)) return run.failIn(name);
    }
    seen!.hasAllProperties = true;
    return true;
  };
}

function compilePropertyNames(schema: unknown, { compile }: KeywordContext): Check {
  const check = compile(schema);
  return (value, run) => {
    if (!isObject(value)) return true;
    for (const name in value) if (!check(name, run, undefined)) return run.failIn(name);
    return true;
  };
}

function compileRequired(names: readonly string[]): Check {
  const { length } = names;
  if (names.some(isInherited)) {
    return (value) => !isObject(value) || names.every((name) => hasOwn(value, name));
  }
  return (value) => {
    if (!isObject(value)) return true;
    for (let index = 0; index < length; index++) if (value[names[index]!] === undefined) return false;
    return true;
  };
}

function compileDependentRequired(byName: Readonly<Record<string, readonly string[]>>): Check {
  const required = Object.entries(byName);
  return (value) =>
    !isObject(value) ||
    required.every(([name, names]) => !hasOwn(value, name) || names.every((other) => hasOwn(value, other)));
}

function ofCount(check: (count: number, limit: number) => boolean): KeywordCompiler {
  return (limit: number): Check => (value, run) =>
    !isObject(value) || check(propertyCount(value, run), limit);
}

function propertyCount(value: JsonObject, run: Run): number {
  const { length } = Object.keys(value);
  run.spend(length / 8);
  return length;
}

/** Each by its name. */
export const objectKeywords: Readonly<Record<string, KeywordCompiler>> = {
  required: compileRequired,
  dependentRequired: compileDependentRequired,
  maxProperties: ofCount((count, limit) => count <= limit),
  minProperties: ofCount((count, limit) => count >= limit),
  propertyNames: compilePropertyNames,
  properties: compileProperties,
  patternProperties: compilePatternProperties,
  additionalProperties: compileAdditionalProperties,
  unevaluatedProperties: compileUnevaluatedProperties,
};
