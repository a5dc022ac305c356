import type { Logger } from "@logtape/logtape";
import { DeliveryError } from "../errors.ts";
import type { Block } from "./clickhouse_block.ts";
import { type ClickhouseClient, ClickhouseFailure } from "./clickhouse_client.ts";
import type { ClickhouseConfig } from "./clickhouse_config.ts";
import { judgeFailure, type Judgement, UNKNOWN_TABLE } from "./clickhouse_errors.ts";
import {
  createTableStatement,
  insertStatement,
  isSameLayout,
  qualifiedName,
  readLayout,
  type TableLayout,
  TableMismatch,
  TOKEN_SETTING,
} from "./clickhouse_table.ts";
import type { DeliveryResult } from "./module.ts";

/**
 * Most inserts that are made to tell the bad rows of a block from the good ones. One bad row of 10,000 is
 * found with 28.
 */
const MAX_INSERTS = 500;

/** What became of rows. */
export interface Outcome {
  /** As they were sent. */
  readonly block: Block;
  readonly result: DeliveryResult;
  /** Whether the rows may be in the table, whatever the result says. */
  readonly mayBeStored: boolean;
}

/** Inserts blocks into one table, one block at a time. */
export class TableInserter {
  readonly #client: ClickhouseClient;
  readonly #config: ClickhouseConfig;
  readonly #logger: Logger;
  /** The table's full name, quoted. */
  readonly #name: string;
  /** Learned when the first row is there, and again when the server says that it is not so. */
  #layout: TableLayout | undefined;

  /** @param config of any of the webhooks that the rows belong to; what it says of the table is the same in all */
  constructor(client: ClickhouseClient, database: string, config: ClickhouseConfig, logger: Logger) {
    this.#client = client;
    this.#config = config;
    this.#logger = logger;
    this.#name = qualifiedName(database, config.table);
  }

  /** What is known of the table, so that rows can be encoded before they are inserted. */
  get layout(): TableLayout | undefined {
    return this.#layout;
  }

  /**
   * Inserts a block; each of its rows is in one of the outcomes. When the server refuses it for a value in
   * it, its halves are inserted, and theirs, until the bad rows stand alone.
   *
   * @param signal its reason is reported when it ends the insert
   */
  async *insert(block: Block, signal: AbortSignal): AsyncGenerator<Outcome> {
    const pieces = [block];
    for (let inserts = 0, piece = pieces.pop(); piece !== undefined; inserts++, piece = pieces.pop()) {
      if (inserts >= MAX_INSERTS) {
        const message = `Too many bad rows in one insert into ${this.#name}: the rest is tried again`;
        yield failed(piece, new DeliveryError("output_failed", message));
        continue;
      }
      const outcome = await this.#insertWhole(piece, signal);
      if (outcome !== "split") yield outcome;
      else pieces.push(...piece.halves().reverse());
    }
  }

  async #insertWhole(block: Block, signal: AbortSignal): Promise<Outcome | "split"> {
    let layout: TableLayout;
    try {
      layout = block.layout ?? this.#layout ?? await this.#learn(signal);
    } catch (error) {
      if (error instanceof TableMismatch) return failed(block, mismatchError(error));
      return failed(block, this.#judge("a question about", error, signal).error);
    }
    const sent = block.withLayout(layout);
    try {
      await this.#send(sent, layout, signal);
      return { block: sent, result: "delivered", mayBeStored: true };
    } catch (error) {
      const judgement = this.#judge("the insert into", error, signal);
      if (judgement.scope === "row" && block.rows.length > 1) return "split";
      if (judgement.scope === "table") return await this.#adapt(block, layout, judgement, signal);
      return { block: sent, result: judgement.error, mayBeStored: judgement.mayBeStored };
    }
  }

  /** The server says that the table is not as assumed. If that is because it has changed, the block can still go in. */
  async #adapt(
    block: Block,
    layout: TableLayout,
    judgement: Judgement,
    signal: AbortSignal,
  ): Promise<Outcome | "split"> {
    const rejected = failed(block, judgement.error);
    this.#layout = undefined;
    let current: TableLayout;
    try {
      current = await this.#learn(signal);
    } catch (error) {
      if (error instanceof TableMismatch) return failed(block, mismatchError(error));
      // The reason of the insert says more than that of the question after it.
      if (error instanceof ClickhouseFailure) return rejected;
      throw error;
    }
    if (isSameLayout(current, layout)) return rejected;
    return await this.#insertWhole(block.withLayout(current), signal);
  }

  async #send(block: Block, layout: TableLayout, signal: AbortSignal): Promise<void> {
    const settings = layout.takesToken
      ? { ...layout.settings, [TOKEN_SETTING]: block.token }
      : layout.settings;
    const statement = insertStatement(this.#name, layout);
    await this.#client.insert(statement, settings, block.encode(layout), signal);
  }

  async #learn(signal: AbortSignal): Promise<TableLayout> {
    try {
      return this.#layout = await this.#read(signal);
    } catch (error) {
      const isMissing = error instanceof ClickhouseFailure && error.refusal?.code === UNKNOWN_TABLE;
      if (!isMissing || !this.#config.createTable) throw error;
    }
    await this.#client.query(createTableStatement(this.#name, this.#config.engine), signal);
    this.#logger.info("Created table {table} in {server}", {
      table: this.#name,
      server: this.#client.name,
    });
    return this.#layout = await this.#read(signal);
  }

  #read(signal: AbortSignal): Promise<TableLayout> {
    return readLayout(this.#client, this.#name, this.#config, signal);
  }

  #judge(what: string, error: unknown, signal: AbortSignal): Judgement {
    if (!(error instanceof ClickhouseFailure)) throw error;
    const judgement = judgeFailure(this.#client.name, `${what} ${this.#name}`, error);
    if (!signal.aborted || error.refusal !== undefined) return judgement;
    return signal.reason instanceof DeliveryError ? { ...judgement, error: signal.reason } : judgement;
  }
}

/** The outcome for rows that are certainly not in the table. */
function failed(block: Block, error: DeliveryError): Outcome {
  return { block, result: error, mayBeStored: false };
}

/** The table can be put right, and then the events can be inserted as they are. */
function mismatchError({ message }: TableMismatch): DeliveryError {
  return new DeliveryError("output_failed", message);
}
