/**
 * The output of one table of an SQL server.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import type { SqlConfig } from "./config.ts";
import type { SqlDialect } from "./dialect.ts";
import { TableInserter } from "./inserter.ts";
import type { SqlServer } from "./server.ts";

/** Stores events. The gateway has one for each table, and calls it with one batch after the other. */
export class SqlOutput<Client, Statement> implements Output<SqlConfig> {
  readonly #server: SqlServer<Client>;
  readonly #dialect: SqlDialect<Client, Statement>;
  /** By the batch keys of configurations. */
  readonly #inserters = new Map<string, TableInserter<Client, Statement>>();
  #last: TableInserter<Client, Statement> | undefined;

  /** @param server is closed with the output */
  constructor(server: SqlServer<Client>, dialect: SqlDialect<Client, Statement>) {
    this.#server = server;
    this.#dialect = dialect;
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
    await this.#server.use((client) => this.#dialect.ping(client), signal);
  }

  async probeFor(config: SqlConfig, signal: AbortSignal): Promise<void> {
    await this.#inserterFor(config).probe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #inserterFor(config: SqlConfig): TableInserter<Client, Statement> {
    let inserter = this.#inserters.get(config.batchKey);
    if (inserter === undefined) {
      inserter = new TableInserter(this.#server, this.#dialect, config);
      this.#inserters.set(config.batchKey, inserter);
    }
    return inserter;
  }
}
