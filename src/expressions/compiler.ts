/**
 * Makes functions of the tree of an expression: one for each of its parts, which calls those of the parts within it. No
 * code is generated as text.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import type { RE2JS } from "re2js";
import { nearestHint, quotedName } from "../schema/nearest_name.ts";
import { type Builder, type Code, type Frame, type Local, sourceOf } from "./code.ts";
import { ExpressionFailure, type FailureCode } from "./failure.ts";
import { compilePattern, type PatternResult } from "./functions/patterns.ts";
import { membersRead } from "./variables/members_read.ts";
import { compileArithmetic, compileNegation, literalInt } from "./operators/arithmetic.ts";
import { compileCall, compileMatches } from "./operators/calls.ts";
import { compileEquality, compileMembership, compileOrder } from "./operators/comparison.ts";
import { compileIndex, compileMember, compilePresence } from "./operators/fields.ts";
import { compileList, compileMap } from "./operators/literals.ts";
import { compileBinaryLogic, compileChoice, compileNot } from "./operators/logic.ts";
import { compileMacro, MACROS } from "./operators/macros.ts";
import { type ExpressionProblem, placeIn } from "./problem.ts";
import { type AbsenceListener, emptyFrame, placeOf, type Program } from "./program.ts";
import type { Declarations } from "./variables/scope.ts";
import { compileVariable, memberOfVariable, textsMember, type VariableUse } from "./variables/variables.ts";

/** Compiles a tree. @param onAbsent makes a program for explanations, which is slower */
export function compileTree(
  tree: ASTNode,
  declarations: Declarations,
  re2: typeof RE2JS,
  onAbsent?: AbsenceListener,
): Program {
  const compiler = new Compiler(declarations, re2, onAbsent);
  const code = compiler.compile(tree);
  return compiler.program(tree, code);
}

/** One for all expressions that read no variable whole. */
const NONE: ReadonlySet<string> = new Set();

class Compiler implements Builder {
  readonly frame: Frame = emptyFrame();
  readonly onAbsent?: AbsenceListener;
  readonly #re2: typeof RE2JS;
  readonly #uses: VariableUse;
  readonly #locals = new Map<string, Local>();
  readonly #allLocals: Local[] = [];
  readonly #problems: ExpressionProblem[] = [];
  #weight = 0;
  #hasPatterns = false;

  constructor(declarations: Declarations, re2: typeof RE2JS, onAbsent: AbsenceListener | undefined) {
    this.#uses = { declarations, variables: new Set(), texts: new Map() };
    this.#re2 = re2;
    if (onAbsent !== undefined) this.onAbsent = onAbsent;
  }

  program(tree: ASTNode, code: Code): Program {
    const { frame } = this;
    const locals: readonly Local[] = this.#allLocals;
    const { variables, texts } = this.#uses;
    return {
      source: sourceOf(tree),
      place: placeOf(tree),
      frame,
      code,
      weight: this.#weight,
      reads: { variables, texts, whole: this.#readWhole(tree) },
      hasPatterns: this.#hasPatterns,
      problems: this.#problems,
      locals,
    };
  }

  #readWhole(tree: ASTNode): ReadonlySet<string> {
    const { declarations, variables } = this.#uses;
    const whole = [...variables].filter((name) =>
      declarations[name]?.kind === "json" && membersRead(tree, name) === undefined
    );
    return whole.length === 0 ? NONE : new Set(whole);
  }

  compile(node: ASTNode): Code {
    this.#weight++;
    switch (node.op) {
      case "value":
        return this.#literal(node);
      case "id":
        return this.#name(node, node.args);
      case ".":
        return this.#member(node, node.args[0], node.args[1]);
      case "[]":
        return this.#index(node, node.args);
      case "call":
        return this.#call(node, node.args);
      case "rcall":
        return this.#method(node, node.args);
      case "list":
        return compileList(this, node.args);
      case "map":
        return compileMap(this, node, node.args);
      default:
        return this.#operator(node);
    }
  }

  #operator(node: ASTNode): Code {
    switch (node.op) {
      case "?:":
        return compileChoice(this, node.args);
      case "||":
      case "&&":
        return compileBinaryLogic(this, node.args, node.op === "||");
      case "!_":
        return compileNot(this, node.args);
      case "-_":
        return compileNegation(this, node, node.args);
      case "==":
      case "!=":
        return compileEquality(this, node, node.args, node.op === "==");
      case "<":
      case "<=":
      case ">":
      case ">=":
        return compileOrder(this, node, node.args, node.op);
      case "in":
        return this.#in(node, node.args);
      case "+":
      case "-":
      case "*":
      case "/":
      case "%":
        return compileArithmetic(this, node, node.args, node.op);
      default:
        return this.problem(node, `${node.op} is not part of the language here`);
    }
  }

  compileLoop(name: string, local: Local, node: ASTNode): { readonly code: Code; readonly weight: number } {
    const hidden = this.#locals.get(name);
    const outside = this.#weight;
    this.#locals.set(name, local);
    this.#allLocals.push(local);
    this.#weight = 0;
    const code = this.compile(node);
    const weight = this.#weight;
    this.#weight = outside;
    if (hidden === undefined) this.#locals.delete(name);
    else this.#locals.set(name, hidden);
    return { code, weight };
  }

  compilePattern(source: string): PatternResult {
    this.#hasPatterns = true;
    return compilePattern(this.#re2, source);
  }

  problem(node: ASTNode, message: string, at: number = node.pos): Code {
    this.#problems.push({ ...placeIn(node.input, at), message });
    return { type: "dyn", run: () => null };
  }

  failure(node: ASTNode, code: FailureCode, predicate: string): () => ExpressionFailure {
    let failure: ExpressionFailure | undefined;
    return () => {
      if (failure !== undefined) return failure;
      const source = sourceOf(node);
      failure = new ExpressionFailure(code, `${source} ${predicate}`, source, placeOf(node));
      return failure;
    };
  }

  #literal(node: ASTNode & { readonly op: "value" }): Code {
    const value = node.args;
    switch (typeof value) {
      case "bigint":
        return literalInt(this, node, value);
      case "number":
        return { type: "double", constant: value, run: () => value };
      case "string":
        return { type: "string", constant: value, run: () => value };
      case "boolean":
        return { type: "bool", constant: value, run: () => value };
      default:
        if (value === null) return { type: "null", constant: null, run: () => null };
        return this.problem(node, "There are no bytes and no uint here: JSON has neither");
    }
  }

  #name(node: ASTNode, name: string): Code {
    const local = this.#locals.get(name);
    if (local !== undefined) return { type: "dyn", local, run: () => local.value };
    return compileVariable(this, node, name, this.#uses) ??
      this.problem(node, `There is no variable ${quotedName(name)}${this.#hint(name)}`);
  }

  #hint(name: string): string {
    return nearestHint(name, [...this.#locals.keys(), ...Object.keys(this.#uses.declarations)]);
  }

  #member(node: ASTNode, holder: ASTNode, name: string): Code {
    return this.#variableMember(node, holder, name) ?? compileMember(this, node, this.compile(holder), name);
  }

  #index(node: ASTNode, [holder, index]: readonly [ASTNode, ASTNode]): Code {
    if (index.op === "value" && typeof index.args === "string") return this.#member(node, holder, index.args);
    return compileIndex(this, node, this.compile(holder), this.compile(index));
  }

  /** A member of a variable of which only single members are asked for. */
  #variableMember(node: ASTNode, holder: ASTNode, name: string): Code | undefined {
    if (holder.op !== "id" || this.#locals.has(holder.args)) return undefined;
    return memberOfVariable(this, node, holder.args, name, this.#uses);
  }

  #call(node: ASTNode, [name, parts]: readonly [string, readonly ASTNode[]]): Code {
    if (name === "has") return this.#has(node, parts);
    if (name === "matches") return compileMatches(this, node, parts);
    return compileCall(this, node, name, parts, false);
  }

  #method(node: ASTNode, [name, receiver, parts]: readonly [string, ASTNode, readonly ASTNode[]]): Code {
    if (name === "matches") return compileMatches(this, node, [receiver, ...parts]);
    const macro = MACROS.get(name);
    if (macro === undefined) return compileCall(this, node, name, [receiver, ...parts], true);
    return compileMacro(this, node, macro, [receiver, ...parts]);
  }

  #in(node: ASTNode, parts: readonly [ASTNode, ASTNode]): Code {
    const [name, holder] = parts;
    if (name.op !== "value" || typeof name.args !== "string" || holder.op !== "id") {
      return compileMembership(this, node, parts);
    }
    return this.#textPresence(holder, name.args) ?? compileMembership(this, node, parts);
  }

  /** Whether a variable that holds texts has one of this name; `undefined` where it is no such variable. */
  #textPresence(holder: ASTNode & { readonly op: "id" }, name: string): Code | undefined {
    if (this.#locals.has(holder.args)) return undefined;
    const find = textsMember(this, holder.args, name, this.#uses);
    return find === undefined ? undefined : { type: "bool", run: () => find() !== undefined };
  }

  #has(node: ASTNode, [part, ...rest]: readonly ASTNode[]): Code {
    if (part?.op !== "." || rest.length > 0) {
      return this.problem(node, "has() asks for one member, such as has(body.ref)");
    }
    const [holder, name] = part.args;
    const presence = holder.op === "id" ? this.#textPresence(holder, name) : undefined;
    return presence ?? compilePresence(this, part, this.compile(holder), name);
  }
}
