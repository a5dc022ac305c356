/**
 * The journal on the worker's side: opens the file when it is needed, turns each lot into one transaction,
 * and gets over whatever the disk does.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ChannelTable } from "./channel_table.ts";
import { closeFile, openFile, setAside } from "./journal_file.ts";
import { LotTransaction, type LotWork } from "./lot_transaction.ts";
import { PendingTable } from "./pending_table.ts";
import type { Figures, Lot, LotReply, OpenReply, Refusal, WorkerOptions } from "./protocol.ts";
import { ForeignDatabaseError, NewerSchemaError } from "./schema.ts";
import { problemOf, type StorageProblem } from "./sqlite_error.ts";
import { Tables } from "./tables.ts";

/** How often the size of the file is looked at, in milliseconds. */
const SIZE_INTERVAL_MS = 100;

const UNAVAILABLE: Readonly<Record<Exclude<StorageProblem, "fault">, string>> = {
  full: "The journal's disk is full",
  busy: "The journal is in use by another process",
  unavailable: "The journal cannot be written",
  damaged: "The journal was damaged, and a new one is begun",
};

const NOTHING_DONE = { firstSequence: 0, duplicates: [], results: [], refusedOperations: [] } as const;

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
  /** Claims that stand in the file are those of a process that has ended, until this one has opened it. */
  #claimsAreOwn: boolean;
  #lastSequence: number;
  #commits = 0;
  #damaged = 0;
  #bytes = 0;
  #usedBytes = 0;
  #sizeReadAt = -Infinity;

  constructor(options: WorkerOptions, onDamage: DamageListener) {
    this.#options = options;
    this.#onDamage = onDamage;
    this.#claimsAreOwn = options.resumeAfter !== undefined;
    this.#lastSequence = options.resumeAfter ?? 0;
  }

  /** Opens the file now. */
  open(): OpenReply {
    try {
      this.#ensureOpen();
      return { type: "opened", outcome: "open", reason: "", figures: this.#figures() };
    } catch (error) {
      const outcome = error instanceof NewerSchemaError
        ? "newer_schema"
        : problemOf(error) === "busy"
        ? "in_use"
        : "unavailable";
      return { type: "opened", outcome, reason: textOf(error), figures: this.#figures() };
    }
  }

  /** Does a lot as one transaction; what it does not do, it refuses. Never throws. */
  execute(lot: Lot): LotReply {
    try {
      const open = this.#ensureOpen();
      this.#readSize(open);
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
      return { type: "lot", ...NOTHING_DONE, refused, figures: this.#figures() };
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
      return { type: "lot", ...NOTHING_DONE, refused, figures: this.#figures() };
    }
  }

  #executeWithoutGrowth(open: OpenStore, lot: Lot, refusal: Refusal): LotReply {
    return this.#transact(open, new LotTransaction(open.tables, lot, refusal));
  }

  #transact({ begin, commit, rollback, database, tables }: OpenStore, work: LotTransaction): LotReply {
    let done: LotWork;
    try {
      begin.run();
      done = work.run();
      commit.run();
    } catch (error) {
      tables.rollback();
      // Some errors end the transaction by themselves; one that cannot be ended needs a new connection.
      if (database.isTransaction) this.#rollBack(rollback);
      throw error;
    }
    tables.commit();
    this.#lastSequence = tables.events.lastSequence;
    this.#commits++;
    return { type: "lot", ...done, figures: this.#figures() };
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
      if (!isDamage(error)) throw error;
      this.#setAside(error);
      return this.#open = this.#openFile();
    }
  }

  #openFile(): OpenStore {
    const database = openFile(this.#options.directory, this.#options.lockWaitMs);
    try {
      if (!this.#claimsAreOwn) {
        PendingTable.releaseClaims(database);
        ChannelTable.releaseLeases(database);
      }
      const tables = new Tables(database, this.#options, this.#lastSequence);
      const open = {
        database,
        tables,
        begin: database.prepare("BEGIN IMMEDIATE"),
        commit: database.prepare("COMMIT"),
        rollback: database.prepare("ROLLBACK"),
      };
      this.#claimsAreOwn = true;
      this.#sizeReadAt = -Infinity;
      this.#readSize(open);
      return open;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #setAside(error: unknown): void {
    const path = setAside(this.#options.directory);
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

  #readSize({ tables }: OpenStore): void {
    const now = performance.now();
    if (now - this.#sizeReadAt < SIZE_INTERVAL_MS) return;
    this.#sizeReadAt = now;
    this.#bytes = tables.retention.fileBytes;
    this.#usedBytes = tables.retention.usedBytes;
  }

  #figures(): Figures {
    const tables = this.#open?.tables;
    return {
      pending: tables?.pending.total ?? 0,
      oldestReceivedAt: tables?.pending.oldestReceivedAt(),
      deadLetters: tables?.deadLetters.total ?? 0,
      bytes: this.#bytes,
      commits: this.#commits,
      damaged: this.#damaged,
      lastSequence: this.#lastSequence,
    };
  }
}

/** What only a fresh file helps against. */
function isDamage(error: unknown): boolean {
  return error instanceof ForeignDatabaseError || problemOf(error) === "damaged";
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
