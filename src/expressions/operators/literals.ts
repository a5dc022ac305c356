/**
 * Lists and maps that an expression makes.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { quotedName } from "../../schema/nearest_name.ts";
import { type Builder, type Code, mayBe, nameOfType } from "../code.ts";
import { isFailure, type Result, type Value } from "../value.ts";

/** `[1, body.x]` */
export function compileList(builder: Builder, elements: readonly ASTNode[]): Code {
  const codes = elements.map((element) => builder.compile(element));
  const constants = codes.map(({ constant }) => constant).filter((constant) => constant !== undefined);
  if (constants.length === codes.length) return { type: "list", run: () => constants };
  const runs = codes.map(({ run }) => run);
  return {
    type: "list",
    run: () => {
      const values: Value[] = [];
      for (const run of runs) {
        const value = run();
        if (isFailure(value)) return value;
        values.push(value);
      }
      return values;
    },
  };
}

interface Entry {
  readonly key: Code;
  readonly value: Code;
}

/** `{"id": body.id}`. Keys are texts, as in JSON. */
export function compileMap(
  builder: Builder,
  node: ASTNode,
  members: readonly (readonly [ASTNode, ASTNode])[],
): Code {
  const entries = members.map(([key, value]): Entry => {
    const name = builder.compile(key);
    if (!mayBe(name.type, "string")) {
      builder.problem(key, `A key is a string here, as in JSON, not ${nameOfType(name.type)}`);
    }
    return { key: name, value: builder.compile(value) };
  });
  const names = entries.map(({ key }) => key.constant).filter((name) => typeof name === "string");
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice !== -1) return builder.problem(node, `The key ${quotedName(names[twice]!)} stands here twice`);
  const isKnown = names.length === entries.length && !names.includes("__proto__");
  return { type: "map", run: isKnown ? knownMap(names, entries) : map(builder, node, entries) };
}

/** Copies a map with all its keys and sets their values, which takes a third of adding them one by one. */
function knownMap(names: readonly string[], entries: readonly Entry[]): () => Result {
  const template: Record<string, Value> = Object.fromEntries(names.map((name) => [name, null]));
  const runs = entries.map(({ value }) => value.run);
  return () => {
    const made = { ...template };
    for (let index = 0; index < runs.length; index++) {
      const value = runs[index]!();
      if (isFailure(value)) return value;
      made[names[index]!] = value;
    }
    return made;
  };
}

function map(builder: Builder, node: ASTNode, entries: readonly Entry[]): () => Result {
  const wrong = builder.failure(node, "wrong_type", "has a key that is not a string");
  const twice = builder.failure(node, "duplicate_key", "has a key twice");
  const { frame } = builder;
  return () => {
    const made: Record<string, Value> = {};
    for (const entry of entries) {
      const name = entry.key.run();
      if (typeof name !== "string") return isFailure(name) ? name : wrong();
      const value = entry.value.run();
      if (isFailure(value)) return value;
      frame.budget.spendText(name.length);
      if (Object.hasOwn(made, name)) return twice();
      setMember(made, name, value);
    }
    return made;
  };
}

/** Sets a member whatever it is called: an assignment to `__proto__` would be none. */
function setMember(map: Record<string, Value>, name: string, value: Value): void {
  if (name === "__proto__") {
    Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
  } else map[name] = value;
}
