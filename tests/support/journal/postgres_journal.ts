import { getLogger } from "@logtape/logtape";
import type { Tempo } from "../../../src/journal/postgres/cluster/beats.ts";
import type { PostgresServer } from "../../../src/journal/postgres/connection/connection.ts";
import {
  PostgresJournal,
  type PostgresJournalOptions,
} from "../../../src/journal/postgres/postgres_journal.ts";
import { eventually } from "../eventually.ts";
import type { TestDatabase } from "../postgres/access.ts";
import { journalServer } from "../postgres/journal_server.ts";
import { sharedPostgres } from "../postgres/shared.ts";

/** Beats often, and takes nobody for dead because the machine is slow. */
export const QUICK: Tempo = { beatMs: 50, deadMs: 60_000, limitMs: 30_000 };

/** What a test may choose about a journal. */
export type PostgresJournalChoices = Partial<Omit<PostgresJournalOptions, "server">>;

/** A database with the gateways that share it, and how each of them may end. */
export class PostgresJournals implements AsyncDisposable {
  readonly #opened = new AsyncDisposableStack();
  readonly #servers = new Map<PostgresJournal, PostgresServer>();

  constructor(readonly database: TestDatabase, readonly choices: PostgresJournalChoices = {}) {}

  static async create(choices: PostgresJournalChoices = {}): Promise<PostgresJournals> {
    return new PostgresJournals(await (await sharedPostgres()).createDatabase(), choices);
  }

  /** Opens the journal of another gateway, which has taken over what ended ones have left. */
  async open(choices: PostgresJournalChoices = {}): Promise<PostgresJournal> {
    const server = this.#opened.use(journalServer(this.database.url, { migrates: true }));
    const journal = await PostgresJournal.open({
      server,
      member: { name: "test", version: "0" },
      logger: getLogger(["cwm", "test", "journal"]),
      tempo: QUICK,
      ...this.choices,
      ...choices,
    });
    this.#opened.use(journal);
    this.#servers.set(journal, server);
    return journal;
  }

  /** Ends a gateway as a crash of its process does. */
  async kill(journal: PostgresJournal): Promise<void> {
    await this.#servers.get(journal)?.[Symbol.asyncDispose]();
  }

  /** Ends a gateway as a crash of its process does, and has it declared dead. */
  async crash(journal: PostgresJournal): Promise<void> {
    const { id } = journal.member;
    await this.kill(journal);
    await this.database.query("delete from cwm.gateway where id = $1", [id]);
  }

  /** Waits until a number of packs stands in the tables. */
  async hasPacks(count: number): Promise<void> {
    await eventually(async () => {
      const [row] = await this.database.query("select count(*)::int as packs from cwm.pack where owner > 0");
      if (row?.packs !== count) throw new Error(`There are ${row?.packs} packs`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }
}
