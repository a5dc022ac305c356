/**
 * Probes of all connections of a configuration, for `check`.
 *
 * @module
 */

import type { CompiledConnection } from "../config/compiled_connection.ts";
import { DeliveryError } from "../errors.ts";
import type { ModuleContext, OutputModule } from "../modules/module.ts";

/** How long one connection may take to answer, in milliseconds. */
const PROBE_TIMEOUT_MS = 5_000;

/** Connections that are probed at once. */
const AT_ONCE = 16;

/** What came of probing one connection as one module uses it. */
export interface ProbeResult {
  readonly connection: string;
  /** The module that can use it; `undefined` when none can, so that nothing was probed. */
  readonly module: string | undefined;
  /** Why it cannot take events, each reason once; none when it can. */
  readonly failures: readonly DeliveryError[];
}

/** The configurations of the webhooks that use a connection, by module. */
export type ConnectionUses = ReadonlyMap<OutputModule, ReadonlySet<unknown>>;

/**
 * Opens every connection as the modules of its webhooks would, or as one that could, and asks whether it can take
 * their events. In the order of the connections.
 *
 * @param usesOf what webhooks use a connection for; `undefined` when none does
 */
export async function probeConnections(
  connections: Iterable<CompiledConnection>,
  modules: readonly OutputModule[],
  context: Omit<ModuleContext, "name">,
  usesOf: (connection: CompiledConnection) => ConnectionUses | undefined,
): Promise<readonly ProbeResult[]> {
  const waiting = [...connections].entries();
  const results: (readonly ProbeResult[])[] = [];
  const work = async () => {
    for (const [index, connection] of waiting) {
      const named = { ...context, name: connection.name };
      results[index] = await probeAll(connection, modules, named, usesOf(connection));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results.flat();
}

async function probeAll(
  connection: CompiledConnection,
  modules: readonly OutputModule[],
  context: ModuleContext,
  used: ConnectionUses | undefined,
): Promise<readonly ProbeResult[]> {
  const { name } = connection;
  const uses = used ?? possibleUse(connection, modules);
  if (uses === undefined) return [{ connection: name, module: undefined, failures: [] }];
  return await Promise.all(Array.from(uses, async ([module, configs]) => ({
    connection: name,
    module: module.name,
    failures: await probe(connection, module, context, configs),
  })));
}

function possibleUse(
  { type }: CompiledConnection,
  modules: readonly OutputModule[],
): ConnectionUses | undefined {
  const module = modules.find(({ connectionTypes }) => connectionTypes.includes(type));
  return module && new Map([[module, new Set()]]);
}

/** Why the events of webhooks with these configurations would not be taken. */
async function probe(
  connection: CompiledConnection,
  module: OutputModule,
  context: ModuleContext,
  configs: ReadonlySet<unknown>,
): Promise<readonly DeliveryError[]> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  const reasonOf = (error: unknown): DeliveryError => {
    if (error instanceof DeliveryError) return error;
    return signal.aborted
      ? new DeliveryError("output_timeout", "It did not answer in time", { cause: error })
      : new DeliveryError("output_failed", undefined, { cause: error });
  };
  try {
    await using output = await module.open(connection.config, context);
    await output.probe(signal);
    const answers = await Promise.allSettled(
      Array.from(configs, (config) => output.probeFor?.(config, signal)),
    );
    const reasons = answers.flatMap((answer) =>
      answer.status === "rejected" ? [reasonOf(answer.reason)] : []
    );
    return [...new Map(reasons.map((reason) => [reason.message, reason])).values()];
  } catch (error) {
    return [reasonOf(error)];
  }
}
