/**
 * Finds values of the source that the gateway would not take.
 *
 * @module
 */

import { compileConnection, type CompileContext, compileWebhook } from "../config/compile/compiler.ts";
import { describeKey } from "../event/names.ts";
import type { Compiled, ProblemReason, WarningReason } from "../config/problem.ts";
import type { Finding, StoredValue } from "./configuration.ts";

/** What is wrong with the values of a source. */
export interface Validation {
  /** The gateway would not take these values. */
  readonly problems: Finding[];
  /** What the gateway warns of, and what this process cannot know: variables that may be set where it runs. */
  readonly warnings: Finding[];
}

/**
 * Compiles every value as the gateway would. A variable that is missing here is a warning, and the rest of
 * its value is checked all the same.
 */
export function validate(values: Iterable<StoredValue>, context: CompileContext): Validation {
  const problems: Finding[] = [];
  const warnings: Finding[] = [];
  for (const stored of values) {
    const { missing, others, warnings: own } = reasonsAgainst(stored, context);
    const subject = describeKey(stored.key);
    // Secrets are never read here, which is nothing to warn of.
    const variables = missing.filter(({ code }) => code === "missing_variable");
    for (const { path, message } of [...variables, ...own]) warnings.push({ subject, path, message });
    for (const { path, message } of others) problems.push({ subject, path, message });
  }
  return { problems, warnings };
}

interface Reasons {
  readonly missing: readonly ProblemReason[];
  readonly others: readonly ProblemReason[];
  readonly warnings: readonly WarningReason[];
}

function reasonsAgainst(stored: StoredValue, context: CompileContext): Reasons {
  if ("problem" in stored.value) return { missing: [], others: [stored.value.problem], warnings: [] };
  const { json } = stored.value;
  const compiled = compile(stored, json, context);
  const warnings = compiled.warnings ?? [];
  const reasons = problemsOf(compiled);
  const missing = reasons.filter(({ code }) => code === "missing_variable" || code === "missing_secret");
  if (missing.length === 0) return { missing, others: reasons, warnings };
  // What the missing variables would say is not known: only what lies elsewhere can be judged.
  const others = problemsOf(compile(stored, json, { ...context, placeholder: "placeholder" }));
  return {
    missing,
    others: others.filter(({ path }) => !missing.some((variable) => isOnOneLine(path, variable.path))),
    warnings,
  };
}

function compile({ key }: StoredValue, json: unknown, context: CompileContext): Compiled<unknown> {
  return key.kind === "webhook"
    ? compileWebhook(json, context, key.namespace)
    : compileConnection(key.name, json, context);
}

function problemsOf(compiled: Compiled<unknown>): readonly ProblemReason[] {
  return "problems" in compiled ? compiled.problems : [];
}

/** Whether one of two paths leads through the other. */
export function isOnOneLine(path: string, other: string): boolean {
  return path === "" || `${path}.`.startsWith(`${other}.`) || `${other}.`.startsWith(`${path}.`);
}
