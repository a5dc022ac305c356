/**
 * Which members of a variable an expression asks for, so that no others have to be made for it.
 *
 * @module
 */

import type { ASTNode } from "@marcbachmann/cel-js";
import type { MemberTree } from "../../json/members/picker.ts";

/** As a {@linkcode MemberTree}, while it grows. */
type Members = Map<string, Members | undefined>;

/**
 * The members of a variable that an expression names, as in `body.sender.login`; `undefined` where it may read all of the
 * variable, as in `size(body)`.
 */
export function membersRead(tree: ASTNode, variable: string): MemberTree | undefined {
  const members: Members = new Map();
  return collect(tree, variable, members) ? members : undefined;
}

/** Adds what a part of an expression reads. @returns `false` where that may be all of the variable */
function collect(node: ASTNode, variable: string, members: Members): boolean {
  // A macro may name its elements like the variable: then it stands for itself as well, and all is read.
  if (node.op === "id") return node.args !== variable;
  const path = pathOf(node, variable);
  if (path !== undefined) {
    addPath(members, path);
    return true;
  }
  return partsOf(node).every((part) => collect(part, variable, members));
}

/** The names on the way from the variable to a member of it; `undefined` where a part is none. */
function pathOf(node: ASTNode, variable: string): string[] | undefined {
  const step = memberStep(node);
  if (step === undefined) return undefined;
  const [holder, name] = step;
  if (holder.op === "id") return holder.args === variable ? [name] : undefined;
  const path = pathOf(holder, variable);
  path?.push(name);
  return path;
}

function memberStep(node: ASTNode): readonly [holder: ASTNode, name: string] | undefined {
  if (node.op === ".") return node.args;
  if (node.op !== "[]") return undefined;
  const [holder, index] = node.args;
  return index.op === "value" && typeof index.args === "string" ? [holder, index.args] : undefined;
}

function addPath(members: Members, path: readonly string[]): void {
  let holder = members;
  for (const [index, name] of path.entries()) {
    const known = holder.get(name);
    if (known === undefined && holder.has(name)) return;
    if (index === path.length - 1) {
      holder.set(name, undefined);
      return;
    }
    const inner: Members = known ?? new Map();
    holder.set(name, inner);
    holder = inner;
  }
}

function partsOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}
