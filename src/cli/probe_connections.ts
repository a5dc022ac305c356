import type { CompiledConnection } from "../config/compiled_connection.ts";
import { DeliveryError } from "../errors.ts";
import type { ModuleContext, OutputModule } from "../modules/module.ts";

/** How long one connection may take to answer, in milliseconds. */
const PROBE_TIMEOUT_MS = 5_000;

/** Connections that are probed at once. */
const AT_ONCE = 16;

/** What came of probing one connection. */
export interface ProbeResult {
  readonly connection: string;
  /** The module that can use it; `undefined` when none can, so that nothing was probed. */
  readonly module: string | undefined;
  /** Why it cannot take events; `undefined` when it can. */
  readonly failure: DeliveryError | undefined;
}

/** Opens every connection as its module would, and asks whether it can take events. In their order. */
export async function probeConnections(
  connections: Iterable<CompiledConnection>,
  modules: readonly OutputModule[],
  context: Omit<ModuleContext, "name">,
): Promise<readonly ProbeResult[]> {
  const waiting = [...connections].entries();
  const results: ProbeResult[] = [];
  const work = async () => {
    for (const [index, connection] of waiting) {
      const module = modules.find(({ connectionTypes }) => connectionTypes.includes(connection.type));
      const failure = module && await probe(connection, module, { ...context, name: connection.name });
      results[index] = { connection: connection.name, module: module?.name, failure };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

async function probe(
  connection: CompiledConnection,
  module: OutputModule,
  context: ModuleContext,
): Promise<DeliveryError | undefined> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    await using output = await module.open(connection.config, context);
    await output.probe(signal);
    return undefined;
  } catch (error) {
    if (error instanceof DeliveryError) return error;
    if (signal.aborted) {
      return new DeliveryError("output_timeout", "It did not answer in time", { cause: error });
    }
    return new DeliveryError("output_failed", undefined, { cause: error });
  }
}
