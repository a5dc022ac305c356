/**
 * Writes batches of events into one table, and remembers what may be there already.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { DeliveryError, type DeliveryErrorCode } from "../../errors.ts";
import { backoffBoundMs } from "../../time/backoff.ts";
import type { Attempt, Delivery, DeliveryResult } from "../module.ts";
import { Block, Row } from "./block.ts";
import type { ClickhouseConfig } from "./config.ts";
import type { Outcome, TableInserter } from "./inserter.ts";
import { RetryMemory } from "./memory.ts";

/**
 * How long the composition of a block is remembered after it was sent. ClickHouse itself remembers what it has
 * inserted for an hour (25.10 and later; before that for a week), or as many blocks as its table is told to.
 */
const MEMORY_MS = 60 * 60 * 1000;
const MEMORY_BYTES = 64 * 1024 * 1024;
const MEMORY_VERDICTS = 100_000;

/** The pauses between the rounds of a block that the server refuses, as in the default of `retry`. */
const PAUSES = { initialMs: 1_000, maxMs: 60 * 60 * 1000 };

/** How long after its time a block is sent for any of its rows, whose own attempts are fewer than its rounds. */
const PATIENCE_MS = 10 * 60 * 1000;

/** A delivery, and its place in the batch. */
export type NumberedDelivery = readonly [index: number, delivery: Delivery<ClickhouseConfig>];

/** The results of one batch, as they become known. */
export class BatchResults {
  readonly #results: (DeliveryResult | undefined)[];
  /** Where the results of rows belong, nearly always one place each. */
  readonly #places = new Map<Row, number[]>();
  readonly #attempt: Attempt;

  constructor(count: number, attempt: Attempt) {
    this.#results = new Array(count).fill(undefined);
    this.#attempt = attempt;
  }

  /** The result is known. Returns whether anybody waited for it. */
  set(index: number, result: DeliveryResult): boolean {
    this.#results[index] = result;
    return this.#attempt.settle?.(index, result) ?? !this.#attempt.signal.aborted;
  }

  /** The result will be that of a row. */
  expect(row: Row, index: number): void {
    const places = this.#places.get(row);
    if (places === undefined) this.#places.set(row, [index]);
    else places.push(index);
  }

  /** Returns whether anybody waited for the row's result. */
  settle(row: Row, result: DeliveryResult): boolean {
    const places = this.#places.get(row) ?? [];
    return places.filter((index) => this.set(index, result)).length > 0;
  }

  /** One result each, in order. Those that are not known are time-outs. */
  all(): readonly DeliveryResult[] {
    return this.#results.map((result) => result ?? new DeliveryError("output_timeout"));
  }
}

/** Writes into one table, one batch after the other: the host sees to it. */
export class TableWriter {
  readonly #inserter: TableInserter;
  readonly #logger: Logger;
  readonly #memory = new RetryMemory({
    ageMs: MEMORY_MS,
    bytes: MEMORY_BYTES,
    verdicts: MEMORY_VERDICTS,
  });
  /** Every row that is under way or belongs to a block that is remembered. */
  readonly #rows = new Map<string, Row>();

  constructor(inserter: TableInserter, logger: Logger) {
    this.#inserter = inserter;
    this.#logger = logger;
  }

  /** @throws {DeliveryError} with the reason why events would not be inserted now */
  probe(signal: AbortSignal): Promise<void> {
    return this.#inserter.probe(signal);
  }

  /** Inserts events: remembered blocks that have some of them as they were sent, and the others as a new block. */
  async write(
    deliveries: readonly NumberedDelivery[],
    results: BatchResults,
    signal: AbortSignal,
  ): Promise<void> {
    for (const block of this.#blocksOf(deliveries, results)) await this.#insert(block, results, signal);
  }

  #blocksOf(deliveries: readonly NumberedDelivery[], results: BatchResults): readonly Block[] {
    this.#forgetOld();
    const now = performance.now();
    const due = new Set<Block>();
    const rows: Row[] = [];
    for (const [index, delivery] of deliveries) {
      const { id } = delivery.event;
      const known = this.#rows.get(id);
      const result = known === undefined ? this.#memory.takeVerdict(id) : this.#repeat(known, due, now);
      if (result !== undefined) {
        results.set(index, result);
        continue;
      }
      const row = known ?? new Row(delivery);
      results.expect(row, index);
      if (known !== undefined) continue;
      this.#rows.set(id, row);
      rows.push(row);
    }
    return rows.length === 0 ? [...due] : [...due, new Block(rows)];
  }

  /**
   * A row came again. If its block is remembered, that is sent again, unless that was done already for as many
   * attempts as the row has had: then what came of it is the result of this attempt, too. So a block is never sent
   * more often than one of its rows is tried.
   */
  #repeat(row: Row, due: Set<Block>, now: number): DeliveryError | undefined {
    row.tries++;
    const { block } = row;
    if (block?.past === undefined || !this.#memory.has(block)) return undefined;
    const { rounds, failure, nextAt } = block.past;
    if (!due.has(block) && row.tries <= rounds && now < nextAt + PATIENCE_MS) {
      return asksFor(failure, nextAt - now);
    }
    due.add(block);
    return undefined;
  }

  /** Never throws: whatever happens to the block, its rows get their results. */
  async #insert(block: Block, results: BatchResults, signal: AbortSignal): Promise<void> {
    this.#memory.takeBlock(block);
    for (const row of block.rows) row.block = block;
    try {
      for await (const outcome of this.#inserter.insert(block, signal)) this.#conclude(outcome, results);
    } catch (error) {
      this.#logger.error("Insert threw something that is not a ClickhouseFailure", { error });
      const result = new DeliveryError("output_failed", undefined, { cause: error });
      const rows = block.rows.filter((row) => row.block === block);
      this.#conclude({ block: new Block(rows), result, mayBeStored: false }, results);
    }
    this.#forgetOld();
  }

  #conclude({ block, result, mayBeStored, code }: Outcome, results: BatchResults): void {
    const isFinal = result === "delivered" || result.disposition === "dead_letter";
    // What may be in the table since an earlier round still may.
    const isKept = (mayBeStored || block.past !== undefined) && !isFinal;
    const { kept, told } = isKept ? toKeep(block, result, code) : { kept: undefined, told: result };
    if (kept !== undefined) this.#memory.keepBlock(kept);
    for (const row of block.rows) {
      row.block = kept;
      if (kept === undefined) this.#rows.delete(row.id);
      // Its next attempt must not insert again what is in the table already.
      if (!results.settle(row, told) && isFinal) this.#memory.keepVerdict(row.id, result);
    }
  }

  #forgetOld(): void {
    for (const { rows } of this.#memory.forgetOld()) for (const { id } of rows) this.#rows.delete(id);
  }
}

/** The block as it is remembered, and what its rows are told, so that their attempts come together. */
function toKeep(block: Block, failure: DeliveryError, code: number | undefined) {
  const rounds = (block.past?.rounds ?? 0) + 1;
  // Whoever cannot be reached is asked again at the pace of the output.
  const pauseMs = failure.code === "output_failed" ? backoffBoundMs(PAUSES, rounds) : 0;
  const nextAt = performance.now() + pauseMs;
  const kept = block.withPast({ rounds, failure, nextAt, code, search: block.past?.search });
  return { kept, told: asksFor(failure, pauseMs) };
}

/** The failure, with the wish to be left alone for so long. */
function asksFor(failure: DeliveryError, milliseconds: number): DeliveryError {
  const { code, message, cause, retryAfterSeconds = 0 } = failure;
  if (milliseconds <= retryAfterSeconds * 1000) return failure;
  const options = { cause, retryAfterSeconds: milliseconds / 1000 };
  return new DeliveryError(code as DeliveryErrorCode, message, options);
}
