/**
 * Rows, and the inserts that they are sent in.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { DeliveryError } from "../../errors.ts";
import type { ClickhouseConfig } from "./config.ts";
import { ROW_OVERHEAD, RowEncoder } from "./table/rows.ts";
import type { TableLayout } from "./table/table.ts";
import { Pace } from "../../time/pace.ts";
import { halves } from "../halves.ts";
import type { Delivery } from "../module.ts";

/** One event on its way into a table, over all attempts at it. */
export class Row {
  readonly delivery: Delivery<ClickhouseConfig>;
  /** About how many bytes it takes. */
  readonly size: number;
  /** Attempts at it that have begun. */
  tries = 1;
  /** The one that it is sent in, or was last. */
  block: Block | undefined;

  constructor(delivery: Delivery<ClickhouseConfig>) {
    this.delivery = delivery;
    this.size = delivery.event.body.bytes.byteLength + ROW_OVERHEAD;
  }

  get id(): string {
    return this.delivery.event.id;
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

  constructor(
    rows: readonly Row[],
    { layout, past }: {
      readonly layout?: TableLayout | undefined;
      readonly past?: Past | undefined;
    } = {},
  ) {
    this.rows = rows;
    this.layout = layout;
    this.past = past;
    this.size = rows.reduce((sum, row) => sum + row.size, 0);
  }

  /** Equal for blocks of the same events in the same order, and for no others. */
  get token(): string {
    const hash = createHash("sha256");
    for (const row of this.rows) hash.update(row.id).update("\n");
    return hash.digest("hex");
  }

  /** The same rows in another layout. */
  withLayout(layout: TableLayout): Block {
    return layout === this.layout ? this : new Block(this.rows, { layout, past: this.past });
  }

  /** The rows in a layout, always the same bytes. Everything else runs while many are encoded. */
  async encode(layout: TableLayout): Promise<Uint8Array<ArrayBuffer>> {
    const encoder = new RowEncoder(layout, this.size);
    const pace = new Pace();
    for (const { delivery } of this.rows) {
      encoder.add(delivery);
      const pause = pace.keep();
      if (pause !== undefined) await pause;
    }
    return encoder.bytes;
  }

  /** The same block to be kept. */
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
    const [first, second] = halves(rows);
    const options = { layout: this.layout, past: this.past && { ...this.past, search } };
    return [new Block(first, options), new Block(second, options)];
  }
}
