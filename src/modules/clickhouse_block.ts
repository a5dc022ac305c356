import { createHash } from "node:crypto";
import type { Delivery, DeliveryResult } from "./module.ts";
import type { ClickhouseConfig } from "./clickhouse_config.ts";
import { ROW_OVERHEAD } from "./clickhouse_rows.ts";
import type { TableLayout } from "./clickhouse_table.ts";

/** One event on its way into a table, over all attempts at it. */
export class Row {
  readonly delivery: Delivery<ClickhouseConfig>;
  /** When it was taken in, by `performance.now()`. */
  readonly since = performance.now();
  /** About how many bytes it takes. */
  readonly size: number;
  #attempt: PromiseWithResolvers<DeliveryResult> | undefined;
  #waiters = 0;

  constructor(delivery: Delivery<ClickhouseConfig>) {
    this.delivery = delivery;
    this.size = delivery.event.body.bytes.byteLength + ROW_OVERHEAD;
  }

  get id(): string {
    return this.delivery.event.id;
  }

  /** Whether anybody still wants to know what becomes of it. */
  get isAwaited(): boolean {
    return this.#waiters > 0;
  }

  /** What becomes of the attempt that is under way or comes next. */
  wait(): Promise<DeliveryResult> {
    this.#waiters++;
    this.#attempt ??= Promise.withResolvers();
    return this.#attempt.promise;
  }

  /** Takes one {@linkcode wait} back. */
  leave(): void {
    this.#waiters--;
  }

  /** Ends the attempt. */
  settle(result: DeliveryResult): void {
    this.#attempt?.resolve(result);
    this.#attempt = undefined;
    this.#waiters = 0;
  }
}

/**
 * The rows of one insert, in order. The server can tell a repeated insert only when it is the same as the
 * first one, so what has been sent once is sent again in the same composition and layout.
 */
export class Block {
  /** By the ids of their events. */
  readonly rows: ReadonlyMap<string, Row>;
  /** How it was sent; `undefined` while it was not. */
  readonly layout: TableLayout | undefined;
  readonly size: number;

  constructor(rows: ReadonlyMap<string, Row>, layout?: TableLayout) {
    this.rows = rows;
    this.layout = layout;
    let size = 0;
    for (const row of rows.values()) size += row.size;
    this.size = size;
  }

  /** Equal for blocks of the same events in the same order, and for no others. */
  get token(): string {
    const hash = createHash("sha256");
    for (const id of this.rows.keys()) hash.update(id).update("\n");
    return hash.digest("hex");
  }

  /** How long an insert of it may take: as long as the most patient of its webhooks allows. */
  get timeoutMs(): number {
    let longest = 0;
    for (const { delivery } of this.rows.values()) longest = Math.max(longest, delivery.config.timeoutMs);
    return longest;
  }

  /** Two blocks of half the rows each. */
  halves(): [Block, Block] {
    const rows = [...this.rows];
    const middle = Math.ceil(rows.length / 2);
    return [
      new Block(new Map(rows.slice(0, middle)), this.layout),
      new Block(new Map(rows.slice(middle)), this.layout),
    ];
  }
}
