/** The lists of what expressions may call, in the page of their language. */

import type { FunctionDeclaration } from "../../../src/expressions/functions/declaration.ts";
import { functions } from "../../../src/expressions/functions/functions.ts";
import { MAX_PATTERN, MAX_REPETITIONS } from "../../../src/expressions/functions/patterns.ts";
import { MACROS } from "../../../src/expressions/operators/macros.ts";
import { list } from "./schema_list.ts";

/** Compiled with its expression, and so declared apart from the others. */
const MATCHES = [
  "string.matches(pattern)",
  "bool",
  "Whether a part of it matches a pattern in the syntax of RE2. The pattern is a literal of at most " +
  `${MAX_PATTERN} characters, and its repetitions come to at most ${MAX_REPETITIONS}.`,
] as const;

/** A line a function. */
export function functionList(): string {
  const lines = functions.map((each) => [signatureOf(each), each.type, each.summary] as const);
  return list([...lines, MATCHES]);
}

function signatureOf({ name, isMethod, parameters }: FunctionDeclaration): string {
  const [first = "", ...rest] = parameters.map((types) => types.join("|"));
  return isMethod ? `${first}.${name}(${rest.join(", ")})` : `${name}(${[first, ...rest].join(", ")})`;
}

/** A line a macro. */
export function macroList(): string {
  const has = [
    "has(holder.member)",
    "bool",
    "Whether a member is there, and everything on the way to it.",
  ] as const;
  const others = [...MACROS].map(([name, { type, parts, summary, isCondition }]) => {
    const calls = parts.map((count) => {
      const bodies = isCondition(count) ? ["condition", "value"].slice(0, count) : ["value"];
      return `list.${name}(${["name", ...bodies].join(", ")})`;
    });
    return [calls.join("`, `"), type, summary] as const;
  });
  return list([has, ...others]);
}
