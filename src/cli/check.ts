import { ConfigManager } from "../config/manager.ts";
import type { Problem } from "../config/problem.ts";
import { CLOSED_LEASE } from "../delivery/output_pool.ts";
import { StartupError } from "../errors.ts";
import { createProvider } from "../gateway.ts";
import { outputModules } from "../modules/registry.ts";
import { logger } from "../observability/logging.ts";
import type { Settings } from "../settings.ts";
import { print } from "./terminal.ts";

/** How long the backend may take to give its configuration, in milliseconds. */
const LOAD_TIMEOUT_MS = 10_000;

/**
 * Validates the webhooks and connections of the configured backend without serving, and prints every
 * problem. Returns the exit status: 1 if there are any.
 */
export async function check(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const manager = new ConfigManager({
    outputs: { acquire: () => CLOSED_LEASE },
    compile: { environment, modules: outputModules },
    logger: logger("config"),
  });
  await using provider = await createProvider(settings);
  try {
    await provider.start(manager, AbortSignal.timeout(LOAD_TIMEOUT_MS));
  } catch (cause) {
    const seconds = LOAD_TIMEOUT_MS / 1000;
    throw new StartupError("backend_unreachable", [
      `Cannot check the configuration: the ${settings.configBackend} backend did not give it within ${seconds} seconds`,
    ], { cause });
  }
  const problems = [...manager.catalog.problems()];
  for (const problem of problems) print(describe(problem));
  const { webhooks, connections } = manager.size;
  print(
    `${count(problems.length, "problem")} in ${count(webhooks, "webhook")} and ${
      count(connections, "connection")
    }`,
  );
  return problems.length === 0 ? 0 : 1;
}

function describe({ key, path, message, code }: Problem): string {
  return `${key}: ${path === "" ? "" : `${path}: `}${message} (${code})`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
