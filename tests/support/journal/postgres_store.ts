import { getLogger } from "@logtape/logtape";
import type { PostgresServer } from "../../../src/journal/postgres/connection/connection.ts";
import type { PostgresJournalOptions } from "../../../src/journal/postgres/postgres_journal.ts";
import { PostgresStore } from "../../../src/journal/postgres/postgres_store.ts";
import type { TestDatabase } from "../postgres/access.ts";
import { journalServer } from "../postgres/journal_server.ts";
import { sharedPostgres } from "../postgres/shared.ts";
import type { WorldStore } from "./dispatcher_world.ts";
import { QUICK } from "./postgres_journal.ts";

/** What a test may choose about a journal. */
export type PostgresStoreChoices = Partial<Omit<PostgresJournalOptions, "server">>;

/** A database with the whole journals of gateways that share it, and how each of them may end. */
export class PostgresStores implements AsyncDisposable {
  readonly #opened = new AsyncDisposableStack();
  readonly #servers = new Map<PostgresStore, PostgresServer>();

  private constructor(readonly database: TestDatabase, readonly choices: PostgresStoreChoices) {}

  static async create(choices: PostgresStoreChoices = {}): Promise<PostgresStores> {
    return new PostgresStores(await (await sharedPostgres()).createDatabase(), choices);
  }

  /** Opens the journal of another gateway, which has taken over what ended ones have left. */
  async open(): Promise<PostgresStore> {
    const server = journalServer(this.database.url, { migrates: true });
    const store = this.#opened.use(
      await PostgresStore.open({
        server,
        member: { name: "test", version: "0" },
        logger: getLogger(["cwm", "test", "journal"]),
        tempo: QUICK,
        ...this.choices,
      }),
    );
    this.#servers.set(store, server);
    return store;
  }

  /** Ends a gateway as a crash of its process does: nothing of it happens any more, and the others take over. */
  async crash(store: PostgresStore): Promise<void> {
    const { id } = store.member;
    await this.#servers.get(store)?.[Symbol.asyncDispose]();
    await this.database.query("delete from cwm.gateway where id = $1", [id]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }
}

/** The journal of one gateway after the other. */
export class PostgresWorldStore implements WorldStore {
  readonly #stores: PostgresStores;
  #last: PostgresStore | undefined;

  private constructor(stores: PostgresStores) {
    this.#stores = stores;
  }

  static async create(): Promise<PostgresWorldStore> {
    return new PostgresWorldStore(await PostgresStores.create());
  }

  async open(): Promise<PostgresStore> {
    return this.#last = await this.#stores.open();
  }

  async crash(): Promise<void> {
    if (this.#last !== undefined) await this.#stores.crash(this.#last);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stores[Symbol.asyncDispose]();
  }
}
