/**
 * The output of one table of a PostgreSQL server.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { Attempt, Delivery, DeliveryResult, ModuleContext, Output } from "../../module.ts";
import type { SqlConfig } from "../config.ts";
import type { PostgresqlConnection } from "./connection.ts";
import { TableInserter } from "./inserter.ts";
import { DatabaseServer } from "./server.ts";

/** Stores events. The gateway has one for each table, and calls it with one batch after the other. */
export class PostgresqlOutput implements Output<SqlConfig> {
  readonly #server: DatabaseServer;
  /** By the batch keys of configurations. */
  readonly #inserters = new Map<string, TableInserter>();
  #last: TableInserter | undefined;

  constructor(connection: PostgresqlConnection, context: ModuleContext) {
    this.#server = new DatabaseServer(connection, context);
  }

  async deliver(batch: readonly Delivery<SqlConfig>[], attempt: Attempt): Promise<readonly DeliveryResult[]> {
    const results: (DeliveryResult | undefined)[] = new Array(batch.length).fill(undefined);
    const settle = (index: number, result: DeliveryResult) => {
      results[index] = result;
      attempt.settle?.(index, result);
    };
    const tables = Map.groupBy(batch.entries(), ([, { config }]) => config.batchKey);
    for (const deliveries of tables.values()) {
      const inserter = this.#last = this.#inserterFor(deliveries[0]![1].config);
      try {
        await inserter.insert(deliveries, settle, attempt.signal);
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error;
        for (const [index] of deliveries) if (results[index] === undefined) settle(index, error);
      }
    }
    return results.map((result) => result ?? new DeliveryError("output_timeout"));
  }

  async probe(signal: AbortSignal): Promise<void> {
    if (this.#last !== undefined) return await this.#last.probe(signal);
    await this.#server.use((client) => client.query({ text: "select 1" }), signal);
  }

  async probeFor(config: SqlConfig, signal: AbortSignal): Promise<void> {
    await this.#inserterFor(config).probe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #inserterFor(config: SqlConfig): TableInserter {
    let inserter = this.#inserters.get(config.batchKey);
    if (inserter === undefined) {
      this.#inserters.set(config.batchKey, inserter = new TableInserter(this.#server, config));
    }
    return inserter;
  }
}
