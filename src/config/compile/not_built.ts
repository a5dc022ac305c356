/**
 * Output modules that the Python original has and this gateway does not have yet.
 *
 * @module
 */

import { PLANNED_MODULES } from "../../modules/registry.ts";
import type { ProblemReason } from "../problem.ts";

/**
 * What a webhook uses and the gateway does not have yet: output modules of the Python original.
 *
 * Where there is any, it is all that the operator needs to know: what stands around it (settings of such a
 * module) is not to be judged by a program that does not know it.
 */
export function notBuiltYet(webhook: Readonly<Record<string, unknown>>): ProblemReason[] {
  const { chain, module } = webhook;
  const modules = Array.isArray(chain)
    ? chain.map((step, index) => ({ path: `chain.${index}.module`, name: moduleOf(step) }))
    : [{ path: "module", name: module }];
  const planned = modules.filter(({ name }) => PLANNED_MODULES.includes(name as string));
  return planned.map(({ path, name }) => describeModule(path, String(name)));
}

/** A step of a chain is the name of a module, or an object that has it. */
function moduleOf(step: unknown): unknown {
  return typeof step === "object" && step !== null ? (step as { module?: unknown }).module : step;
}

function describeModule(path: string, name: string): ProblemReason {
  return { code: "not_supported_yet", path, message: `Module '${name}' is not built yet` };
}
