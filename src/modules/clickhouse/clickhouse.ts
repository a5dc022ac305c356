/**
 * `clickhouse`: inserts each event as a row, over HTTP(S). Events of all webhooks that write to the same
 * table share inserts.
 *
 * An event is inserted at least once. When it is not known whether an insert has happened, because the
 * answer did not come, its rows are sent again as the same block: same rows, same order, same bytes, and
 * the same `insert_deduplication_token` where the server knows that setting (22.2 and later). Tables that
 * deduplicate blocks then keep one copy. The composition of such a block is remembered in this process for
 * an hour, up to 64 MiB a table; a row whose block was forgotten is inserted again, maybe a second time,
 * with the same `id`.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { Row, type RowWatcher } from "./block.ts";
import { ClickhouseClient, ClickhouseFailure } from "./client.ts";
import { type ClickhouseConfig, clickhouseConfigSchema } from "./config.ts";
import { type ClickhouseConnection, clickhouseConnectionSchema } from "./connection.ts";
import { judgeFailure, UNKNOWN_TABLE } from "./errors.ts";
import { TableInserter } from "./inserter.ts";
import { readTableKind } from "./lookup.ts";
import { qualifiedName, readLayout, TableMismatch } from "./table/table.ts";
import { TableWriter } from "./writer.ts";
import type {
  Attempt,
  Delivery,
  DeliveryResult,
  DocumentedModule,
  ModuleContext,
  Output,
} from "../module.ts";
import { loadTls } from "../../io/tls.ts";

/** Deliveries under way at once: enough for full batches while one is being inserted. */
const CONCURRENCY = 20_000;
const MAX_BATCH = 1_000;

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
class ClickhouseOutput implements Output<ClickhouseConfig> {
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

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const writer of this.#writers.values()) writer.close();
    this.#client[Symbol.dispose]();
    return Promise.resolve();
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

/** What keeps the rows of webhooks with a configuration out of their table: columns that are missing or do not fit. */
async function inspectTable(
  connection: ClickhouseConnection,
  config: ClickhouseConfig,
  signal: AbortSignal,
): Promise<readonly string[]> {
  using client = new ClickhouseClient(connection, await loadTls(connection.tls, signal));
  const name = qualifiedName(connection.database, config.table);
  try {
    await readLayout(client, name, config, signal);
    return [];
  } catch (error) {
    if (error instanceof TableMismatch) return error.reasons;
    if (!(error instanceof ClickhouseFailure)) throw error;
    if (error.refusal?.code === UNKNOWN_TABLE && config.createTable) return [];
    const judgement = judgeFailure(client.name, `a question about ${name}`, error);
    if (judgement.scope === "table") return [judgement.error.message];
    throw judgement.error;
  }
}

/** What does no harm to events now, but may surprise: settings that are fixed otherwise, and views on the table. */
async function describeTable(
  connection: ClickhouseConnection,
  config: ClickhouseConfig,
  signal: AbortSignal,
): Promise<readonly string[]> {
  using client = new ClickhouseClient(connection, await loadTls(connection.tls, signal));
  const { database } = connection;
  const name = qualifiedName(database, config.table);
  try {
    const { settings: { remarks } } = await readLayout(client, name, config, signal);
    const { views = [] } = await readTableKind(client, { database, table: config.table }, signal) ?? {};
    const pushed = views.map((view) =>
      `Inserts into ${name} are pushed to view ${view}, too: when it throws, the rows are in the table all the same, ` +
      `and count as delivered`
    );
    return [...remarks, ...pushed];
  } catch (error) {
    if (error instanceof TableMismatch) return [];
    if (!(error instanceof ClickhouseFailure)) throw error;
    throw judgeFailure(client.name, `a question about ${name}`, error).error;
  }
}

/** Inserts events into ClickHouse; see the top of this file. */
export const clickhouseModule: DocumentedModule<ClickhouseConfig, ClickhouseConnection> = {
  name: "clickhouse",
  summary: "a row of a ClickHouse table",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["clickhouse"],
  configSchema: clickhouseConfigSchema,
  connectionSchema: clickhouseConnectionSchema,
  acceptance: "durable",
  reads: "bytes",
  concurrency: CONCURRENCY,
  maxBatch: MAX_BATCH,
  timeoutMs: (config) => config.timeoutMs,
  inspect: inspectTable,
  notices: describeTable,
  open: async (connection, context) => {
    const client = new ClickhouseClient(connection, await loadTls(connection.tls));
    return new ClickhouseOutput(connection, client, context);
  },
};
