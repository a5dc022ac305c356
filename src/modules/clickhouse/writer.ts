/**
 * Gathers the rows of one table into blocks.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { assertCount, DeliveryError, type DeliveryErrorCode } from "../../errors.ts";
import { Batch, Block, Row } from "./block.ts";
import type { BatchLimits } from "./connection.ts";
import type { ClickhouseConfig } from "./config.ts";
import type { Outcome, TableInserter } from "./inserter.ts";
import { RetryMemory } from "./memory.ts";
import type { Delivery, DeliveryResult } from "../module.ts";
import { backoffBoundMs } from "../../time/backoff.ts";

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

/** Most bytes that wait for their insert, besides one event of any size. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/**
 * Gathers rows of one table from all deliveries and inserts them, one block after the other: while one is
 * under way, the next one gathers. The table's server is asked for nothing else at the same time, so a slow
 * one gets fewer and larger inserts by itself.
 */
export class TableWriter {
  readonly #inserter: TableInserter;
  readonly #limits: BatchLimits;
  readonly #logger: Logger;
  readonly #memory = new RetryMemory({
    ageMs: MEMORY_MS,
    bytes: MEMORY_BYTES,
    verdicts: MEMORY_VERDICTS,
  });
  /** Every row that waits, is under way, or belongs to a block that is remembered. */
  readonly #rows = new Map<string, Row>();
  /** In the order of arrival. All but the last are full. */
  readonly #batches: Batch[] = [];
  #waitingBytes = 0;
  /** Remembered blocks that are to be sent again, since one of their events came again. */
  readonly #due = new Set<Block>();
  #abortInsert: ((reason: DeliveryError) => void) | undefined;
  #running = false;
  #wakeUp: (() => void) | undefined;
  #closed: DeliveryError | undefined;

  constructor(inserter: TableInserter, limits: BatchLimits, logger: Logger) {
    this.#inserter = inserter;
    this.#limits = limits;
    this.#logger = logger;
  }

  /** Whether nothing is lost when the writer is. */
  get isIdle(): boolean {
    return !this.#running && this.#memory.isEmpty;
  }

  /**
   * Takes an event in. Its result is known already, or the row reports it to its watchers.
   *
   * @param now the time by `performance.now()`, which is not worth asking for each event of many
   */
  add(delivery: Delivery<ClickhouseConfig>, now: number): Row | DeliveryResult {
    if (this.#closed !== undefined) return this.#closed;
    if (!this.#memory.isEmpty) {
      this.#forgetOld();
      const verdict = this.#memory.takeVerdict(delivery.event.id);
      if (verdict !== undefined) return verdict;
    }
    const known = this.#rows.get(delivery.event.id);
    if (known !== undefined) return this.#repeat(known, now) ?? known;
    const row = new Row(delivery, now);
    if (this.#waitingBytes > 0 && this.#waitingBytes + row.size > MAX_WAITING_BYTES) {
      const message = `Too many events wait for table ${delivery.config.table}`;
      return new DeliveryError("overloaded", message, { retryAfterSeconds: 1 });
    }
    this.#enqueue(row);
    return row;
  }

  /** Takes a row back that nobody watches any more, unless it has been sent. */
  giveUp(row: Row): void {
    if (row.isWatched || !(row.place instanceof Batch)) return;
    row.place.remove(row);
    this.#waitingBytes = assertCount(this.#waitingBytes - row.size, "bytes that wait for ClickHouse");
    this.#rows.delete(row.id);
  }

  /** Fails what waits and breaks off what is under way. */
  close(): void {
    this.#closed = new DeliveryError("output_unavailable", "The connection to ClickHouse is being closed");
    this.#abortInsert?.(this.#closed);
    const batches = this.#batches.splice(0);
    for (const row of batches.flatMap((batch) => batch.toBlock().rows)) row.settle(this.#closed);
    this.#due.clear();
    this.#wakeUp?.();
  }

  #enqueue(row: Row): void {
    const { rows: maxRows, bytes: maxBytes } = this.#limits;
    let batch = this.#batches.at(-1);
    const fits = batch !== undefined && batch.length < maxRows && batch.size + row.size <= maxBytes;
    if (batch === undefined || (batch.length > 0 && !fits)) {
      batch = new Batch(this.#inserter.layout);
      this.#batches.push(batch);
    }
    batch.add(row);
    this.#rows.set(row.id, row);
    this.#waitingBytes += row.size;
    if (!this.#running) this.#start();
    else if (this.#isFull) this.#wakeUp?.();
  }

  /**
   * A row came again. If its block is remembered, that is sent again, unless that was done already for as many
   * attempts as the row has had: then what came of it is the result of this attempt, too. So a block is never sent
   * more often than one of its rows is tried.
   */
  #repeat(row: Row, now: number): DeliveryError | undefined {
    row.tries++;
    const { place } = row;
    if (!(place instanceof Block) || place.past === undefined || !this.#memory.has(place)) return undefined;
    const { rounds, failure, nextAt } = place.past;
    if (!this.#due.has(place) && row.tries <= rounds && now < nextAt + PATIENCE_MS) {
      return asksFor(failure, nextAt - now);
    }
    this.#due.add(place);
    if (this.#running) this.#wakeUp?.();
    else this.#start();
    return undefined;
  }

  #forgetOld(): void {
    for (const block of this.#memory.forgetOld()) {
      if (this.#due.has(block)) continue;
      for (const row of block.rows) this.#rows.delete(row.id);
    }
  }

  get #isFull(): boolean {
    const [first] = this.#batches;
    return first !== undefined &&
      (this.#batches.length > 1 || first.length >= this.#limits.rows || first.size >= this.#limits.bytes);
  }

  #start(): void {
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    for (let work = this.#nextWork(); work !== undefined; work = this.#nextWork()) {
      if (work instanceof Block) await this.#insert(work);
      else await this.#pause(work);
    }
    // Nothing may come between seeing that there is nothing to do and this, or it would never be done.
    this.#running = false;
  }

  /** The block to insert now, how many milliseconds to wait for one, or `undefined` for nothing to do. */
  #nextWork(): Block | number | undefined {
    for (const block of this.#due) {
      this.#due.delete(block);
      return block;
    }
    while (this.#batches[0]?.length === 0) this.#batches.shift();
    const [first] = this.#batches;
    if (first === undefined) return undefined;
    const waitMs = first.since + this.#limits.waitMs - performance.now();
    if (!this.#isFull && waitMs > 0) return waitMs;
    this.#batches.shift();
    this.#waitingBytes = assertCount(this.#waitingBytes - first.size, "bytes that wait for ClickHouse");
    return first.toBlock();
  }

  #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#wakeUp = resolve;
    return promise.finally(() => {
      clearTimeout(timer);
      this.#wakeUp = undefined;
    });
  }

  /** Never throws: whatever happens to the block, its rows get their results. */
  async #insert(block: Block): Promise<void> {
    this.#memory.takeBlock(block);
    for (const row of block.rows) row.place = block;
    const { timeoutMs } = block;
    const controller = new AbortController();
    this.#abortInsert = (reason) => controller.abort(reason);
    const timer = setTimeout(() => {
      const message = `The insert was not confirmed within ${timeoutMs / 1000} s`;
      controller.abort(new DeliveryError("output_timeout", message));
    }, timeoutMs);
    try {
      for await (const outcome of this.#inserter.insert(block, controller.signal)) this.#conclude(outcome);
    } catch (error) {
      this.#logger.error("Insert threw something that is not a ClickhouseFailure", { error });
      const result = new DeliveryError("output_failed", undefined, { cause: error });
      const rows = block.rows.filter((row) => row.place === block);
      this.#conclude({ block: new Block(rows), result, mayBeStored: false });
    } finally {
      clearTimeout(timer);
      this.#abortInsert = undefined;
    }
  }

  #conclude({ block, result, mayBeStored, code }: Outcome): void {
    const isFinal = result === "delivered" || result.disposition === "dead_letter";
    // What may be in the table since an earlier round still may.
    const isKept = (mayBeStored || block.past !== undefined) && !isFinal && this.#closed === undefined;
    const { kept, told } = isKept ? toKeep(block, result, code) : { kept: undefined, told: result };
    if (kept !== undefined) this.#memory.keepBlock(kept);
    for (const row of block.rows) {
      row.place = kept;
      if (kept === undefined) this.#rows.delete(row.id);
      // Its next attempt must not insert again what is in the table already.
      if (isFinal && !row.isWatched) this.#memory.keepVerdict(row.id, result);
      row.settle(told);
    }
    this.#forgetOld();
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
