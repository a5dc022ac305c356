/**
 * Makes functions of a schema: one for each keyword, which calls those of the schemas within it. No code is generated
 * as text.
 *
 * @module
 */

import { arrayKeywords } from "./array_keywords.ts";
import type { KeywordCompiler, KeywordContext } from "./keyword.ts";
import { logicKeywords } from "./logic_keywords.ts";
import { objectKeywords } from "./object_keywords.ts";
import type { Place, Places, Schema } from "./places.ts";
import { type Check, Seen } from "./run.ts";
import { scalarKeywords } from "./scalar_keywords.ts";
import { keywordsOf } from "./validity.ts";
import type { JsonObject } from "./values.ts";

const COMPILERS: Readonly<Record<string, KeywordCompiler>> = {
  ...scalarKeywords,
  ...logicKeywords,
  ...objectKeywords,
  ...arrayKeywords,
};

/** They look at what all others have left over, and so come last. */
const LAST = ["unevaluatedProperties", "unevaluatedItems"];

const ACCEPT: Check = () => true;
const REFUSE: Check = (_value, run) => run.fail("false");

/** Compiles a schema whose validity has been found out. */
export class Compiler {
  readonly #places: Places;
  readonly #checks = new Map<JsonObject, Check>();
  readonly #begun = new Set<JsonObject>();

  constructor(places: Places) {
    this.#places = places;
  }

  compile(schema: Schema): Check {
    if (typeof schema === "boolean") return schema ? ACCEPT : REFUSE;
    const known = this.#checks.get(schema);
    if (known !== undefined) return known;
    if (this.#begun.has(schema)) return this.#later(schema);
    this.#begun.add(schema);
    const check = this.#compileObject(schema);
    this.#checks.set(schema, check);
    return check;
  }

  #later(schema: JsonObject): Check {
    let check: Check | undefined;
    return (value, run, seen) => {
      check ??= this.#checks.get(schema)!;
      return check(value, run, seen);
    };
  }

  #compileObject(schema: JsonObject): Check {
    const place = this.#places.placeOf(schema);
    const context: KeywordContext = {
      place,
      places: this.#places,
      compile: (child) => this.compile(child as Schema),
      refer: (child) => this.compile(child),
    };
    const all = keywordsOf(this.#places, schema);
    const ordered = [
      ...all.filter(([name]) => !LAST.includes(name)),
      ...all.filter(([name]) => LAST.includes(name)),
    ];
    const names: string[] = [];
    const checks: Check[] = [];
    for (const [name, value] of ordered) {
      const check = COMPILERS[name]?.(value as never, context);
      if (check === undefined) continue;
      names.push(name);
      checks.push(check);
    }
    const check = all.some(([name]) => LAST.includes(name))
      ? lookingBack(names, checks)
      : inOrder(names, checks);
    const entersResource = this.#places.isDynamic && place.resource.root === schema;
    return entersResource ? within(place, check) : check;
  }
}

function inOrder(names: readonly string[], checks: readonly Check[]): Check {
  const { length } = checks;
  return (value, run, seen) => {
    run.spend(1);
    for (let index = 0; index < length; index++) {
      if (!checks[index]!(value, run, seen)) return run.fail(names[index]!);
    }
    return true;
  };
}

/** With what its keywords have looked at apart from what was looked at before. */
function lookingBack(names: readonly string[], checks: readonly Check[]): Check {
  const check = inOrder(names, checks);
  return (value, run, seen) => {
    const own = new Seen();
    if (!check(value, run, own)) return false;
    seen?.add(own);
    return true;
  };
}

function within({ resource }: Place, check: Check): Check {
  return (value, run, seen) => {
    run.scope.push(resource);
    const passes = check(value, run, seen);
    run.scope.pop();
    return passes;
  };
}
