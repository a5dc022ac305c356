/**
 * The output of one connection to ClickHouse, and the results of its deliveries.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { Row, type RowWatcher } from "./block.ts";
import { type ClickhouseClient, ClickhouseFailure } from "./client.ts";
import type { ClickhouseConfig } from "./config.ts";
import type { ClickhouseConnection } from "./connection.ts";
import { judgeFailure } from "./errors.ts";
import { TableInserter } from "./inserter.ts";
import { TableWriter } from "./writer.ts";
import type { Attempt, Delivery, DeliveryResult, ModuleContext, Output } from "../module.ts";

/** When there are more, writers that have nothing to do are closed, with what they know of their tables. */
const MANY_WRITERS = 1_000;

/** The results of one call of `deliver`, whose rows may be in several inserts. */
class PendingResults implements RowWatcher {
  readonly #results: (DeliveryResult | undefined)[] = [];
  /** By the index of the result, where it is not known at once. */
  readonly #rows: (Row | undefined)[] = [];
  readonly #writers: TableWriter[] = [];
  readonly #all = Promise.withResolvers<void>();
  readonly #timeout: () => DeliveryError;
  #missing: number;

  constructor(count: number, timeout: () => DeliveryError) {
    this.#timeout = timeout;
    this.#missing = count;
    if (count === 0) this.#all.resolve();
  }

  /** Hands the next delivery to a writer. */
  expect(writer: TableWriter, delivery: Delivery<ClickhouseConfig>, now: number): void {
    const index = this.#results.length;
    const row = writer.add(delivery, now);
    this.#results.push(undefined);
    this.#writers.push(writer);
    this.#rows.push(row instanceof Row ? row : undefined);
    if (row instanceof Row) row.watch(this, index);
    else this.settled(index, row);
  }

  settled(index: number, result: DeliveryResult): void {
    this.#results[index] = result;
    this.#missing--;
    if (this.#missing === 0) this.#all.resolve();
  }

  /** All results. When the signal aborts, those that are missing become time-outs. */
  async unlessAborted(signal: AbortSignal): Promise<readonly DeliveryResult[]> {
    const abort = () => this.#giveUp();
    signal.addEventListener("abort", abort, { once: true });
    await this.#all.promise;
    signal.removeEventListener("abort", abort);
    return this.#results.map((result) => result ?? this.#timeout());
  }

  #giveUp(): void {
    for (const [index, row] of this.#rows.entries()) {
      if (row === undefined || this.#results[index] !== undefined) continue;
      row.unwatch(this, index);
      this.#writers[index]?.giveUp(row);
    }
    this.#all.resolve();
  }
}

/** Inserts the events of all webhooks that use one connection. */
export class ClickhouseOutput implements Output<ClickhouseConfig> {
  readonly #connection: ClickhouseConnection;
  readonly #client: ClickhouseClient;
  readonly #context: ModuleContext;
  readonly #writers = new Map<string, TableWriter>();
  #isClosed = false;

  constructor(connection: ClickhouseConnection, client: ClickhouseClient, context: ModuleContext) {
    this.#connection = connection;
    this.#client = client;
    this.#context = context;
  }

  deliver(
    batch: readonly Delivery<ClickhouseConfig>[],
    { signal }: Attempt,
  ): readonly DeliveryResult[] | Promise<readonly DeliveryResult[]> {
    if (signal.aborted) return batch.map(() => this.#timeout());
    const pending = new PendingResults(batch.length, () => this.#timeout());
    const now = performance.now();
    for (const delivery of batch) pending.expect(this.#writerFor(delivery.config), delivery, now);
    return pending.unlessAborted(signal);
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const writer of this.#writers.values()) writer.close();
    await this.#client[Symbol.asyncDispose]();
  }

  #writerFor(config: ClickhouseConfig): TableWriter {
    let writer = this.#writers.get(config.batchKey);
    if (writer !== undefined) return writer;
    if (this.#writers.size >= MANY_WRITERS) this.#closeIdleWriters();
    const { database, batch } = this.#connection;
    const { logger } = this.#context;
    writer = new TableWriter(new TableInserter(this.#client, database, config, logger), batch, logger);
    if (this.#isClosed) writer.close();
    this.#writers.set(config.batchKey, writer);
    return writer;
  }

  #closeIdleWriters(): void {
    for (const [key, writer] of this.#writers) {
      if (writer.isIdle) this.#writers.delete(key);
    }
  }

  #timeout(): DeliveryError {
    return new DeliveryError("output_timeout", `${this.#client.name} did not answer in time`);
  }
}
