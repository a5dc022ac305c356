/**
 * The settings of outputs as a configuration has them, wherever in the webhook they stand.
 *
 * @module
 */

import { withModuleKeysInside } from "../../config/compile/module_keys.ts";
import { webhookSchema } from "../../config/compile/schema.ts";
import { findModule } from "../../modules/module.ts";
import { outputModules } from "../../modules/registry.ts";
import { knownKeys } from "../../schema/known_keys.ts";
import type { WebhookValue } from "./credentials.ts";

/** Settings of a module by their keys. */
export type StepConfig = Readonly<Record<string, unknown>>;

/**
 * `module-config` of one output: with what stands beside it or in a connection of its own, and in a chain with what the
 * webhook has for all steps.
 *
 * @param step its place in the chain, from 0
 */
export function stepConfigOf(webhook: WebhookValue, step: number): StepConfig {
  const moved = withModuleKeysInside(webhook, knownKeys(webhookSchema), outputModules);
  const { chain } = moved;
  const own: unknown = Array.isArray(chain) ? chain[step] : moved;
  const name = typeof own === "string" ? own : (own as WebhookValue)["module"];
  const module = findModule(outputModules, name);
  const known = module === undefined ? [] : knownKeys(module.configSchema);
  const knownIn = (holder: unknown, key: string) =>
    Object.fromEntries(Object.entries(objectIn(holder, key)).filter(([each]) => known.includes(each)));
  return {
    ...knownIn(moved, "redis"),
    ...knownIn(moved, "module-config"),
    ...knownIn(own, "redis"),
    ...objectIn(own, "module-config"),
  };
}

function objectIn(holder: unknown, key: string): StepConfig {
  return (holder as Readonly<Record<string, StepConfig | undefined>>)[key] ?? {};
}
