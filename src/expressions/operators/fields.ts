/**
 * Variables, members, elements, and whether they are there.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { isList, numberOf } from "../equality.ts";
import { type Builder, type Code, mayBe, nameOfType } from "../code.ts";
import { isFailure, isMap, type Result, type Value } from "../value.ts";

/** `body.ref` */
export function compileMember(builder: Builder, node: ASTNode, holder: Code, name: string): Code {
  if (!mayBe(holder.type, "map", "null")) {
    return builder.problem(node, `"${name}" is asked of ${nameOfType(holder.type)}, which has no members`);
  }
  const missing = builder.failure(node, "missing_field", "is absent");
  const wrong = builder.failure(node, "wrong_type", "is asked of a value that has no members");
  const { run } = holder;
  const { onAbsent } = builder;
  return {
    type: "dyn",
    run: () => {
      const value = run();
      if (isMap(value)) {
        if (Object.hasOwn(value, name)) return value[name]!;
      } else if (isFailure(value)) return value;
      else if (value !== null) return wrong();
      onAbsent?.(node, value, name);
      return missing();
    },
  };
}

/** `body.list[0]` and `body["a name"]` */
export function compileIndex(builder: Builder, node: ASTNode, holder: Code, index: Code): Code {
  if (typeof index.constant === "string") return compileMember(builder, node, holder, index.constant);
  if (!mayBe(holder.type, "map", "list", "null")) {
    return builder.problem(node, `${nameOfType(holder.type)} has neither elements nor members`);
  }
  if (!mayBe(index.type, "string", "int", "double", "bool")) {
    return builder.problem(node, `${nameOfType(index.type)} is neither an index nor a name`);
  }
  const pick = picker(builder, node);
  return {
    type: "dyn",
    run: () => {
      const value = holder.run();
      if (isFailure(value)) return value;
      const key = index.run();
      return isFailure(key) ? key : pick(value, key);
    },
  };
}

function picker(builder: Builder, node: ASTNode): (holder: Value, key: Value) => Result {
  const { frame, onAbsent } = builder;
  const missing = builder.failure(node, "missing_field", "is absent");
  const outside = builder.failure(node, "index_out_of_range", "is outside of the list");
  const wrong = builder.failure(node, "wrong_type", "has a holder or an index of a wrong type");
  return (holder, key) => {
    if (isList(holder)) {
      const index = numberOf(key);
      if (index === undefined || !isWhole(index)) return wrong();
      return index >= 0 && index < holder.length ? holder[Number(index)]! : outside();
    }
    if (holder !== null && !isMap(holder)) return wrong();
    if (holder !== null && typeof key === "string") {
      frame.budget.spendText(key.length);
      if (Object.hasOwn(holder, key)) return holder[key]!;
    }
    onAbsent?.(node, holder, key);
    return missing();
  };
}

function isWhole(value: number | bigint): boolean {
  return typeof value === "bigint" || Number.isInteger(value);
}

/**
 * `has(body.a.b)`: whether there is a way to the end. An absent `a` is no error: that is what one asks for.
 */
export function compilePresence(builder: Builder, node: ASTNode, holder: Code, name: string): Code {
  const wrong = builder.failure(node, "wrong_type", "is asked of a value that has no members");
  const { onAbsent } = builder;
  return {
    type: "bool",
    run: () => {
      const value = holder.run();
      if (isFailure(value)) return value.kind === "missing_field" ? false : value;
      if (value !== null && !isMap(value)) return wrong();
      if (value !== null && Object.hasOwn(value, name)) return true;
      onAbsent?.(node, value, name);
      return false;
    },
  };
}
