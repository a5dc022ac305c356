/**
 * Rows that wait for one insert, and the insert that they become.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { DeliveryError } from "../../errors.ts";
import type { ClickhouseConfig } from "./config.ts";
import { ROW_OVERHEAD, RowEncoder } from "./table/rows.ts";
import type { TableLayout } from "./table/table.ts";
import type { Delivery, DeliveryResult } from "../module.ts";

/** Listens to the results of rows. */
export interface RowWatcher {
  /** Called at most once for each {@linkcode Row.watch}. Must not throw. */
  settled(index: number, result: DeliveryResult): void;
}

interface Watch {
  readonly watcher: RowWatcher;
  readonly index: number;
}

/** One event on its way into a table, over all attempts at it. */
export class Row {
  readonly delivery: Delivery<ClickhouseConfig>;
  /** When it was taken in, by `performance.now()`. */
  readonly since: number;
  /** About how many bytes it takes. */
  readonly size: number;
  /** Attempts at it that have begun. */
  tries = 1;
  /** What it belongs to: a batch while it waits, then the block that it was sent in last. */
  place: Batch | Block | undefined;
  /** Nearly always the only one, as no event has two attempts at a time. */
  #watcher: RowWatcher | undefined;
  #index = 0;
  #others: readonly Watch[] = NO_WATCHES;

  constructor(delivery: Delivery<ClickhouseConfig>, since: number) {
    this.delivery = delivery;
    this.since = since;
    this.size = delivery.event.body.bytes.byteLength + ROW_OVERHEAD;
  }

  get id(): string {
    return this.delivery.event.id;
  }

  get isWatched(): boolean {
    return this.#watcher !== undefined || this.#others.length > 0;
  }

  /**
   * Reports the result of the attempt that is under way or comes next to the watcher.
   *
   * @param index what the watcher knows the row by
   */
  watch(watcher: RowWatcher, index: number): void {
    if (this.#watcher === undefined) {
      this.#watcher = watcher;
      this.#index = index;
    } else this.#others = [...this.#others, { watcher, index }];
  }

  /** Takes a {@linkcode watch} back. */
  unwatch(watcher: RowWatcher, index: number): void {
    if (this.#watcher === watcher && this.#index === index) this.#watcher = undefined;
    else this.#others = this.#others.filter((other) => other.watcher !== watcher || other.index !== index);
  }

  /** Ends the attempt. */
  settle(result: DeliveryResult): void {
    const watcher = this.#watcher;
    const others = this.#others;
    this.#watcher = undefined;
    this.#others = NO_WATCHES;
    watcher?.settled(this.#index, result);
    for (const other of others) other.watcher.settled(other.index, result);
  }
}

const NO_WATCHES: readonly Watch[] = [];

/**
 * Rows that wait for their insert. They are encoded as they come, so that the event loop is not held up for
 * a whole block, and the block is ready when the insert before it has ended.
 */
export class Batch {
  /** With those that were taken out; their `place` is another. */
  #rows: Row[] = [];
  #removed = 0;
  #encoder: RowEncoder | undefined;
  #size = 0;

  /** @param layout of the table; `undefined` while it is not known */
  constructor(layout: TableLayout | undefined) {
    this.#encoder = layout === undefined ? undefined : new RowEncoder(layout);
  }

  /** How many rows wait. */
  get length(): number {
    return this.#rows.length - this.#removed;
  }

  /** About how many bytes they take. */
  get size(): number {
    return this.#size;
  }

  /** When the row that has waited longest was taken in, about. */
  get since(): number {
    return this.#rows[0]?.since ?? Infinity;
  }

  add(row: Row): void {
    this.#rows.push(row);
    this.#size += row.size;
    row.place = this;
    this.#encoder?.add(row.delivery);
  }

  /** Takes a row out. What has been encoded is of no use then. */
  remove(row: Row): void {
    row.place = undefined;
    this.#size -= row.size;
    this.#removed++;
    this.#encoder = undefined;
    // Not each time, which would cost the square of their number.
    if (this.#removed > this.#rows.length / 2) this.#sweep();
  }

  toBlock(): Block {
    this.#sweep();
    const encoder = this.#encoder;
    return new Block(this.#rows, { layout: encoder?.layout, encoded: encoder?.bytes });
  }

  #sweep(): void {
    if (this.#removed === 0) return;
    this.#rows = this.#rows.filter(({ place }) => place === this);
    this.#removed = 0;
  }
}

/** Shared by the parts of a block that was halved, since no code says whether one of its bodies is to blame. */
export class Search {
  /** Whether the server has taken a part, so that what it refuses is to be looked for in the others. */
  othersPassed = false;
}

/** How the attempts at a block that may be in the table have ended so far. */
export interface Past {
  /** How often its rows have been sent, each time once. */
  readonly rounds: number;
  /** What the last round ended with. */
  readonly failure: DeliveryError;
  /** When the next round is due, by `performance.now()`. */
  readonly nextAt: number;
  /** ClickHouse's code, where it does not tell whether a body is to blame. */
  readonly code?: number | undefined;
  /** Left out while the block was never halved for that code. */
  readonly search?: Search | undefined;
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
  /** `undefined` while it was never sent, or is certainly not in the table. */
  readonly past: Past | undefined;
  readonly #encoded: Uint8Array<ArrayBuffer> | undefined;

  /** @param encoded the rows in the layout, where somebody has encoded them already */
  constructor(
    rows: readonly Row[],
    { layout, past, encoded }: {
      readonly layout?: TableLayout | undefined;
      readonly past?: Past | undefined;
      readonly encoded?: Uint8Array<ArrayBuffer> | undefined;
    } = {},
  ) {
    this.rows = rows;
    this.layout = layout;
    this.past = past;
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
    return layout === this.layout ? this : new Block(this.rows, { layout, past: this.past });
  }

  /** The rows in the block's layout, always the same bytes. */
  encode(layout: TableLayout): Uint8Array<ArrayBuffer> {
    if (this.#encoded !== undefined && layout === this.layout) return this.#encoded;
    const encoder = new RowEncoder(layout, this.size);
    for (const { delivery } of this.rows) encoder.add(delivery);
    return encoder.bytes;
  }

  /** The same block to be kept, without its bytes: they can be made again. */
  withPast(past: Past): Block {
    return new Block(this.rows, { layout: this.layout, past });
  }

  /** Two blocks of half the rows each, with the same past. @param search what they are parts of */
  halves(search = this.past?.search): [Block, Block] {
    return this.#cut(this.rows, search);
  }

  /** Two blocks of half the rows each, those of a webhook as far as possible in one of them. */
  halvesByWebhook(): [Block, Block] {
    return this.#cut(this.#rowsByWebhook().flat());
  }

  /** Blocks with the rows of at most so many webhooks each; itself when it has no more. */
  cutByWebhook(most: number): readonly Block[] {
    const byWebhook = this.#rowsByWebhook();
    if (byWebhook.length <= most) return [this];
    const count = Math.ceil(byWebhook.length / most);
    return Array.from({ length: count }, (_, index) => {
      const rows = byWebhook.slice(index * most, (index + 1) * most).flat();
      return new Block(rows, { layout: this.layout, past: this.past });
    });
  }

  #rowsByWebhook(): readonly Row[][] {
    const keyOf = ({ delivery: { event } }: Row) => `${event.namespace}/${event.webhook}`;
    return [...Map.groupBy(this.rows, keyOf).values()];
  }

  #cut(rows: readonly Row[], search = this.past?.search): [Block, Block] {
    const middle = Math.ceil(rows.length / 2);
    const options = { layout: this.layout, past: this.past && { ...this.past, search } };
    return [new Block(rows.slice(0, middle), options), new Block(rows.slice(middle), options)];
  }
}
