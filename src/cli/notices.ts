/**
 * What operators should know of the systems behind webhooks in service, for `cwm check --probe`.
 *
 * @module
 */

import type { CompiledConnection } from "../config/compiled_connection.ts";
import type { CompiledStep } from "../config/compile/delivery_compiler.ts";
import { WebhookEntry } from "../config/entry.ts";
import { describeWebhook } from "../event/names.ts";
import type { ConfigManager } from "../config/manager.ts";
import type { Warning } from "../config/problem.ts";
import { DeliveryError } from "../errors.ts";

/** How long one system may take to answer, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Systems that are asked at once. */
const AT_ONCE = 8;

/** One output of a webhook whose module has something to say. */
interface Asked {
  readonly key: string;
  readonly path: string;
  readonly step: CompiledStep;
}

/** Asks about every webhook in service; equal settings are asked about once. A system that fails says nothing. */
export async function collectNotices(manager: ConfigManager): Promise<readonly Warning[]> {
  const asked = [...manager.catalog.entries()].flatMap((entry) =>
    entry instanceof WebhookEntry ? stepsOf(entry) : []
  );
  const connections = [...manager.connections()].filter(({ isOwn }) => isOwn !== true);
  const answers = new Map<unknown, Promise<readonly string[]>>();
  const waiting = asked.entries();
  const warnings: (readonly Warning[])[] = [];
  const work = async () => {
    for (const [index, { key, path, step }] of waiting) {
      const connection = connectionOf(step, connections);
      const question = `${step.module.name} ${connection?.name} ${JSON.stringify(step.moduleConfig)}`;
      let answer = answers.get(question);
      if (answer === undefined) answers.set(question, answer = ask(step, connection));
      warnings[index] = (await answer).map((message) => ({
        key,
        path,
        code: "output_notice",
        message,
        revision: "",
      }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return warnings.flat();
}

function stepsOf({ path, webhook: { steps } }: WebhookEntry): readonly Asked[] {
  return steps.map((step, index) => ({
    key: describeWebhook(path),
    path: steps.length === 1 ? "module-config" : `chain.${index}.module-config`,
    step,
  })).filter(({ step }) => step.module.notices !== undefined);
}

/** The one that the webhook names or holds, or the only one that its module can use. */
function connectionOf(
  { module, connectionName, ownConnection }: CompiledStep,
  connections: readonly CompiledConnection[],
): CompiledConnection | undefined {
  return ownConnection ??
    connections.find(({ name, type }) =>
      connectionName === undefined ? module.connectionTypes.includes(type) : name === connectionName
    );
}

async function ask(
  { module, moduleConfig }: CompiledStep,
  connection: CompiledConnection | undefined,
): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await module.notices?.(connection?.config, moduleConfig, signal) ?? [];
  } catch (error) {
    // Its connection is reported as out of reach, too.
    if (error instanceof DeliveryError || signal.aborted) return [];
    throw error;
  }
}
