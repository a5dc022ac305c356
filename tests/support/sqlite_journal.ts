import { getLogger } from "@logtape/logtape";
import {
  openSqliteJournal,
  type SqliteJournal,
  type SqliteJournalOptions,
} from "../../src/delivery/sqlite/sqlite_journal.ts";
import type { OpenQueues } from "./channel_queue_contract.ts";
import { TempDir } from "./temp_dir.ts";

/** What a test may choose about a journal. */
export type JournalChoices = Partial<Omit<SqliteJournalOptions, "directory">>;

/** Opens a journal whose log nobody reads. */
export function openJournal(directory: string, choices: JournalChoices = {}): Promise<SqliteJournal> {
  return openSqliteJournal({ directory, logger: getLogger(["cwm", "test", "journal"]), ...choices });
}

/** A data directory, and what a crash leaves of it. */
export class JournalDirectory implements AsyncDisposable {
  readonly #temporary: TempDir;
  readonly #journals: SqliteJournal[] = [];
  readonly #choices: JournalChoices;
  #crashes = 0;

  private constructor(temporary: TempDir, choices: JournalChoices) {
    this.#temporary = temporary;
    this.#choices = choices;
  }

  static async create(choices: JournalChoices = {}): Promise<JournalDirectory> {
    return new JournalDirectory(await TempDir.create(), choices);
  }

  get path(): string {
    return this.#temporary.file(`data${this.#crashes}`);
  }

  async open(): Promise<SqliteJournal> {
    const journal = await openJournal(this.path, this.#choices);
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

  /**
   * Goes on with the files as they stand now: it is what `kill -9` would leave. Another process copies them,
   * since this one would lose its locks on files that it opens and closes a second time.
   */
  async crash(): Promise<void> {
    const source = this.path;
    this.#crashes++;
    const { success } = await new Deno.Command("cp", { args: ["-a", source, this.path] }).output();
    if (!success) throw new Error(`Cannot copy ${source}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#journals) await journal[Symbol.asyncDispose]();
    await this.#temporary[Symbol.asyncDispose]();
  }
}
