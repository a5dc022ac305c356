/**
 * Keys that the Python original has and this gateway does not have yet.
 *
 * @module
 */

import { PLANNED_VERIFIERS } from "../../auth/registry.ts";
import { PLANNED_MODULES } from "../../modules/registry.ts";
import type { ProblemReason } from "../problem.ts";

/** Keys that are understood to be missing, so that the problem says so instead of "unknown". */
export const PLANNED_KEYS: ReadonlySet<string> = new Set(PLANNED_VERIFIERS);

/**
 * What a webhook uses and the gateway does not have yet: keys and output modules of the Python original.
 *
 * Where there is any, it is all that the operator needs to know: what stands around it (settings of such a
 * module, variables of such a key) is not to be judged by a program that does not know it.
 */
export function notBuiltYet(webhook: Readonly<Record<string, unknown>>): ProblemReason[] {
  const { chain, module } = webhook;
  const keys = Object.keys(webhook).filter((key) => PLANNED_KEYS.has(key)).map(describeKey);
  const modules = Array.isArray(chain)
    ? chain.map((step, index) => ({ path: `chain.${index}.module`, name: moduleOf(step) }))
    : [{ path: "module", name: module }];
  const planned = modules.filter(({ name }) => PLANNED_MODULES.includes(name as string));
  return [...keys, ...planned.map(({ path, name }) => describeModule(path, String(name)))];
}

/** A step of a chain is the name of a module, or an object that has it. */
function moduleOf(step: unknown): unknown {
  return typeof step === "object" && step !== null ? (step as { module?: unknown }).module : step;
}

function describeKey(key: string): ProblemReason {
  return {
    code: "not_supported_yet",
    path: key,
    message:
      `Key '${key}' is not built yet, and ignoring it could let in what it keeps out: remove it to use the webhook`,
  };
}

function describeModule(path: string, name: string): ProblemReason {
  return { code: "not_supported_yet", path, message: `Module '${name}' is not built yet` };
}
