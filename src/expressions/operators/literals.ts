/**
 * Lists and maps that an expression makes.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
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
  readonly key: () => Result;
  readonly value: () => Result;
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
    return { key: name.run, value: builder.compile(value).run };
  });
  const wrong = builder.failure(node, "wrong_type", "has a key that is not a string");
  const twice = builder.failure(node, "duplicate_key", "has a key twice");
  const { frame } = builder;
  return {
    type: "map",
    run: () => {
      const map: Record<string, Value> = {};
      for (const entry of entries) {
        const name = entry.key();
        if (typeof name !== "string") return isFailure(name) ? name : wrong();
        const value = entry.value();
        if (isFailure(value)) return value;
        frame.budget.spendText(name.length);
        if (Object.hasOwn(map, name)) return twice();
        setMember(map, name, value);
      }
      return map;
    },
  };
}

/** Sets a member whatever it is called: an assignment to `__proto__` would be none. */
function setMember(map: Record<string, Value>, name: string, value: Value): void {
  if (name === "__proto__") {
    Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
  } else map[name] = value;
}
