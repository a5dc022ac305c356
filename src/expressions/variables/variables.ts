/**
 * How expressions reach their variables.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { nearestHint, quotedName } from "../../schema/nearest_name.ts";
import type { Builder, Code, Frame } from "../code.ts";
import type { Declarations } from "./scope.ts";
import type { Texts, Value } from "../value.ts";

/** The variables that there are, and which of them one expression uses. */
export interface VariableUse {
  readonly declarations: Declarations;
  readonly variables: Set<string>;
  readonly texts: Map<string, Set<string>>;
}

/** A variable as a value; `undefined` where there is none of this name. */
export function compileVariable(
  builder: Builder,
  node: ASTNode,
  name: string,
  use: VariableUse,
): Code | undefined {
  if (!Object.hasOwn(use.declarations, name)) return undefined;
  const declaration = use.declarations[name]!;
  const { frame } = builder;
  use.variables.add(name);
  switch (declaration.kind) {
    case "unavailable":
      return builder.problem(node, declaration.reason);
    case "texts":
      return { type: "map", run: () => allTexts(frame, name) };
    case "record":
      return { type: "map", run: () => frame.variables[name] as Value };
    case "json":
      return { type: "dyn", run: () => frame.variables[name] as Value };
  }
}

/** A member of a variable that holds texts, or of a record; `undefined` where it is found as in any other value. */
export function memberOfVariable(
  builder: Builder,
  node: ASTNode,
  variable: string,
  name: string,
  use: VariableUse,
): Code | undefined {
  const find = textsMember(builder, variable, name, use);
  if (find !== undefined) return compileText(builder, node, variable, name, find);
  const declaration = Object.hasOwn(use.declarations, variable) ? use.declarations[variable]! : undefined;
  if (declaration?.kind !== "record") return undefined;
  const { members } = declaration;
  if (!Object.hasOwn(members, name)) {
    const hint = nearestHint(name, Object.keys(members));
    return builder.problem(node, `${variable} has no member ${quotedName(name)}${hint}`);
  }
  use.variables.add(variable);
  const { frame } = builder;
  return {
    type: members[name]!,
    run: () => (frame.variables[variable] as Readonly<Record<string, Value>>)[name]!,
  };
}

function compileText(
  builder: Builder,
  node: ASTNode,
  variable: string,
  name: string,
  find: () => string | undefined,
): Code {
  const missing = builder.failure(node, "missing_field", "is absent");
  const { frame, onAbsent } = builder;
  return {
    type: "string",
    run: () => {
      const text = find();
      if (text !== undefined) return text;
      onAbsent?.(node, allTexts(frame, variable), name);
      return missing();
    },
  };
}

/** Finds the text of one name; `undefined` where the variable does not hold texts. */
export function textsMember(
  { frame }: Builder,
  variable: string,
  name: string,
  use: VariableUse,
): (() => string | undefined) | undefined {
  if (!Object.hasOwn(use.declarations, variable)) return undefined;
  if (use.declarations[variable]!.kind !== "texts") return undefined;
  use.variables.add(variable);
  const names = use.texts.get(variable) ?? new Set();
  use.texts.set(variable, names.add(name));
  return () => (frame.variables[variable] as Texts).get(name);
}

/** All texts of a variable as a map. */
function allTexts({ variables, budget }: Frame, name: string): Value {
  const texts = variables[name] as Texts;
  const names = texts.names();
  budget.spend(names.length);
  const entries = names.map((each): [string, Value] => [each, texts.get(each) ?? ""]);
  return Object.fromEntries(entries);
}
