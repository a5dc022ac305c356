/**
 * Keys that the Python original takes and does nothing with: its example files have them. They keep no webhook
 * from being served, but their author hears that they are of no use.
 *
 * @module
 */

import { findModule, type OutputModule } from "../../modules/module.ts";
import type { WarningReason } from "../problem.ts";
import { knownKeys } from "../../schema/known_keys.ts";

type Value = Readonly<Record<string, unknown>>;

/** Keys without effect, and what to do about each. */
type DeadKeys = Readonly<Record<string, string>>;

/** Keys of `retry`: lists of Python's exception classes. */
export const OF_RETRY: DeadKeys = {
  retryable_errors: "the output knows which failures may pass",
  non_retryable_errors: "the output knows which failures may pass",
};

/** Keys of webhooks, unless `ip_whitelist` reads them. */
export const OF_WEBHOOKS: DeadKeys = { trusted_proxies: "TRUSTED_PROXIES is for all webhooks" };

/** Keys of steps of a chain, unless their module reads them. */
export const OF_STEPS: DeadKeys = { destination: "remove it" };

/** A webhook or a step of a chain without its keys that have no effect. */
export interface WithEffect {
  readonly value: Value;
  readonly warnings: readonly WarningReason[];
}

/** Takes the keys without effect out of a webhook and the steps of its chain. Nothing else is changed. */
export function withoutKeysWithoutEffect(webhook: Value, modules: readonly OutputModule[]): WithEffect {
  const removal = new Removal();
  const { chain } = webhook;
  const steps = Array.isArray(chain) ? chain : undefined;
  const named = steps === undefined ? [webhook["module"]] : steps.map(moduleOf);
  let value = removal.from(webhook, "", named.map((name) => find(modules, name)));
  // Only `ip_whitelist` reads it, there as here.
  if (!("ip_whitelist" in value)) value = removal.of(value, "", OF_WEBHOOKS);
  if (steps?.some(isValue)) {
    value = { ...value, chain: steps.map((step, index) => removal.fromStep(step, index, modules)) };
  }
  return { value, warnings: removal.warnings };
}

class Removal {
  readonly warnings: WarningReason[] = [];

  /** @param modules those that the keys of `module-config` are for */
  from(value: Value, prefix: string, modules: readonly (OutputModule | undefined)[]): Value {
    let left = value;
    const { retry } = left;
    if (isValue(retry)) left = replaced(left, "retry", this.of(retry, `${prefix}retry.`, OF_RETRY));
    const keys = deadKeys(modules);
    if (keys === undefined) return left;
    const config = left["module-config"];
    if (isValue(config)) {
      left = replaced(left, "module-config", this.of(config, `${prefix}module-config.`, keys));
    }
    return this.of(left, prefix, keys);
  }

  fromStep(step: unknown, index: number, modules: readonly OutputModule[]): unknown {
    if (!isValue(step)) return step;
    const module = find(modules, step["module"]);
    const prefix = `chain.${index}.`;
    const left = this.from(step, prefix, [module]);
    const isRead = module !== undefined && knownKeys(module.configSchema).includes("destination");
    return isRead ? left : this.of(left, prefix, OF_STEPS);
  }

  of(value: Value, prefix: string, keys: DeadKeys): Value {
    const dead = Object.keys(keys).filter((key) => Object.hasOwn(value, key));
    if (dead.length === 0) return value;
    for (const key of dead) {
      this.warnings.push({
        code: "no_effect",
        path: `${prefix}${key}`,
        message: `Key '${key}' has no effect: ${keys[key]}`,
      });
    }
    return Object.fromEntries(Object.entries(value).filter(([key]) => !dead.includes(key)));
  }
}

/** What some of the modules take without effect, and none of them reads. */
function deadKeys(modules: readonly (OutputModule | undefined)[]): DeadKeys | undefined {
  const dead = modules.flatMap((module): DeadKeys[] => {
    return module?.keysWithoutEffect === undefined ? [] : [module.keysWithoutEffect];
  });
  if (dead.length === 0 || modules.length === 1) return dead[0];
  const read = modules.flatMap((module) => module === undefined ? [] : knownKeys(module.configSchema));
  const all = dead.flatMap((keys) => Object.entries(keys));
  return Object.fromEntries(all.filter(([key]) => !read.includes(key)));
}

function find(modules: readonly OutputModule[], name: unknown): OutputModule | undefined {
  return findModule(modules, name);
}

function moduleOf(step: unknown): unknown {
  return isValue(step) ? step["module"] : step;
}

function replaced(value: Value, key: string, inner: Value): Value {
  return value[key] === inner ? value : { ...value, [key]: inner };
}

function isValue(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
