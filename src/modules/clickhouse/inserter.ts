/**
 * Inserts into one table, and what each answer means for the rows.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { DeliveryError } from "../../errors.ts";
import { ReportLimiter } from "../../observability/report_limiter.ts";
import { type Block, Search } from "./block.ts";
import { type ClickhouseClient, ClickhouseFailure } from "./client.ts";
import type { ClickhouseConfig } from "./config.ts";
import { isOfServer, judgeFailure, type Judgement, TOO_MANY_PARTS, UNKNOWN_TABLE } from "./errors.ts";
import { RowLookup } from "./lookup.ts";
import { TOKEN_SETTING } from "./settings.ts";
import {
  createTableStatement,
  insertStatement,
  isSameLayout,
  qualifiedName,
  readLayout,
  type TableLayout,
  TableMismatch,
} from "./table/table.ts";
import type { DeliveryResult } from "../module.ts";

/**
 * Most inserts that are made to tell the bad rows of a block from the good ones. One bad row of 10,000 is
 * found with 28.
 */
const MAX_INSERTS = 500;

/** The result of one insert. */
export interface Outcome {
  /** As they were sent. */
  readonly block: Block;
  readonly result: DeliveryResult;
  /** Whether the rows may be in the table, whatever the result says. */
  readonly mayBeStored: boolean;
  /** ClickHouse's code, if it refused them. */
  readonly code?: number | undefined;
}

/** What an insert comes to: outcomes, blocks to insert instead, or doubt whether a row is to blame. */
type Ending =
  | { readonly outcomes: readonly Outcome[] }
  | { readonly instead: readonly Block[] }
  | { readonly doubtful: Outcome };

/** Inserts blocks into one table, one block at a time. */
export class TableInserter {
  readonly #client: ClickhouseClient;
  readonly #config: ClickhouseConfig;
  readonly #logger: Logger;
  /** The table's full name, quoted. */
  readonly #name: string;
  readonly #lookup: RowLookup;
  readonly #reports = new ReportLimiter();
  /** Learned when the first row is there, and again when the server says that it is not so. */
  #layout: TableLayout | undefined;
  /** Whether an insert was refused since the rows of too many webhooks were in it. */
  #isPartitioned = false;

  /** @param config of any of the webhooks that the rows belong to; what it says of the table is the same in all */
  constructor(client: ClickhouseClient, database: string, config: ClickhouseConfig, logger: Logger) {
    this.#client = client;
    this.#config = config;
    this.#logger = logger;
    this.#name = qualifiedName(database, config.table);
    this.#lookup = new RowLookup(client, database, config.table);
  }

  /**
   * Inserts a block; each of its rows is in one of the outcomes. When the server refuses it for a value in
   * it, its halves are inserted, and theirs, until the bad rows stand alone. The same is done when it refuses a
   * block twice with a code that says nothing about rows, as long as it takes other parts of it.
   *
   * @param signal ends the insert, which is a time-out then
   */
  async *insert(block: Block, signal: AbortSignal): AsyncGenerator<Outcome> {
    const pieces = [...this.#cut(block)].reverse();
    let doubtful: Outcome[] = [];
    for (let inserts = 0, piece = pieces.pop(); piece !== undefined; inserts++, piece = pieces.pop()) {
      if (inserts >= MAX_INSERTS) {
        const message = `Too many bad rows in one insert into ${this.#name}: the rest is tried again`;
        yield { ...failed(piece, new DeliveryError("output_failed", message)), code: piece.past?.code };
        continue;
      }
      const ending = await this.#insertWhole(piece, signal);
      if ("doubtful" in ending) doubtful.push(ending.doubtful);
      else if ("instead" in ending) pieces.push(...ending.instead.toReversed());
      else yield* this.#withRest(ending.outcomes, pieces);
      if (pieces.length > 0) continue;
      const decisions = doubtful.map((outcome) => this.#decide(outcome));
      doubtful = [];
      for (const decision of decisions) {
        if ("instead" in decision) pieces.unshift(...decision.instead.toReversed());
        else yield* decision.outcomes;
      }
    }
  }

  /**
   * Does what an event does, but for the row. Of a table that is missing and to be made by the first event, nothing
   * can be known before.
   *
   * @throws {DeliveryError} with the reason why events would not be inserted now
   */
  async probe(signal: AbortSignal): Promise<void> {
    try {
      const layout = await this.#read(signal);
      const statement = insertStatement(this.#name, layout);
      await this.#client.insert(statement, layout.settings.sent, new Uint8Array(), signal);
    } catch (error) {
      if (error instanceof TableMismatch) throw mismatchError(error);
      const judgement = this.#judge("the probe of", error, signal);
      if (judgement.code !== UNKNOWN_TABLE || !this.#config.createTable) throw judgement.error;
    }
  }

  /** The outcomes, and when they say that it is the table that is full, those of all that was not sent yet. */
  #withRest(outcomes: readonly Outcome[], pieces: Block[]): readonly Outcome[] {
    const full = outcomes.find(({ code }) => code === TOO_MANY_PARTS);
    if (full === undefined) return outcomes;
    this.#isPartitioned = false;
    return [...outcomes, ...pieces.splice(0).map((block) => ({ ...full, block }))];
  }

  /** What is known to belong to too many partitions is not tried as a whole. */
  #cut(block: Block): readonly Block[] {
    const { maxPartitions } = this.#layout?.settings ?? {};
    if (!this.#isPartitioned || maxPartitions === undefined || block.past !== undefined) return [block];
    return block.cutByWebhook(maxPartitions);
  }

  /**
   * Decides on a block that was refused twice with the same unlisted code and is not in the table. A row is to blame only if
   * the server takes others; as long as it takes none, the halves are sent when the block is due again.
   */
  #decide(outcome: Outcome): Exclude<Ending, { readonly doubtful: Outcome }> {
    const { block, result } = outcome;
    const search = block.past?.search;
    if (block.rows.length > 1) {
      const isPromising = search === undefined || search.othersPassed;
      return isPromising ? { instead: block.halves(search ?? new Search()) } : halvesLater(outcome);
    }
    const isToBlame = search?.othersPassed === true && result !== "delivered";
    return only(
      isToBlame ? failed(block, new DeliveryError("output_rejected", result.message)) : outcome,
    );
  }

  async #insertWhole(block: Block, signal: AbortSignal): Promise<Ending> {
    let layout: TableLayout;
    try {
      layout = block.layout ?? this.#layout ?? await this.#learn(signal);
    } catch (error) {
      if (error instanceof TableMismatch) return only(failed(block, mismatchError(error)));
      return only(failed(block, this.#judge("a question about", error, signal).error));
    }
    const sent = block.withLayout(layout);
    try {
      await this.#send(sent, layout, signal);
      if (sent.past?.search !== undefined) sent.past.search.othersPassed = true;
      return only(delivered(sent));
    } catch (error) {
      const judgement = this.#judge("the insert into", error, signal);
      if (judgement.view !== undefined) {
        const outcome = await this.#afterView(sent, layout, judgement.view, judgement, signal);
        if (outcome !== undefined) return only(outcome);
      }
      if (judgement.scope === "table") return await this.#adapt(block, layout, judgement, signal);
      return await this.#afterRefusal(sent, layout, judgement, signal);
    }
  }

  async #afterRefusal(
    block: Block,
    layout: TableLayout,
    { scope, error, mayBeStored, code }: Judgement,
    signal: AbortSignal,
  ): Promise<Ending> {
    if (scope === "row" && block.rows.length > 1) return { instead: block.halves() };
    if (code === TOO_MANY_PARTS && block.rows.length > (layout.settings.maxPartitions ?? Infinity)) {
      this.#isPartitioned = true;
      return { instead: block.halvesByWebhook() };
    }
    const outcome = { block, result: error, mayBeStored, code };
    if (!mayBeStored || code === undefined || block.past?.code !== code) return only(outcome);
    const found = await this.#lookup.find(block, layout, signal);
    if (found === "all") {
      this.#logger.warning("{server} refused an insert into {table}, but its rows are there: {reason}", {
        server: this.#client.name,
        table: this.#name,
        reason: error.message,
      });
      return only(delivered(block));
    }
    if (found === "none" && !isOfServer(code)) return { doubtful: outcome };
    // Otherwise each row is sent once in each round: it may be stored each time, or the server has enough to do.
    return block.rows.length === 1 ? only(outcome) : halvesLater(outcome);
  }

  /**
   * A view threw. ClickHouse has the rows in the table then, and inserts them once more each time they are sent, so
   * they are neither sent again nor halved. Returns nothing when the words about a view mean nothing: when they are
   * those of a body, or the table keeps no rows itself.
   */
  async #afterView(
    block: Block,
    layout: TableLayout,
    view: string,
    { error }: Judgement,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    const found = await this.#lookup.find(block, layout, signal);
    const kind = await this.#lookup.kind(signal);
    const isKept = kind?.engine !== "Null" && kind?.views.length !== 0;
    if (found === "none" || (found === "unknown" && !isKept)) return undefined;
    const consequence = found === "all"
      ? "it lacks rows that are in the table"
      : "whether the table has the rows is not known";
    this.#reports.run(
      view,
      (suppressed) =>
        this.#logger.error("View {view} on {table} of {server} failed: {consequence}", {
          view,
          table: this.#name,
          server: this.#client.name,
          consequence,
          reason: error.message,
          suppressed,
        }),
    );
    if (found === "all") return delivered(block);
    const message = `${error.message}, in view ${view}: the rows may be in the table`;
    return { block, result: new DeliveryError("output_failed", message), mayBeStored: true };
  }

  /** The server says that the table is not as assumed. If that is because it has changed, the block can still go in. */
  async #adapt(
    block: Block,
    layout: TableLayout,
    judgement: Judgement,
    signal: AbortSignal,
  ): Promise<Ending> {
    const rejected = only(failed(block, judgement.error));
    this.#layout = undefined;
    let current: TableLayout;
    try {
      current = await this.#learn(signal);
    } catch (error) {
      if (error instanceof TableMismatch) return only(failed(block, mismatchError(error)));
      // The reason of the insert says more than that of the question after it.
      if (error instanceof ClickhouseFailure) return rejected;
      throw error;
    }
    if (isSameLayout(current, layout)) return rejected;
    return await this.#insertWhole(block.withLayout(current), signal);
  }

  async #send(block: Block, layout: TableLayout, signal: AbortSignal): Promise<void> {
    const { sent, takesToken } = layout.settings;
    const settings = takesToken ? { ...sent, [TOKEN_SETTING]: block.token } : sent;
    const statement = insertStatement(this.#name, layout);
    await this.#client.insert(statement, settings, await block.encode(layout), signal);
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

  async #read(signal: AbortSignal): Promise<TableLayout> {
    const layout = await readLayout(this.#client, this.#name, this.#config, signal);
    for (const remark of layout.settings.remarks) {
      this.#logger.warning("{server}: {remark}", { server: this.#client.name, remark });
    }
    return layout;
  }

  #judge(what: string, error: unknown, signal: AbortSignal): Judgement {
    if (!(error instanceof ClickhouseFailure)) throw error;
    const judgement = judgeFailure(this.#client.name, `${what} ${this.#name}`, error);
    if (!signal.aborted || error.refusal !== undefined) return judgement;
    const late = new DeliveryError("output_timeout", `${this.#client.name} did not answer in time`);
    return { ...judgement, error: late };
  }
}

function only(outcome: Outcome): { readonly outcomes: readonly Outcome[] } {
  return { outcomes: [outcome] };
}

/** The outcome of a block that is halved when it is due again. */
function halvesLater(outcome: Outcome): { readonly outcomes: readonly Outcome[] } {
  const halves = outcome.block.halves(outcome.block.past?.search ?? new Search());
  return { outcomes: halves.map((block) => ({ ...outcome, block })) };
}

function delivered(block: Block): Outcome {
  return { block, result: "delivered", mayBeStored: true };
}

/** The outcome for rows that are certainly not in the table. */
function failed(block: Block, error: DeliveryError): Outcome {
  return { block, result: error, mayBeStored: false };
}

/** The table can be put right, and then the events can be inserted as they are. */
function mismatchError({ message }: TableMismatch): DeliveryError {
  return new DeliveryError("output_failed", message);
}
