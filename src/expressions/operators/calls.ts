/**
 * Calls of functions and methods.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import { nearestHint, quotedName } from "../../schema/nearest_name.ts";
import { type Builder, type Code, type Frame, mayBe, nameOfType, sourceOf } from "../code.ts";
import type { Call, FunctionDeclaration } from "../functions/declaration.ts";
import { TYPE_CHECKS } from "../functions/conversions.ts";
import { functions, functionsNamed } from "../functions/functions.ts";
import { isFailure, type Result, type Value } from "../value.ts";
import { MACROS } from "./macros.ts";

/** `name(arguments)`, or `receiver.name(arguments)` with the receiver as the first argument. */
export function compileCall(
  builder: Builder,
  node: ASTNode,
  name: string,
  parts: readonly ASTNode[],
  isMethod: boolean,
): Code {
  const named = functionsNamed(name, isMethod);
  if (named.length === 0) return builder.problem(node, unknownName(name, isMethod), placeOfName(node, name));
  const declaration = named.find(({ parameters }) => parameters.length === parts.length);
  if (declaration === undefined) {
    return builder.problem(node, `${name}() has another number of arguments: ${countsOf(named, isMethod)}`);
  }
  const codes = parts.map((part) => builder.compile(part));
  const misfit = codes.findIndex(({ type }, index) => !mayBe(type, ...declaration.parameters[index]!));
  if (misfit !== -1) {
    return builder.problem(parts[misfit]!, `${name}() is not for ${nameOfType(codes[misfit]!.type)}`);
  }
  const run = textTest(builder, node, declaration, codes) ?? caller(builder, node, declaration, codes);
  return { type: declaration.type, run };
}

/** A question about a text and a literal, which is what most conditions ask. */
function textTest(
  builder: Builder,
  node: ASTNode,
  { test }: FunctionDeclaration,
  [text, literal]: readonly Code[],
): (() => Result) | undefined {
  const constant = literal?.constant;
  if (test === undefined || text === undefined || typeof constant !== "string") return undefined;
  const wrong = builder.failure(node, "wrong_type", WRONG_TYPE);
  return test(text, constant, (value) => isFailure(value) ? value : wrong());
}

const WRONG_TYPE = "is called with a value of a type that it is not for";

/** Where the name of a method stands, which is not where its node has its place. */
function placeOfName(node: ASTNode, name: string): number {
  return node.op === "rcall" ? node.input.indexOf(name, node.args[1].end) : node.pos;
}

function unknownName(name: string, isMethod: boolean): string {
  if (functionsNamed(name, !isMethod).length > 0) {
    return isMethod
      ? `${name}() is no method: write ${name}(value)`
      : `${name}() is a method: write value.${name}()`;
  }
  const known = functions.filter((declaration) => declaration.isMethod === isMethod).map((known) =>
    known.name
  );
  const names = isMethod ? [...known, ...MACROS.keys(), "matches"] : [...known, "has"];
  return `There is no ${isMethod ? "method" : "function"} ${quotedName(name)}${nearestHint(name, names)}`;
}

function countsOf(named: readonly FunctionDeclaration[], isMethod: boolean): string {
  return named.map(({ parameters }) => parameters.length - (isMethod ? 1 : 0)).join(" or ");
}

function caller(
  builder: Builder,
  node: ASTNode,
  { parameters, run }: FunctionDeclaration,
  codes: readonly Code[],
): () => Result {
  const { frame } = builder;
  const call: Call = new FrameCall(frame, {
    wrongType: builder.failure(node, "wrong_type", WRONG_TYPE),
    notConvertible: builder.failure(node, "not_convertible", "cannot be calculated from this value"),
    outOfRange: builder.failure(node, "number_out_of_range", "has a number outside of what is possible here"),
  });
  const checks = parameters.map((types, index) => checkOf(types, codes[index]!));
  const [first, second] = codes;
  const [checkFirst, checkSecond] = checks;
  if (codes.length === 1) return callOne(call, run, first!.run, checkFirst!);
  if (codes.length === 2) return callTwo(call, run, [first!.run, second!.run], [checkFirst!, checkSecond!]);
  return callMany(call, run, codes.map((code) => code.run), checks);
}

/** The budget of a frame is another one for each evaluation. */
class FrameCall implements Call {
  readonly #frame: Frame;

  constructor(frame: Frame, readonly fail: Call["fail"]) {
    this.#frame = frame;
  }

  get budget(): Call["budget"] {
    return this.#frame.budget;
  }
}

type Check = (value: Value) => boolean;
type Run = FunctionDeclaration["run"];

/** Whether a value is of one of the types. Where that is known before, nothing is asked. */
function checkOf(types: readonly (keyof typeof TYPE_CHECKS)[], { type }: Code): Check {
  if (type !== "dyn" || types.includes("dyn")) return TYPE_CHECKS.dyn;
  const [only, ...others] = types.map((each) => TYPE_CHECKS[each]);
  if (others.length === 0) return only!;
  return (value) => only!(value) || others.some((check) => check(value));
}

function callOne(call: Call, run: Run, first: () => Result, check: Check): () => Result {
  return () => {
    const value = first();
    if (isFailure(value)) return value;
    return check(value) ? run(call, value) : call.fail.wrongType();
  };
}

function callTwo(
  call: Call,
  run: Run,
  [first, second]: readonly [() => Result, () => Result],
  [checkFirst, checkSecond]: readonly [Check, Check],
): () => Result {
  return () => {
    const left = first();
    if (isFailure(left)) return left;
    const right = second();
    if (isFailure(right)) return right;
    return checkFirst(left) && checkSecond(right) ? run(call, left, right) : call.fail.wrongType();
  };
}

function callMany(
  call: Call,
  run: Run,
  parts: readonly (() => Result)[],
  checks: readonly Check[],
): () => Result {
  return () => {
    const values: Value[] = [];
    for (let index = 0; index < parts.length; index++) {
      const value = parts[index]!();
      if (isFailure(value)) return value;
      if (!checks[index]!(value)) return call.fail.wrongType();
      values.push(value);
    }
    return run(call, ...values);
  };
}

/** `text.matches("pattern")`, whose pattern is compiled with the expression. */
export function compileMatches(
  builder: Builder,
  node: ASTNode,
  [text, pattern, ...rest]: readonly ASTNode[],
): Code {
  if (text === undefined || pattern === undefined || rest.length > 0) {
    return builder.problem(node, "matches() takes one pattern");
  }
  const { type, run } = builder.compile(text);
  if (!mayBe(type, "string")) return builder.problem(text, `matches() is not for ${nameOfType(type)}`);
  if (pattern.op !== "value" || typeof pattern.args !== "string") {
    return builder.problem(
      pattern,
      `${sourceOf(pattern)} is no literal: a pattern is one, so that it is known before`,
    );
  }
  const compiled = builder.compilePattern(pattern.args);
  if ("problem" in compiled) return builder.problem(pattern, compiled.problem);
  const { frame } = builder;
  const wrong = builder.failure(node, "wrong_type", "is called with a value that is not a string");
  return {
    type: "bool",
    run: () => {
      const value = run();
      if (typeof value !== "string") return isFailure(value) ? value : wrong();
      return compiled.pattern.test(value, frame.budget);
    },
  };
}
