/**
 * Keywords that put schemas together, and references.
 *
 * @module
 */

import type { KeywordCompiler, KeywordContext } from "./keyword.ts";
import { type Check, type Run, Seen } from "./run.ts";
import { isObject, type JsonObject } from "./values.ts";

function compileAllOf(schemas: readonly unknown[], { compile }: KeywordContext): Check {
  const checks = schemas.map(compile);
  return (value, run, seen) => checks.every((check) => check(value, run, seen));
}

/** All of them are asked where it matters what they look at. */
function compileAnyOf(schemas: readonly unknown[], { compile }: KeywordContext): Check {
  const checks = schemas.map(compile);
  return (value, run, seen) => {
    if (seen === undefined) return checks.some((check) => run.attempt(check, value, undefined));
    return checks.filter((check) => attemptSeen(check, value, run, seen)).length > 0;
  };
}

function compileOneOf(schemas: readonly unknown[], { compile }: KeywordContext): Check {
  const checks = schemas.map(compile);
  return (value, run, seen) => {
    let passed = 0;
    for (const check of checks) {
      if (attemptSeen(check, value, run, seen) && ++passed > 1) return false;
    }
    return passed === 1;
  };
}

function compileNot(schema: unknown, { compile }: KeywordContext): Check {
  const check = compile(schema);
  // What is looked at in vain is not looked at, but must be, for a schema within that asks for it.
  return (value, run, seen) => !run.attempt(check, value, seen === undefined ? undefined : new Seen());
}

function compileIf(schema: unknown, { compile, place }: KeywordContext): Check {
  const condition = compile(schema);
  const { then = true, else: otherwise = true } = place.schema;
  const [whenTrue, whenFalse] = [compile(then), compile(otherwise)];
  return (value, run, seen) =>
    attemptSeen(condition, value, run, seen) ? whenTrue(value, run, seen) : whenFalse(value, run, seen);
}

/** Adds what a schema has looked at if the value passes it. */
export function attemptSeen(check: Check, value: unknown, run: Run, seen: Seen | undefined): boolean {
  if (seen === undefined) return run.attempt(check, value, undefined);
  const own = new Seen();
  if (!run.attempt(check, value, own)) return false;
  seen.add(own);
  return true;
}

function compileDependentSchemas(schemas: JsonObject, { compile }: KeywordContext): Check {
  const checks = Object.entries(schemas).map(([name, schema]) => [name, compile(schema)] as const);
  return (value, run, seen) =>
    !isObject(value) ||
    checks.every(([name, check]) => !Object.hasOwn(value, name) || check(value, run, seen));
}

/** Of draft-07: a list of names that must be there too, or a schema. */
function compileDependencies(given: JsonObject, context: KeywordContext): Check {
  const checks = Object.entries(given).map(([name, dependency]) =>
    [name, Array.isArray(dependency) ? requiring(dependency) : context.compile(dependency)] as const
  );
  return (value, run, seen) =>
    !isObject(value) ||
    checks.every(([name, check]) => !Object.hasOwn(value, name) || check(value, run, seen));
}

function requiring(names: readonly string[]): Check {
  return (value) => names.every((name) => Object.hasOwn(value as JsonObject, name));
}

function compileRef(reference: string, { places, place, refer }: KeywordContext): Check {
  const target = places.resolve(reference, place, "$ref");
  const check = refer(target);
  return places.isDynamic && isObject(target)
    ? inResourceOf(target, check, { places } as KeywordContext)
    : check;
}

/** Whoever refers into the middle of another resource has entered that, too. */
function inResourceOf(target: JsonObject, check: Check, { places }: Pick<KeywordContext, "places">): Check {
  const { resource } = places.placeOf(target);
  if (resource.root === target) return check;
  return (value, run, seen) => {
    run.scope.push(resource);
    const passes = check(value, run, seen);
    run.scope.pop();
    return passes;
  };
}

/** Leads to the outermost resource on the way that has such an anchor (JSON Schema 2020-12 core, section 8.2.3.2). */
function compileDynamicRef(reference: string, context: KeywordContext): Check {
  const { places, place, refer } = context;
  const initial = places.resolve(reference, place, "$dynamicRef");
  const name = places.dynamicName(reference, initial);
  if (name === undefined) {
    return isObject(initial) ? inResourceOf(initial, refer(initial), context) : refer(initial);
  }
  const checks = new Map<JsonObject, Check>();
  for (const { resource } of places) {
    const target = resource.dynamicAnchors.get(name);
    if (target !== undefined) checks.set(target, inResourceOf(target, refer(target), context));
  }
  return (value, run, seen) => {
    const resource = run.scope.find(({ dynamicAnchors }) => dynamicAnchors.has(name));
    const target = resource?.dynamicAnchors.get(name) ?? (initial as JsonObject);
    return checks.get(target)!(value, run, seen);
  };
}

/** Each by its name. */
export const logicKeywords: Readonly<Record<string, KeywordCompiler>> = {
  $ref: compileRef,
  $dynamicRef: compileDynamicRef,
  allOf: compileAllOf,
  anyOf: compileAnyOf,
  oneOf: compileOneOf,
  not: compileNot,
  if: compileIf,
  dependentSchemas: compileDependentSchemas,
  dependencies: compileDependencies,
};
