/**
 * What the rules of a namespace say of a compiled webhook.
 *
 * @module
 */

import { ANY_TEXT, type Destination } from "../../policy/destination.ts";
import type { NamespaceRules, ReferenceSource } from "../../policy/rules.ts";
import { namesOf } from "../../modules/module.ts";
import type { CompiledConnection } from "../compiled_connection.ts";
import type { ProblemReason } from "../problem.ts";
import type { CompiledWebhook } from "../compile/compiler.ts";
import type { CompiledStep } from "../compile/delivery_compiler.ts";

const REFERENCE = /^(\w+) (\S+) (.*)$/s;

/**
 * What the rules of its namespace forbid of a webhook; nothing where it may be served.
 *
 * @param connections of its steps, as far as they are known
 */
export function forbiddenIn(
  { claims, steps }: Pick<CompiledWebhook, "claims" | "steps">,
  connections: readonly (CompiledConnection | undefined)[],
  rules: NamespaceRules,
): readonly ProblemReason[] {
  const problems: ProblemReason[] = [];
  const add = (path: string, message: string | undefined) => {
    if (message !== undefined) problems.push({ code: "policy_forbids", path, message });
  };
  if (claims.references !== "") {
    for (const line of claims.references.split("\n")) {
      const [, source, name, path = ""] = REFERENCE.exec(line) ?? [];
      add(path, rules.refuseReference(source as ReferenceSource, name!));
    }
  }
  add("auth", rules.refuseAuthentication(claims.methods));
  for (const server of claims.servers) add(server.key, rules.refuseDestination(server));
  for (const [index, step] of steps.entries()) {
    judgeStep(step, connections[index], steps.length === 1 ? "" : `chain.${index}.`, rules, add);
  }
  return problems;
}

function judgeStep(
  { module, moduleConfig, connectionName, ownConnection }: CompiledStep,
  resolved: CompiledConnection | undefined,
  prefix: string,
  rules: NamespaceRules,
  add: (path: string, message: string | undefined) => void,
): void {
  add(`${prefix}module`, rules.refuseModule(namesOf(module)));
  for (const destination of module.destinations?.(moduleConfig) ?? UNKNOWN) {
    add(placeIn(`${prefix}module-config`, destination.key), rules.refuseDestination(destination));
  }
  if (module.connectionTypes.length === 0) return;
  if (ownConnection !== undefined) {
    for (const destination of module.connectionDestinations?.(ownConnection.config) ?? UNKNOWN) {
      add(placeIn(`${prefix}redis`, destination.key), rules.refuseDestination(destination));
    }
    return;
  }
  const name = connectionName ?? resolved?.name;
  if (name !== undefined) add(`${prefix}connection`, rules.refuseConnection(name));
  if (resolved === undefined || rules.namesConnections) return;
  for (const destination of module.connectionDestinations?.(resolved.config) ?? UNKNOWN) {
    // The files of a connection that has a name are the operator's.
    if (destination.kind === "files") continue;
    add(`${prefix}connection`, rules.refuseDestination(destination));
  }
}

/** Of a module that does not say where it goes: anywhere, which only a rule permits that permits everything. */
const UNKNOWN: readonly Destination[] = [{ kind: "hosts", name: ANY_TEXT, key: "" }];

function placeIn(place: string, key: string): string {
  return key === "" ? place : `${place}.${key}`;
}
