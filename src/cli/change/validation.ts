/**
 * What the gateway would say of one webhook or connection, by the same parts that `cwm check` asks.
 *
 * @module
 */

import type { CompileContext } from "../../config/compile/compiler.ts";
import { ConfigManager } from "../../config/manager.ts";
import type { ProblemReason, WarningReason } from "../../config/problem.ts";
import type { ConfigPut } from "../../config/provider.ts";
import { CLOSED_LEASE } from "../../delivery/outputs/output_pool.ts";
import { type ConfigKey, describeKey } from "../../event/names.ts";
import { loadLanguages, mayHaveExpressions } from "../../filters/languages.ts";
import type { OtherValue } from "../../migrate/single/place.ts";
import { isOnOneLine } from "../../migrate/validation.ts";
import { logger } from "../../observability/logging.ts";

/** What is to be known of a value before it is written. */
export interface Judgement {
  /** While there are any, it may not be written. */
  readonly problems: readonly ProblemReason[];
  readonly warnings: readonly (ProblemReason | WarningReason)[];
}

/**
 * Judges a value. Variables and secrets that are missing here are warnings, as they may be there where the gateway
 * runs, and the rest of the value is judged all the same.
 *
 * @param connections `undefined` where they cannot be read
 * @param policy of namespaces; `undefined` for none
 */
export async function judge(
  key: ConfigKey,
  value: ConfigPut["value"],
  connections: readonly OtherValue[] | undefined,
  policy: ConfigPut["value"] | undefined,
  context: CompileContext,
): Promise<Judgement> {
  if ("problem" in value) return { problems: [value.problem], warnings: [] };
  if (mayHaveExpressions(value.json)) await loadLanguages();
  const others: ConfigPut[] = [
    ...policy === undefined ? [] : [{ key: { kind: "policy" } as const, value: policy, revision: "" }],
    ...(connections ?? []).map((other) => ({ ...other, revision: "" })),
  ];
  const asIs = await findingsOf(key, value, others, context);
  const missing = asIs.problems.filter(isMissing);
  const filledIn = await findingsOf(key, value, others, { ...context, placeholder: "placeholder" });
  const problems = filledIn.problems
    .filter(({ path, code }) =>
      // Of a connection that is not known here, nothing can be said but that.
      !(connections === undefined && code === "connection_unresolved") &&
      // What the missing variables would say is not known: only what lies elsewhere can be judged.
      !missing.some((variable) => isOnOneLine(path, variable.path))
    );
  // Secrets are never read here, which is nothing to warn of.
  const variables = missing.filter(({ code }) => code === "missing_variable");
  return { problems, warnings: [...variables, ...filledIn.warnings] };
}

function isMissing({ code }: ProblemReason): boolean {
  return code === "missing_variable" || code === "missing_secret";
}

async function findingsOf(
  key: ConfigKey,
  value: ConfigPut["value"],
  others: readonly ConfigPut[],
  compile: CompileContext,
): Promise<{ problems: readonly ProblemReason[]; warnings: readonly WarningReason[] }> {
  const manager = new ConfigManager({
    outputs: { acquire: () => CLOSED_LEASE },
    compile,
    logger: logger("config"),
    inspects: false,
  });
  try {
    manager.apply([...others, { key, value, revision: "" }]);
    const name = describeKey(key);
    return { problems: manager.catalog.problemsOf(name), warnings: manager.catalog.warningsOf(name) };
  } finally {
    await manager.close();
  }
}
