/**
 * The settings of outputs as a configuration has them, wherever in the webhook they stand.
 *
 * @module
 */

import { withModuleKeysInside } from "../../config/compile/module_keys.ts";
import { webhookSchema } from "../../config/compile/schema.ts";
import { outputModules } from "../../modules/registry.ts";
import { knownKeys } from "../../schema/known_keys.ts";
import type { WebhookValue } from "./credentials.ts";

/** Settings of a module by their keys. */
export type StepConfig = Readonly<Record<string, unknown>>;

/**
 * `module-config` of one output: with what stands beside it, and in a chain with what the webhook has for all steps.
 *
 * @param step its place in the chain, from 0
 */
export function stepConfigOf(webhook: WebhookValue, step: number): StepConfig {
  const moved = withModuleKeysInside(webhook, knownKeys(webhookSchema), outputModules);
  const { chain } = moved;
  if (!Array.isArray(chain)) return moduleConfigIn(moved);
  const own: unknown = chain[step];
  const name = typeof own === "string" ? own : (own as { readonly module?: unknown }).module;
  const module = outputModules.find((each) => each.name === name);
  const known = module === undefined ? [] : knownKeys(module.configSchema);
  const shared = Object.entries(moduleConfigIn(moved)).filter(([key]) => known.includes(key));
  return { ...Object.fromEntries(shared), ...moduleConfigIn(own) };
}

function moduleConfigIn(holder: unknown): StepConfig {
  return (holder as { readonly "module-config"?: StepConfig })["module-config"] ?? {};
}
