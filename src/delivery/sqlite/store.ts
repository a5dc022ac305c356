/**
 * The journal on the worker's side: opens the file when it is needed, turns each lot into one transaction,
 * and gets over whatever the disk does.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ChannelTable } from "./channel_table.ts";
import { Claims } from "./claims.ts";
import { closeFile, openFile, setAside } from "./journal_file.ts";
import { LotTransaction, type LotWork } from "./lot_transaction.ts";
import { PendingTable } from "./pending_table.ts";
import type { Figures, Lot, LotReply, OpenReply, Refusal, WorkerOptions } from "./protocol.ts";
import { NewerSchemaError } from "./schema.ts";
import { problemOf, type StorageProblem } from "./sqlite_error.ts";
import { Tables } from "./tables.ts";

const UNAVAILABLE: Readonly<Record<Exclude<StorageProblem, "fault">, string>> = {
  full: "The journal's disk is full",
  busy: "The journal is in use by another process",
  unavailable: "The journal cannot be written",
  damaged: "The journal was damaged, and a new one is begun",
};

const NOTHING_DONE = {
  firstSequence: 0,
  firstPacked: 0,
  duplicates: [],
  results: [],
  refusedOperations: [],
} as const;

/** An open file. */
interface OpenStore {
  readonly database: DatabaseSync;
  readonly tables: Tables;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly rollback: StatementSync;
}

/** Told of a file that was set aside. */
export type DamageListener = (path: string, reason: string) => void;

/** The store of one data directory. */
export class Store {
  readonly #options: WorkerOptions;
  readonly #onDamage: DamageListener;
  #open: OpenStore | undefined;
  readonly #claims = new Claims();
  /** Set until this worker has opened the file, when it takes the place of one that has failed. */
  #keepsClaims: boolean;
  #lastSequence: number;
  #figures: Omit<Figures, "commits" | "damaged" | "lastSequence"> = {
    pending: 0,
    oldestReceivedAt: undefined,
    deadLetters: 0,
    buried: 0,
    bytes: 0,
  };
  #commits = 0;
  #damaged = 0;
  /** Dead letters that were made before the file was opened last. */
  #buriedBefore = 0;
  #bytes = 0;
  #usedBytes = 0;

  constructor(options: WorkerOptions, onDamage: DamageListener) {
    this.#options = options;
    this.#onDamage = onDamage;
    this.#keepsClaims = options.resumeAfter !== undefined;
    this.#lastSequence = options.resumeAfter ?? 0;
  }

  /** Opens the file now. */
  open(): OpenReply {
    try {
      this.#ensureOpen();
      return { type: "opened", outcome: "open", reason: "", figures: this.#tell() };
    } catch (error) {
      const outcome = error instanceof NewerSchemaError
        ? "newer_schema"
        : problemOf(error) === "busy"
        ? "in_use"
        : "unavailable";
      return { type: "opened", outcome, reason: textOf(error), figures: this.#tell() };
    }
  }

  /** Does a lot as one transaction; what it does not do, it refuses. Never throws. */
  execute(lot: Lot): LotReply {
    try {
      const open = this.#ensureOpen();
      const bound = this.#options.maxBytes;
      if (this.#usedBytes >= bound) {
        return this.#executeWithoutGrowth(open, lot, {
          code: "journal_unavailable",
          message: `The journal has reached its bound of ${bound} bytes`,
          reason: `It uses ${this.#usedBytes} bytes`,
        });
      }
      return this.#transact(open, new LotTransaction(open.tables, lot));
    } catch (error) {
      const refused = this.#handle(error);
      if (this.#open !== undefined && problemOf(error) === "full") {
        return this.#retryWithoutGrowth(lot, refused);
      }
      return { type: "lot", ...NOTHING_DONE, refused, figures: this.#tell() };
    }
  }

  /** Writes everything back and closes the file. Returns what went wrong: nothing is lost by it. */
  close(): string {
    const open = this.#open;
    this.#open = undefined;
    try {
      if (open !== undefined) closeFile(open.database);
      return "";
    } catch (error) {
      return textOf(error);
    }
  }

  /** What needs no space may go through when the rest does not: it makes room, or is only read. */
  #retryWithoutGrowth(lot: Lot, refusal: Refusal): LotReply {
    try {
      return this.#executeWithoutGrowth(this.#ensureOpen(), lot, refusal);
    } catch (error) {
      const refused = this.#handle(error);
      return { type: "lot", ...NOTHING_DONE, refused, figures: this.#tell() };
    }
  }

  #executeWithoutGrowth(open: OpenStore, lot: Lot, refusal: Refusal): LotReply {
    return this.#transact(open, new LotTransaction(open.tables, lot, refusal));
  }

  #transact({ begin, commit, rollback, database, tables }: OpenStore, work: LotTransaction): LotReply {
    let done: LotWork;
    let oldestReceivedAt: number | undefined;
    try {
      begin.run();
      done = work.run();
      // Read before the commit: after it nothing may go wrong any more.
      oldestReceivedAt = tables.oldestReceivedAt();
      this.#readSize(tables);
      commit.run();
    } catch (error) {
      tables.rollback();
      // Some errors end the transaction by themselves; one that cannot be ended needs a new connection.
      if (database.isTransaction) this.#rollBack(rollback);
      throw error;
    }
    tables.commit();
    this.#commits++;
    this.#readFigures(tables, oldestReceivedAt);
    return { type: "lot", ...done, figures: this.#tell() };
  }

  #rollBack(rollback: StatementSync): void {
    try {
      rollback.run();
    } catch {
      // The error that led here is the one to tell; closing rolls back.
      this.#abandon();
    }
  }

  #ensureOpen(): OpenStore {
    if (this.#open !== undefined) return this.#open;
    try {
      return this.#open = this.#openFile();
    } catch (error) {
      if (problemOf(error) !== "damaged") throw error;
      this.#setAside(error);
      return this.#open = this.#openFile();
    }
  }

  #openFile(): OpenStore {
    this.#buriedBefore = this.#figures.buried;
    const database = openFile(this.#options.directory, this.#options.lockWaitMs);
    try {
      if (this.#keepsClaims) PendingTable.adoptClaims(database, this.#claims);
      else {
        PendingTable.releaseClaims(database, this.#claims);
        ChannelTable.releaseLeases(database);
      }
      const tables = new Tables(database, this.#options, this.#claims, this.#lastSequence);
      const open = {
        database,
        tables,
        begin: database.prepare("BEGIN IMMEDIATE"),
        commit: database.prepare("COMMIT"),
        rollback: database.prepare("ROLLBACK"),
      };
      open.begin.run();
      tables.packs.recover(this.#keepsClaims);
      open.commit.run();
      tables.commit();
      this.#keepsClaims = false;
      this.#readSize(tables);
      this.#readFigures(tables, tables.oldestReceivedAt());
      return open;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #setAside(error: unknown): void {
    const path = setAside(this.#options.directory);
    this.#claims.clear();
    this.#damaged++;
    this.#onDamage(path, textOf(error));
  }

  /** Gets the store into a state in which the next lot can be tried. */
  #handle(error: unknown): Refusal {
    const problem = problemOf(error);
    const reason = textOf(error);
    if (problem === "fault") return { code: "internal_error", message: "The journal failed", reason };
    if (problem === "damaged") {
      this.#abandon();
      try {
        this.#setAside(error);
      } catch (failure) {
        return { code: "journal_unavailable", message: UNAVAILABLE.unavailable, reason: textOf(failure) };
      }
    } else if (problem === "unavailable") {
      this.#abandon();
    }
    return { code: "journal_unavailable", message: UNAVAILABLE[problem], reason };
  }

  /** Closes the connection without writing anything. */
  #abandon(): void {
    const open = this.#open;
    this.#open = undefined;
    try {
      open?.database.close();
    } catch {
      // Whatever state the connection is in, it is not used again.
    }
  }

  #readSize({ retention }: Tables): void {
    this.#bytes = retention.fileBytes;
    this.#usedBytes = retention.usedBytes;
  }

  #readFigures({ pending, deadLetters, events }: Tables, oldestReceivedAt: number | undefined): void {
    this.#lastSequence = events.lastSequence;
    this.#figures = {
      pending: pending.total,
      oldestReceivedAt,
      deadLetters: deadLetters.total,
      buried: this.#buriedBefore + deadLetters.buried,
      bytes: this.#bytes,
    };
  }

  /** As they were last, when the file is not open now. */
  #tell(): Figures {
    return {
      ...this.#figures,
      commits: this.#commits,
      damaged: this.#damaged,
      lastSequence: this.#lastSequence,
    };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
