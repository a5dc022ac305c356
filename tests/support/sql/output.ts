import { DeliveryError } from "../../../src/errors.ts";
import { logger } from "../../../src/observability/logging.ts";
import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import type { DeliveryResult, DocumentedModule } from "../../../src/modules/module.ts";
import { patience } from "../patience.ts";

/** An open output of one webhook. */
export interface SqlOutputUnderTest extends AsyncDisposable {
  /** Delivers a batch. What fails as a whole is the result of each. */
  deliver(...events: readonly VerifiedEvent[]): Promise<readonly DeliveryResult[]>;
  /** The same, given up after so many milliseconds. */
  deliverWithin(ms: number, ...events: readonly VerifiedEvent[]): Promise<readonly DeliveryResult[]>;
  /** @throws {DeliveryError} when it would not take events */
  probe(): Promise<void>;
  /** What would be a problem of the webhook. */
  inspect(): Promise<readonly string[]>;
  /** What `cwm check --probe` has to say besides. */
  notices(): Promise<readonly string[]>;
}

/**
 * Opens the output of a module that stores rows.
 *
 * @param config its `module-config`
 * @param connection as in the connections file, without `type`
 */
export async function openSqlOutput<Config, Connection>(
  module: DocumentedModule<Config, Connection>,
  config: object,
  connection: object,
): Promise<SqlOutputUnderTest> {
  const compiled = module.configSchema.parse(config);
  const server = module.connectionSchema!.parse(connection);
  const lines = {
    write: () => Promise.reject(new Error("It prints nothing")),
    [Symbol.asyncDispose]: async () => {},
  };
  const output = await module.open(server, { name: "under_test", logger: logger("output"), lines });
  const signal = () => patience(60_000);
  const deliver = async (events: readonly VerifiedEvent[], signal: AbortSignal) => {
    try {
      return await output.deliver(events.map((event) => ({ event, config: compiled })), {
        number: 1,
        signal,
      });
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      return events.map(() => error);
    }
  };
  return {
    deliver: (...events) => deliver(events, signal()),
    deliverWithin: (ms, ...events) => deliver(events, AbortSignal.timeout(ms)),
    probe: () => output.probeFor!(compiled, signal()),
    inspect: () => module.inspect!(server, compiled, signal()),
    notices: () => module.notices!(server, compiled, signal()),
    [Symbol.asyncDispose]: () => output[Symbol.asyncDispose](),
  };
}
