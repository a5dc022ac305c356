import { compileConnection, type CompileContext, compileWebhook } from "../config/compiler.ts";
import { describeKey } from "../config/keys.ts";
import type { ProblemReason } from "../config/problem.ts";
import { type Environment, substitute } from "../config/substitution.ts";
import type { Finding, StoredValue } from "./configuration.ts";

/** What is wrong with the values of a source. */
export interface Validation {
  /** The gateway would not take these values. */
  readonly problems: Finding[];
  /** What this process cannot know: variables that may well be set where the gateway runs. */
  readonly warnings: Finding[];
}

/** Stands in for every variable that is not set here. */
const ANY_VALUE: Environment = new Proxy({}, { get: () => "placeholder" });

/**
 * Compiles every value as the gateway would. A variable that is missing here is a warning, and the rest of
 * its value is checked all the same.
 */
export function validate(values: Iterable<StoredValue>, context: CompileContext): Validation {
  const problems: Finding[] = [];
  const warnings: Finding[] = [];
  for (const stored of values) {
    const { missing, others } = reasonsAgainst(stored, context);
    const subject = describeKey(stored.key);
    for (const { path, message } of missing) warnings.push({ subject, path, message });
    for (const { path, message } of others) problems.push({ subject, path, message });
  }
  return { problems, warnings };
}

interface Reasons {
  readonly missing: readonly ProblemReason[];
  readonly others: readonly ProblemReason[];
}

function reasonsAgainst(stored: StoredValue, context: CompileContext): Reasons {
  if ("problem" in stored.value) return { missing: [], others: [stored.value.problem] };
  const { json } = stored.value;
  const reasons = compile(stored, json, context);
  const missing = reasons.filter(({ code }) => code === "missing_variable");
  if (missing.length === 0) return { missing, others: reasons };
  // What the missing variables would say is not known: only what lies elsewhere can be judged.
  const others = compile(stored, substitute(json, context.environment).value, {
    ...context,
    environment: ANY_VALUE,
  });
  return {
    missing,
    others: others.filter(({ path }) => !missing.some((variable) => isOnOneLine(path, variable.path))),
  };
}

function compile({ key }: StoredValue, json: unknown, context: CompileContext): readonly ProblemReason[] {
  const compiled = key.kind === "webhook"
    ? compileWebhook(json, context)
    : compileConnection(key.name, json, context);
  return "problems" in compiled ? compiled.problems : [];
}

/** Whether one of two paths leads through the other. */
function isOnOneLine(path: string, other: string): boolean {
  return path === "" || `${path}.`.startsWith(`${other}.`) || `${other}.`.startsWith(`${path}.`);
}
