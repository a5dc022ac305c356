/**
 * Probes of all connections of a configuration, and of what webhooks deliver to without one, for `check`.
 *
 * @module
 */

import type { CompiledConnection } from "../config/compiled_connection.ts";
import type { PooledConnection } from "../delivery/outputs/output_pool.ts";
import { DeliveryError } from "../errors.ts";
import type { ModuleContext, OutputModule } from "../modules/module.ts";

/** How long one connection may take to answer, in milliseconds. */
const PROBE_TIMEOUT_MS = 5_000;

/** Connections that are probed at once. */
const AT_ONCE = 16;

/** What came of probing one connection, or one output without one, as one module uses it. */
export interface ProbeResult {
  /** What is probed, as `connection NAME` or `output MODULE DESTINATION`. */
  readonly place: string;
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
  const results = await inTurn(connections, (connection) => {
    const named = { ...context, name: connection.name };
    return probeAll(connection, modules, named, usesOf(connection));
  });
  return results.flat();
}

/** What webhooks deliver to that name no connection. */
export interface DirectUse {
  readonly module: OutputModule;
  /** Its configuration, of one of the webhooks that share the output. */
  readonly config: unknown;
}

/** Asks the systems of outputs without a connection if they can take events, where their modules can find out. */
export async function probeOutputs(
  uses: Iterable<DirectUse>,
  context: Omit<ModuleContext, "name">,
): Promise<readonly ProbeResult[]> {
  const results = await inTurn(uses, async ({ module, config }): Promise<ProbeResult | undefined> => {
    if (module.canBeAsked?.(config) === false) return undefined;
    const failures = await probe(undefined, module, { ...context, name: module.name }, new Set([config]));
    if (failures === undefined) return undefined;
    const destination = module.destination?.(config);
    const place = `output ${module.name}${destination === undefined ? "" : ` ${destination}`}`;
    return { place, module: module.name, failures };
  });
  return results.filter((result) => result !== undefined);
}

/** Does something for each, a few at once. @returns the results in their order */
async function inTurn<One, Result>(
  all: Iterable<One>,
  doOne: (one: One) => Promise<Result>,
): Promise<readonly Result[]> {
  const waiting = [...all].entries();
  const results: Result[] = [];
  const work = async () => {
    for (const [index, one] of waiting) results[index] = await doOne(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

async function probeAll(
  connection: CompiledConnection,
  modules: readonly OutputModule[],
  context: ModuleContext,
  used: ConnectionUses | undefined,
): Promise<readonly ProbeResult[]> {
  const place = `connection ${connection.name}`;
  const uses = used ?? possibleUse(connection, modules);
  if (uses === undefined) return [{ place, module: undefined, failures: [] }];
  return await Promise.all(Array.from(uses, async ([module, configs]) => ({
    place,
    module: module.name,
    failures: await probe(connection, module, context, configs) ?? [],
  })));
}

function possibleUse(
  { type }: CompiledConnection,
  modules: readonly OutputModule[],
): ConnectionUses | undefined {
  const module = modules.find(({ connectionTypes }) => connectionTypes.includes(type));
  return module && new Map([[module, new Set()]]);
}

/**
 * Why the events of webhooks with these configurations would not be taken; `undefined` where there is no connection and
 * the module cannot find out.
 */
async function probe(
  connection: PooledConnection | undefined,
  module: OutputModule,
  context: ModuleContext,
  configs: ReadonlySet<unknown>,
): Promise<readonly DeliveryError[] | undefined> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  const reasonOf = (error: unknown): DeliveryError => {
    if (error instanceof DeliveryError) return error;
    return signal.aborted
      ? new DeliveryError("output_timeout", "It did not answer in time", { cause: error })
      : new DeliveryError("output_failed", undefined, { cause: error });
  };
  try {
    await using output = await module.open(connection?.config, context);
    if (connection === undefined && output.probeFor === undefined) return undefined;
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
