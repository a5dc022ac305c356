/**
 * Settings of a module that stand beside `module-config` instead of in it, as `topic` and `queue_name` do in
 * many files of the Python original.
 *
 * @module
 */

import type { OutputModule } from "../../modules/module.ts";
import { chainItemSchema } from "./delivery_schema.ts";
import { knownKeys } from "../../schema/known_keys.ts";

type Value = Readonly<Record<string, unknown>>;

/**
 * Moves the keys that a webhook does not know and its modules do into `module-config`; what stands there
 * already counts. All other unknown keys stay, to be reported.
 *
 * @param webhookKeys the keys that a webhook knows
 */
export function withModuleKeysInside(
  webhook: Value,
  webhookKeys: readonly string[],
  modules: readonly OutputModule[],
): Value {
  const { chain } = webhook;
  const steps = Array.isArray(chain) ? chain.filter(isValue) : [];
  const names = Array.isArray(chain) ? chain.map((step) => isValue(step) ? step["module"] : step) : [];
  const moved = moveInside(webhook, webhookKeys, keysOf([webhook["module"], ...names], modules));
  if (steps.length === 0) return moved;
  const stepKeys = knownKeys(chainItemSchema);
  return {
    ...moved,
    chain: (chain as unknown[]).map((step) =>
      isValue(step) ? moveInside(step, stepKeys, keysOf([step["module"]], modules)) : step
    ),
  };
}

function moveInside(value: Value, ownKeys: readonly string[], moduleKeys: ReadonlySet<string>): Value {
  const inside = value["module-config"] ?? {};
  const keys = Object.keys(value).filter((key) => !ownKeys.includes(key) && moduleKeys.has(key));
  if (keys.length === 0 || !isValue(inside)) return value;
  const kept = Object.entries(value).filter(([key]) => !keys.includes(key));
  const moved = keys.map((key) => [key, value[key]]);
  return { ...Object.fromEntries(kept), "module-config": { ...Object.fromEntries(moved), ...inside } };
}

function keysOf(names: readonly unknown[], modules: readonly OutputModule[]): ReadonlySet<string> {
  const named = modules.filter(({ name }) => names.includes(name));
  return new Set(named.flatMap(({ configSchema }) => knownKeys(configSchema)));
}

function isValue(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
