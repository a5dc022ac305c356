import { createHash } from "node:crypto";
import type { ClickhouseConfig } from "./clickhouse_config.ts";
import { ROW_OVERHEAD, RowEncoder } from "./clickhouse_rows.ts";
import type { TableLayout } from "./clickhouse_table.ts";
import type { Delivery, DeliveryResult } from "./module.ts";

/** Somebody who wants to know what becomes of a row. */
export interface RowWatcher {
  /** Called at most once for an attempt. Must not throw. */
  settled(result: DeliveryResult): void;
}

/** One event on its way into a table, over all attempts at it. */
export class Row {
  readonly delivery: Delivery<ClickhouseConfig>;
  /** When it was taken in, by `performance.now()`. */
  readonly since: number;
  /** About how many bytes it takes. */
  readonly size: number;
  /** What it belongs to: a batch while it waits, then the block that it was sent in last. */
  place: Batch | Block | undefined;
  /** Nearly always one, as no event has two attempts at a time. */
  #watchers: RowWatcher[] = [];

  constructor(delivery: Delivery<ClickhouseConfig>, since: number) {
    this.delivery = delivery;
    this.since = since;
    this.size = delivery.event.body.bytes.byteLength + ROW_OVERHEAD;
  }

  get id(): string {
    return this.delivery.event.id;
  }

  get isWatched(): boolean {
    return this.#watchers.length > 0;
  }

  /** Tells the watcher what becomes of the attempt that is under way or comes next. */
  watch(watcher: RowWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Takes a {@linkcode watch} back. */
  unwatch(watcher: RowWatcher): void {
    this.#watchers = this.#watchers.filter((other) => other !== watcher);
  }

  /** Ends the attempt. */
  settle(result: DeliveryResult): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher.settled(result);
  }
}

/**
 * Rows that wait for their insert. They are encoded as they come, so that the event loop is not held up for
 * a whole block, and the block is ready when the insert before it has ended.
 */
export class Batch {
  readonly #rows = new Set<Row>();
  #encoder: RowEncoder | undefined;
  #size = 0;

  /** @param layout of the table; `undefined` while it is not known */
  constructor(layout: TableLayout | undefined) {
    this.#encoder = layout === undefined ? undefined : new RowEncoder(layout);
  }

  get rows(): ReadonlySet<Row> {
    return this.#rows;
  }

  get size(): number {
    return this.#size;
  }

  add(row: Row): void {
    this.#rows.add(row);
    this.#size += row.size;
    this.#encoder?.add(row.delivery);
  }

  /** Takes a row out. What has been encoded is of no use then. */
  remove(row: Row): void {
    this.#rows.delete(row);
    this.#size -= row.size;
    this.#encoder = undefined;
  }

  toBlock(): Block {
    const encoder = this.#encoder;
    return new Block([...this.#rows], encoder?.layout, encoder?.bytes);
  }
}

/**
 * The rows of one insert. The server can tell a repeated insert only when it is the same as the first one,
 * so what has been sent once is sent again with the same rows in the same order and layout.
 */
export class Block {
  readonly rows: readonly Row[];
  /** How it is sent; `undefined` while nobody knows the table. */
  readonly layout: TableLayout | undefined;
  readonly size: number;
  readonly #encoded: Uint8Array<ArrayBuffer> | undefined;

  /** @param encoded the rows in the layout, where somebody has encoded them already */
  constructor(rows: readonly Row[], layout?: TableLayout, encoded?: Uint8Array<ArrayBuffer>) {
    this.rows = rows;
    this.layout = layout;
    this.size = rows.reduce((sum, row) => sum + row.size, 0);
    this.#encoded = encoded;
  }

  /** Equal for blocks of the same events in the same order, and for no others. */
  get token(): string {
    const hash = createHash("sha256");
    for (const row of this.rows) hash.update(row.id).update("\n");
    return hash.digest("hex");
  }

  /** How long an insert of it may take: as long as the most patient of its webhooks allows. */
  get timeoutMs(): number {
    return this.rows.reduce((longest, { delivery }) => Math.max(longest, delivery.config.timeoutMs), 0);
  }

  /** The same rows in another layout. */
  withLayout(layout: TableLayout): Block {
    return layout === this.layout ? this : new Block(this.rows, layout);
  }

  /** The rows in the block's layout, always the same bytes. */
  encode(layout: TableLayout): Uint8Array<ArrayBuffer> {
    if (this.#encoded !== undefined && layout === this.layout) return this.#encoded;
    const encoder = new RowEncoder(layout, this.size);
    for (const { delivery } of this.rows) encoder.add(delivery);
    return encoder.bytes;
  }

  /** The same block without its bytes, to be kept: they can be made again. */
  withoutBytes(): Block {
    return this.#encoded === undefined ? this : new Block(this.rows, this.layout);
  }

  /** Two blocks of half the rows each. */
  halves(): [Block, Block] {
    const middle = Math.ceil(this.rows.length / 2);
    return [
      new Block(this.rows.slice(0, middle), this.layout),
      new Block(this.rows.slice(middle), this.layout),
    ];
  }
}
