/**
 * The journal on the worker's side: opens the file when it is needed, turns each commit into one transaction,
 * and recovers from errors of the disk.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ChannelTable } from "./tables/channel.ts";
import { Claims } from "./claims.ts";
import { DiskRoom } from "./disk_room.ts";
import { FileHold } from "./file_hold.ts";
import { closeFile, openFile, setAside } from "./file.ts";
import { CommitTransaction, type CommitWork } from "./commit.ts";
import { PendingTable } from "./tables/pending.ts";
import { Place } from "./place.ts";
import type {
  Commit,
  CommitReply,
  Figures,
  FromWorker,
  HoldReply,
  OpenReply,
  PlaceProblem,
  RefusedPart,
  WorkerOptions,
} from "../protocol.ts";
import { relocate } from "./relocation.ts";
import { NewerSchemaError } from "./schema.ts";
import { problemOf, type StorageProblem } from "./errors.ts";
import { Tables } from "./tables/tables.ts";

const UNAVAILABLE: Readonly<Record<Exclude<StorageProblem, "fault">, string>> = {
  full: "The journal's disk is full",
  busy: "The journal is in use by another process",
  unavailable: "The journal cannot be written",
  damaged: "The journal was damaged, and a new one is begun",
};

const NOTHING_DONE = {
  firstSequence: 0,
  firstPacked: 0,
  skipped: [],
  skippedInPacks: [],
  results: [],
  refusedOperations: [],
} as const;

/** How old a look at the place may be when events are appended, in milliseconds. */
const OLDEST_LOOK_MS = 50;

/** The pause between two attempts to bring the file back takes so many times as long as the attempt. */
const PAUSE_PER_ATTEMPT = 4;

const GONE = "The journal's file is gone";

/** An open file. */
interface OpenStore {
  readonly database: DatabaseSync;
  readonly place: Place;
  readonly tables: Tables;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly rollback: StatementSync;
}

/** The store of one data directory. */
export class Store {
  readonly #options: WorkerOptions;
  readonly #tellGateway: (message: FromWorker) => void;
  readonly #room: DiskRoom;
  readonly #hold = new FileHold();
  #open: OpenStore | undefined;
  readonly #claims = new Claims();
  /** Set until this worker has opened the file, when it takes the place of one that has failed. */
  #keepsClaims: boolean;
  #lastSequence: number;
  #figures: Omit<Figures, "commits" | "damaged" | "lastSequence"> = {
    pending: undefined,
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
  #logBytes = 0;
  #lookedAt = -Infinity;
  /** Why events cannot be kept here at the moment. */
  #problem: PlaceProblem | undefined;
  /** When the file may be brought back to its place the next time, by `performance.now()`. */
  #relocateAt = 0;

  /** @param tellGateway takes what is said without being asked */
  constructor(options: WorkerOptions, tellGateway: (message: FromWorker) => void) {
    this.#options = options;
    this.#tellGateway = tellGateway;
    this.#room = new DiskRoom(options.directory);
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
      if (outcome === "in_use") this.#setProblem(inUse(error));
      return { type: "opened", outcome, reason: textOf(error), figures: this.#tell() };
    }
  }

  /** Does a commit as one transaction; what it does not do, it refuses. Never throws. */
  execute(commit: Commit): CommitReply {
    try {
      const open = this.#ensureOpen();
      const refusal = this.#refuseGrowth(open, commit);
      if (refusal !== undefined) return this.#executeWithoutGrowth(open, commit, refusal);
      return this.#transact(open, new CommitTransaction(open.tables, commit, this.#freeBytes));
    } catch (error) {
      const refused = this.#handle(error);
      if (this.#open !== undefined && problemOf(error) === "full") {
        return this.#retryWithoutGrowth(commit, refused);
      }
      return { type: "commit", ...NOTHING_DONE, refused, figures: this.#tell() };
    }
  }

  /**
   * Checks that the files are still where they were opened, and brings them back if they do not; tries to
   * open them where another process uses them. To be called often.
   */
  look(): void {
    if (this.#open === undefined) {
      if (this.#problem !== undefined) this.open();
      return;
    }
    this.#findProblem(this.#open);
    if (this.#problem?.kind !== "gone" || performance.now() < this.#relocateAt) return;
    const startedAt = performance.now();
    try {
      this.#relocate(this.#open);
    } catch (error) {
      this.#setProblem({ kind: "gone", message: GONE, reason: `It cannot be made again: ${textOf(error)}` });
    }
    this.#relocateAt = performance.now() + (performance.now() - startedAt) * PAUSE_PER_ATTEMPT;
  }

  /** Keeps the file as it is from now on, for another process to copy it. */
  hold(): HoldReply {
    try {
      const { database, place } = this.#ensureOpen();
      return { type: "hold", hold: this.#hold.begin(database), inode: place.inode };
    } catch (error) {
      return { type: "hold", problem: textOf(error) };
    }
  }

  /** The copy is made. @param hold its number */
  release(hold: number): HoldReply {
    const open = this.#open;
    if (this.#hold.end(open?.database, hold) && open !== undefined) {
      return { type: "hold", hold, inode: open.place.inode };
    }
    return { type: "hold", problem: "The journal had to be written back to its file meanwhile" };
  }

  /** Writes everything back and closes the file. Returns what went wrong: nothing is lost by it. */
  close(): string {
    this.#relocateAt = 0;
    this.look();
    const open = this.#open;
    this.#open = undefined;
    try {
      if (open !== undefined) closeFile(open.database);
      return this.#problem?.kind === "gone"
        ? `${GONE}, and with it ${this.#figures.pending} pending events: ${this.#problem.reason}`
        : "";
    } catch (error) {
      return textOf(error);
    }
  }

  /** Why nothing may be appended now. */
  #refuseGrowth(open: OpenStore, { size }: Commit): RefusedPart | undefined {
    if (performance.now() - this.#lookedAt > OLDEST_LOOK_MS) this.#findProblem(open);
    if (this.#problem !== undefined) {
      const { message, reason } = this.#problem;
      return { code: "journal_unavailable", message, reason };
    }
    const bound = this.#options.maxBytes;
    if (this.#usedBytes >= bound) {
      return {
        code: "journal_unavailable",
        message: `The journal has reached its bound of ${bound} bytes`,
        reason: `It uses ${this.#usedBytes} bytes`,
      };
    }
    if (size === 0) return undefined;
    const reason = this.#refuseForRoom(open, size);
    return reason === undefined
      ? undefined
      : { code: "journal_unavailable", message: UNAVAILABLE.full, reason };
  }

  /** What the file may still take, of its bound and of its disk, in bytes. */
  get #freeBytes(): number {
    const ofBound = this.#options.maxBytes - this.#usedBytes;
    return Math.min(ofBound, this.#room.free + this.#bytes - this.#usedBytes);
  }

  #refuseForRoom({ database }: OpenStore, size: number): string | undefined {
    const reusable = () => this.#bytes - this.#usedBytes;
    if (this.#room.refuse(size, this.#logBytes, reusable()) === undefined) return undefined;
    this.#writeBack(database);
    return this.#room.refuse(size, this.#logBytes, reusable());
  }

  #findProblem({ database, place }: OpenStore): void {
    const look = place.look();
    this.#lookedAt = performance.now();
    if (look.found === "in_place") {
      this.#logBytes = look.logBytes;
      this.#hold.check(database, look.logBytes);
      this.#setProblem(undefined);
    } else if (this.#problem === undefined) {
      this.#setProblem({ kind: "gone", message: GONE, reason: look.reason });
    }
  }

  #setProblem(problem: PlaceProblem | undefined, aside?: string): void {
    const isNew = problem?.kind !== this.#problem?.kind || problem?.reason !== this.#problem?.reason;
    this.#problem = problem;
    if (!isNew) return;
    const found = aside === undefined ? {} : { aside };
    this.#tellGateway({ type: "place", problem, ...found, figures: this.#tell() });
  }

  /** The same events in a new file, which stands where the old one did. */
  #relocate({ database, place }: OpenStore): void {
    const { directory, lockWaitMs } = this.#options;
    // Closing writes a log that has lost its name back to the file.
    const aside = place.look().found === "log_gone" ? undefined : relocate(database, directory, lockWaitMs);
    this.#open = undefined;
    // What was claimed and leased by this process still is.
    this.#keepsClaims = true;
    database.close();
    this.#open = this.#openFile();
    this.#setProblem(undefined, aside);
  }

  /** What needs no space may go through when the rest does not: it makes room, or is only read. */
  #retryWithoutGrowth(commit: Commit, refusal: RefusedPart): CommitReply {
    try {
      const open = this.#ensureOpen();
      this.#writeBack(open.database);
      return this.#executeWithoutGrowth(open, commit, refusal);
    } catch (error) {
      const refused = this.#handle(error);
      return { type: "commit", ...NOTHING_DONE, refused, figures: this.#tell() };
    }
  }

  #executeWithoutGrowth(open: OpenStore, commit: Commit, refusal: RefusedPart): CommitReply {
    return this.#transact(open, new CommitTransaction(open.tables, commit, 0, refusal));
  }

  #transact({ begin, commit, rollback, database, tables }: OpenStore, work: CommitTransaction): CommitReply {
    let done: CommitWork;
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
    if (done.growthRefused !== undefined || this.#room.isScarce) this.#writeBack(database);
    return { type: "commit", ...done, figures: this.#tell() };
  }

  /** Where there is little room the log must not grow by what empties the journal: it begins again. */
  #writeBack(database: DatabaseSync): void {
    try {
      this.#hold.end(database);
      database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
      this.#logBytes = 0;
    } catch {
      // What is in the log is safe there; the next commit tries again.
    }
  }

  #rollBack(rollback: StatementSync): void {
    try {
      rollback.run();
    } catch {
      // The error that led here is the one to report; closing rolls back.
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
    this.#hold.end(undefined);
    this.#buriedBefore = this.#figures.buried;
    const { directory, lockWaitMs } = this.#options;
    // An empty file in the place of one with events would look as if they had been delivered.
    const database = openFile(directory, lockWaitMs, !this.#holdsEvents);
    try {
      if (this.#keepsClaims) PendingTable.adoptClaims(database, this.#claims);
      else {
        PendingTable.releaseClaims(database, this.#claims);
        ChannelTable.releaseLeases(database);
      }
      const tables = new Tables(database, this.#options, this.#claims, this.#lastSequence);
      const open = {
        database,
        place: new Place(directory),
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
      this.#setProblem(undefined);
      this.#readSize(tables);
      this.#readFigures(tables, tables.oldestReceivedAt());
      return open;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #setAside(error: unknown): void {
    const path = setAside(this.#options.directory, "damaged");
    this.#claims.clear();
    this.#figures = { ...this.#figures, pending: 0, oldestReceivedAt: undefined, deadLetters: 0 };
    this.#damaged++;
    if (path !== undefined) this.#tellGateway({ type: "damaged", path, reason: textOf(error) });
  }

  /** Gets the store into a state in which the next commit can be tried. */
  #handle(error: unknown): RefusedPart {
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
    } else if (problem === "unavailable" && !this.#isGone) {
      this.#abandon();
    }
    return { code: "journal_unavailable", message: UNAVAILABLE[problem], reason };
  }

  /** Whether the file held something when it was open last. */
  get #holdsEvents(): boolean {
    const { pending = 0, deadLetters } = this.#figures;
    return pending > 0 || deadLetters > 0;
  }

  /** Whether the open file is all that is left of the journal. */
  get #isGone(): boolean {
    if (this.#open !== undefined) this.#findProblem(this.#open);
    return this.#problem?.kind === "gone";
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

function inUse(error: unknown): PlaceProblem {
  return { kind: "in_use", message: UNAVAILABLE.busy, reason: textOf(error) };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
