import { DeliveryError } from "../../../src/errors.ts";
import { logger } from "../../../src/observability/logging.ts";
import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import type { DeliveryResult } from "../../../src/modules/module.ts";
import { postgresqlModule } from "../../../src/modules/sql/postgresql/postgresql.ts";
import type { TestDatabase } from "./access.ts";

/** An open output of one webhook. */
export interface PostgresqlOutputUnderTest extends AsyncDisposable {
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
 * Opens the output.
 *
 * @param config its `module-config`
 * @param connection further keys of the connection, or others than those of the database
 */
export async function postgresqlOutput(
  database: Pick<TestDatabase, "name"> & { readonly server: { readonly port: number } },
  config: object,
  connection: Readonly<Record<string, unknown>> = {},
): Promise<PostgresqlOutputUnderTest> {
  const { configSchema, connectionSchema } = postgresqlModule;
  const compiled = configSchema.parse(config);
  const server = connectionSchema!.parse(
    connection["connection_string"] === undefined
      ? { host: "127.0.0.1", port: database.server.port, database: database.name, ...connection }
      : connection,
  );
  const lines = {
    write: () => Promise.reject(new Error("It prints nothing")),
    [Symbol.asyncDispose]: async () => {},
  };
  const output = await postgresqlModule.open(server, { name: "under_test", logger: logger("output"), lines });
  const signal = () => AbortSignal.timeout(60_000);
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
    inspect: () => postgresqlModule.inspect!(server, compiled, signal()),
    notices: () => postgresqlModule.notices!(server, compiled, signal()),
    [Symbol.asyncDispose]: () => output[Symbol.asyncDispose](),
  };
}
