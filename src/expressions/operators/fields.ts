/**
 * Variables, members, elements, and whether they are there.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { isList, numberOf } from "../equality.ts";
import { type Builder, type Code, mayBe, nameOfType } from "../code.ts";
import { isFailure, isMap, type Result, type Value, type ValueMap } from "../value.ts";
import { ExpressionFailure } from "../failure.ts";
import { LongDecimal } from "../../json/exact_numbers.ts";

/** `body.ref` */
export function compileMember(builder: Builder, node: ASTNode, holder: Code, name: string): Code {
  if (!mayBe(holder.type, "map", "null")) {
    return builder.problem(node, `"${name}" is asked of ${nameOfType(holder.type)}, which has no members`);
  }
  const find = memberFinder(builder, node, name);
  const { run, local } = holder;
  if (!isPlainName(name)) return { type: "dyn", run: () => find(run()) };
  if (local !== undefined) {
    return {
      type: "dyn",
      run: () => {
        const value = local.value;
        const member = typeof value === "object" && value !== null ? (value as ValueMap)[name] : undefined;
        return member === undefined ? find(value) : member;
      },
    };
  }
  return {
    type: "dyn",
    run: () => {
      const value = run();
      if (typeof value !== "object" || value === null || value instanceof ExpressionFailure) {
        return find(value);
      }
      const member = (value as ValueMap)[name];
      return member === undefined ? find(value) : member;
    },
  };
}

/**
 * Whether a name can only be that of a member: nothing that is no map has something under it, and no map inherits it.
 * It is then read without a question first, which takes a fraction of the time. Values of JSON are never `undefined`.
 */
function isPlainName(name: string): boolean {
  return !(name in Object.prototype) && !(name in Array.prototype) && !(name in LongDecimal.prototype);
}

/** Finds a member, or says why there is none. */
function memberFinder(builder: Builder, node: ASTNode, name: string): (holder: Result) => Result {
  const missing = builder.failure(node, "missing_field", "is absent");
  const wrong = builder.failure(node, "wrong_type", "is asked of a value that has no members");
  const { onAbsent } = builder;
  return (holder) => {
    if (isMap(holder)) {
      if (Object.hasOwn(holder, name)) return holder[name]!;
    } else if (isFailure(holder)) return holder;
    else if (holder !== null) return wrong();
    onAbsent?.(node, holder, name);
    return missing();
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
