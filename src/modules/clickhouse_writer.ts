import type { Logger } from "@logtape/logtape";
import { DeliveryError } from "../errors.ts";
import { Block, Row } from "./clickhouse_block.ts";
import type { BatchLimits, ClickhouseConfig } from "./clickhouse_config.ts";
import type { Outcome, TableInserter } from "./clickhouse_inserter.ts";
import { RetryMemory } from "./clickhouse_memory.ts";
import type { Delivery, DeliveryResult } from "./module.ts";

/**
 * How long the composition of a block is remembered. Longer than most retry schedules; ClickHouse itself
 * remembers what it has inserted for a week, or as many blocks as its table is told to.
 */
const MEMORY_MS = 60 * 60 * 1000;
const MEMORY_BYTES = 64 * 1024 * 1024;
const MEMORY_VERDICTS = 100_000;

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
  /** In the order of arrival. */
  readonly #waiting = new Map<string, Row>();
  #waitingBytes = 0;
  /** Blocks that are sent again, since one of their events came again. */
  readonly #due = new Set<Block>();
  /** Rows that are being inserted. */
  #underWay = new Map<string, Row>();
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

  /** Takes an event in; the row tells what becomes of it. */
  add(delivery: Delivery<ClickhouseConfig>): Row | DeliveryResult {
    if (this.#closed !== undefined) return this.#closed;
    const { id } = delivery.event;
    const known = this.#underWay.get(id) ?? this.#waiting.get(id) ?? this.#recall(id);
    if (known !== undefined) return known;
    const row = new Row(delivery);
    if (this.#waitingBytes > 0 && this.#waitingBytes + row.size > MAX_WAITING_BYTES) {
      return new DeliveryError("output_failed", `Too many events wait for table ${delivery.config.table}`);
    }
    this.#waiting.set(id, row);
    this.#waitingBytes += row.size;
    if (!this.#running) this.#start();
    else if (this.#isFull) this.#wakeUp?.();
    return row;
  }

  /** Takes a row back that nobody waits for any more, unless it has been sent. */
  giveUp(row: Row): void {
    if (row.isAwaited || this.#waiting.get(row.id) !== row) return;
    this.#waiting.delete(row.id);
    this.#waitingBytes -= row.size;
  }

  /** Fails what waits and breaks off what is under way. */
  close(): void {
    this.#closed = new DeliveryError("output_unavailable", "The connection to ClickHouse is being closed");
    this.#abortInsert?.(this.#closed);
    for (const row of this.#waiting.values()) row.settle(this.#closed);
    this.#waiting.clear();
    this.#due.clear();
    this.#wakeUp?.();
  }

  get #isFull(): boolean {
    return this.#waiting.size >= this.#limits.rows || this.#waitingBytes >= this.#limits.bytes;
  }

  /** What is known of an event from an earlier attempt. */
  #recall(id: string): Row | DeliveryResult | undefined {
    if (this.#memory.isEmpty) return undefined;
    const block = this.#memory.blockOf(id);
    if (block === undefined) return this.#memory.takeVerdict(id);
    this.#due.add(block);
    if (this.#running) this.#wakeUp?.();
    else this.#start();
    return block.rows.get(id);
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
    const [oldest] = this.#waiting.values();
    if (oldest === undefined) return undefined;
    const waitMs = oldest.since + this.#limits.waitMs - performance.now();
    return this.#isFull || waitMs <= 0 ? this.#takeWaiting() : waitMs;
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

  /** As many of the waiting rows as one insert may have, the oldest first. */
  #takeWaiting(): Block {
    const rows = new Map<string, Row>();
    let bytes = 0;
    for (const [id, row] of this.#waiting) {
      if (rows.size > 0 && (rows.size >= this.#limits.rows || bytes + row.size > this.#limits.bytes)) break;
      rows.set(id, row);
      bytes += row.size;
      this.#waiting.delete(id);
    }
    this.#waitingBytes -= bytes;
    return new Block(rows);
  }

  /** Never throws: whatever happens to the block, its rows are told. */
  async #insert(block: Block): Promise<void> {
    this.#memory.takeBlock(block);
    this.#underWay = new Map(block.rows);
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
      this.#conclude({ block: new Block(this.#underWay), result, mayBeStored: false });
    } finally {
      clearTimeout(timer);
      this.#abortInsert = undefined;
    }
  }

  #conclude({ block, result, mayBeStored }: Outcome): void {
    const isFinal = result === "delivered" || result.disposition === "dead_letter";
    for (const [id, row] of block.rows) {
      this.#underWay.delete(id);
      // Its next attempt must not insert again what is in the table already.
      if (isFinal && !row.isAwaited) this.#memory.keepVerdict(id, result);
      row.settle(result);
    }
    if (mayBeStored && !isFinal && this.#closed === undefined) this.#memory.keepBlock(block);
  }
}
