/**
 * The output of one connection to ClickHouse.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { Attempt, Delivery, DeliveryResult, ModuleContext, Output } from "../module.ts";
import { ClickhouseClient, ClickhouseFailure } from "./client.ts";
import type { ClickhouseConfig } from "./config.ts";
import type { ClickhouseConnection } from "./connection.ts";
import { judgeFailure } from "./errors.ts";
import { TableInserter } from "./inserter.ts";
import { BatchResults, TableWriter } from "./writer.ts";

/** Inserts events. The gateway has one for each table, and calls it with one batch after the other. */
export class ClickhouseOutput implements Output<ClickhouseConfig> {
  readonly #database: string;
  readonly #client: ClickhouseClient;
  readonly #context: ModuleContext;
  /** By the batch keys of configurations. */
  readonly #writers = new Map<string, TableWriter>();

  constructor(connection: ClickhouseConnection, context: ModuleContext) {
    this.#database = connection.database;
    this.#client = new ClickhouseClient(connection, context);
    this.#context = context;
  }

  async deliver(
    batch: readonly Delivery<ClickhouseConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const { signal } = attempt;
    if (signal.aborted) throw this.#timeout();
    const results = new BatchResults(batch.length, attempt);
    const tables = Map.groupBy(batch.entries(), ([, { config }]) => config.batchKey);
    for (const [key, deliveries] of tables) {
      const [, { config }] = deliveries[0]!;
      await this.#writerFor(key, config).write(deliveries, results, signal);
    }
    return results.all();
  }

  async probe(signal: AbortSignal): Promise<void> {
    try {
      await this.#client.query("SELECT 1", signal);
    } catch (error) {
      if (!(error instanceof ClickhouseFailure)) throw error;
      throw signal.aborted
        ? this.#timeout()
        : judgeFailure(this.#client.name, "the probe SELECT 1", error).error;
    }
  }

  probeFor(config: ClickhouseConfig, signal: AbortSignal): Promise<void> {
    return this.#writerFor(config.batchKey, config).probe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  #writerFor(batchKey: string, config: ClickhouseConfig): TableWriter {
    let writer = this.#writers.get(batchKey);
    if (writer === undefined) {
      const { logger } = this.#context;
      const inserter = new TableInserter(this.#client, this.#database, config, logger);
      this.#writers.set(batchKey, writer = new TableWriter(inserter, logger));
    }
    return writer;
  }

  #timeout(): DeliveryError {
    return new DeliveryError("output_timeout", `${this.#client.name} did not answer in time`);
  }
}
