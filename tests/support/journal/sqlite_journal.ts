import { getLogger } from "@logtape/logtape";
import {
  openSqliteJournal,
  type SqliteJournal,
  type SqliteJournalOptions,
} from "../../../src/journal/sqlite/sqlite_journal.ts";
import { join } from "@std/path";
import type { OpenQueues } from "../../contracts/channel_queue.ts";
import { TempDir } from "../temp_dir.ts";

/** What a test may choose about a journal. */
export type JournalChoices = Partial<Omit<SqliteJournalOptions, "directory">>;

/** Opens a journal whose log nobody reads, and which is swept often. */
export function openJournal(directory: string, choices: JournalChoices = {}): Promise<SqliteJournal> {
  const logger = getLogger(["cwm", "test", "journal"]);
  return openSqliteJournal({ directory, logger, sweepIntervalMs: 20, ...choices });
}

/** A data directory, and what a crash leaves of it. */
export class JournalDirectory implements AsyncDisposable {
  readonly #temporary: TempDir;
  readonly #journals: SqliteJournal[] = [];
  readonly #choices: JournalChoices;
  #current: string;
  #copies = 0;

  private constructor(temporary: TempDir, choices: JournalChoices) {
    this.#temporary = temporary;
    this.#choices = choices;
    this.#current = temporary.file("data");
  }

  static async create(choices: JournalChoices = {}): Promise<JournalDirectory> {
    return new JournalDirectory(await TempDir.create(), choices);
  }

  async open(): Promise<SqliteJournal> {
    const journal = await openJournal(this.#current, this.#choices);
    this.#journals.push(journal);
    return journal;
  }

  async openQueues(): Promise<OpenQueues> {
    const journal = await this.open();
    return {
      queues: journal.channels,
      deadLetters: journal.deadLetters,
      [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
    };
  }

  /** Goes on with the files as they stand now: it is what `kill -9` would leave. */
  async crash(): Promise<void> {
    this.#current = await this.copy();
  }

  /**
   * Copies the files as they stand now, and returns the new directory. Another process copies them, since this
   * one would lose its locks on files that it opens and closes a second time.
   */
  async copy(): Promise<string> {
    while (true) {
      const before = await this.#state();
      const target = this.#temporary.file(`copy${this.#copies++}`);
      const { success } = await new Deno.Command("cp", { args: ["-a", this.#current, target] }).output();
      if (!success) throw new Error(`Cannot copy ${this.#current}`);
      // A copy is of one moment only if nothing was written meanwhile; the sweeper may have.
      if (await this.#state() === before) return target;
    }
  }

  /** Changes with everything that is written. */
  async #state(): Promise<string> {
    const states: string[] = [];
    for await (const { name } of Deno.readDir(this.#current)) {
      const { size, mtime } = await Deno.stat(join(this.#current, name));
      states.push(`${name} ${size} ${mtime?.getTime()}`);
    }
    return states.toSorted().join();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#journals) await journal[Symbol.asyncDispose]();
    await this.#temporary[Symbol.asyncDispose]();
  }
}
