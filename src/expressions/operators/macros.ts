/**
 * `all`, `exists`, `exists_one`, `map` and `filter`, over the elements of a list or the names of a map.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { type Builder, type Code, type Frame, type Local, mayBe, nameOfType } from "../code.ts";
import { type ExpressionFailure, graver } from "../failure.ts";
import { isList } from "../equality.ts";
import { namesOf } from "../names.ts";
import { isFailure, isMap, type Result, type StaticType, type Value } from "../value.ts";
import { checkCondition } from "./logic.ts";

/** One macro, over a list whose elements it names in turn. */
interface Loop {
  readonly frame: Frame;
  readonly local: Local;
  /** The condition, or the one thing that the macro asks of each element. */
  readonly first: () => Result;
  /** What an element becomes, of a `map` with a condition. */
  readonly second: (() => Result) | undefined;
  /** Steps for one element. */
  readonly weight: number;
  /** Why something is no condition. */
  readonly notBool: () => ExpressionFailure;
}

type Macro = (elements: readonly Value[], loop: Loop) => Result;

interface MacroDeclaration {
  readonly type: StaticType;
  /** How many arguments it has beside the name. */
  readonly parts: readonly number[];
  /** Whether the first argument beside the name is a condition, with so many arguments. */
  readonly isCondition: (parts: number) => boolean;
  /** One sentence for the page of the language. */
  readonly summary: string;
  readonly run: Macro;
}

/** The macros that have a receiver, by their names. */
export const MACROS: ReadonlyMap<string, MacroDeclaration> = new Map<string, MacroDeclaration>([
  ["all", {
    type: "bool",
    parts: [1],
    isCondition: () => true,
    summary: "Whether the condition holds for each element, and so for none at all.",
    run: quantify(false),
  }],
  ["exists", {
    type: "bool",
    parts: [1],
    isCondition: () => true,
    summary: "Whether the condition holds for an element.",
    run: quantify(true),
  }],
  ["exists_one", {
    type: "bool",
    parts: [1],
    isCondition: () => true,
    summary: "Whether the condition holds for one element and no other.",
    run: existsOne,
  }],
  ["map", {
    type: "list",
    parts: [1, 2],
    isCondition: (parts) => parts === 2,
    summary: "What each element becomes; with a condition before it, of those elements that it holds for.",
    run: mapElements,
  }],
  ["filter", {
    type: "list",
    parts: [1],
    isCondition: () => true,
    summary: "The elements that the condition holds for.",
    run: filterElements,
  }],
]);

/** `receiver.all(name, condition)` and the like. */
export function compileMacro(
  builder: Builder,
  node: ASTNode,
  macro: MacroDeclaration,
  [receiver, ...parts]: readonly [ASTNode, ...ASTNode[]],
): Code {
  const range = builder.compile(receiver);
  if (!mayBe(range.type, "list", "map")) {
    return builder.problem(receiver, `${nameOfType(range.type)} has no elements to go through`);
  }
  const [name, ...bodies] = parts;
  if (name?.op !== "id") return builder.problem(name ?? node, "A name for the elements stands here");
  if (!macro.parts.includes(bodies.length)) {
    return builder.problem(
      node,
      `The macro has another number of arguments: ${macro.parts.join(" or ")} and a name`,
    );
  }
  const loop = compileLoop(builder, name.args, bodies, macro.isCondition(bodies.length));
  const wrong = builder.failure(receiver, "wrong_type", "is neither a list nor a map");
  return { type: macro.type, run: runner(builder.frame, range.run, macro.run, loop, wrong) };
}

function compileLoop(
  builder: Builder,
  name: string,
  bodies: readonly ASTNode[],
  isCondition: boolean,
): Loop {
  const local: Local = { value: null };
  const compiled = bodies.map((body) => builder.compileLoop(name, local, body));
  const [first, second] = compiled;
  if (isCondition) checkCondition(builder, bodies[0]!, first!.code);
  return {
    frame: builder.frame,
    local,
    first: first!.code.run,
    second: second?.code.run,
    weight: compiled.reduce((sum, { weight }) => sum + weight, 1),
    notBool: builder.failure(bodies[0]!, "wrong_type", "is not a bool"),
  };
}

function runner(
  frame: Frame,
  range: () => Result,
  macro: Macro,
  loop: Loop,
  wrong: () => ExpressionFailure,
): () => Result {
  return () => {
    const value = range();
    if (isFailure(value)) return value;
    let elements: readonly Value[];
    if (isList(value)) elements = value;
    else if (isMap(value)) elements = namesOf(value, frame.budget);
    else return wrong();
    return macro(elements, loop);
  };
}

/** `exists` ends with the first `true`, `all` with the first `false`; failures count only where nothing ends it. */
function quantify(decisive: boolean): Macro {
  return (elements, { frame: { budget }, local, first, weight, notBool }) => {
    let failure: ExpressionFailure | undefined;
    for (let index = 0; index < elements.length; index++) {
      budget.spend(weight);
      local.value = elements[index]!;
      const is = first();
      if (is === decisive) return decisive;
      if (typeof is === "boolean") continue;
      const found = isFailure(is) ? is : notBool();
      failure = failure === undefined ? found : graver(failure, found);
    }
    return failure ?? !decisive;
  };
}

function existsOne(
  elements: readonly Value[],
  { frame: { budget }, local, first, weight, notBool }: Loop,
): Result {
  let count = 0;
  for (let index = 0; index < elements.length; index++) {
    budget.spend(weight);
    local.value = elements[index]!;
    const is = first();
    if (is === true) count++;
    else if (is !== false) return isFailure(is) ? is : notBool();
  }
  return count === 1;
}

function mapElements(
  elements: readonly Value[],
  { frame: { budget }, local, first, second, weight, notBool }: Loop,
): Result {
  const mapped: Value[] = [];
  for (let index = 0; index < elements.length; index++) {
    budget.spend(weight);
    local.value = elements[index]!;
    let value = first();
    if (second !== undefined) {
      if (value === false) continue;
      if (value !== true) return isFailure(value) ? value : notBool();
      value = second();
    }
    if (isFailure(value)) return value;
    mapped.push(value);
  }
  return mapped;
}

function filterElements(
  elements: readonly Value[],
  { frame: { budget }, local, first, weight, notBool }: Loop,
): Result {
  const kept: Value[] = [];
  for (let index = 0; index < elements.length; index++) {
    budget.spend(weight);
    const element = elements[index]!;
    local.value = element;
    const is = first();
    if (is === true) kept.push(element);
    else if (is !== false) return isFailure(is) ? is : notBool();
  }
  return kept;
}
