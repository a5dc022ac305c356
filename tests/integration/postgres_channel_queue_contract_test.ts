import {
  type ChannelQueueHarness,
  type OpenQueues,
  testChannelQueueContract,
} from "../contracts/channel_queue.ts";
import type { TestDatabase } from "../support/postgres/access.ts";
import { openChannels } from "../support/postgres/channels.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";

/** One for all tests: to make its tables takes longer than they do. The server goes, and it with the server. */
let database: Promise<TestDatabase> | undefined;

/** A database without channels, and the queues of one gateway. */
class PostgresHarness implements ChannelQueueHarness {
  readonly #database: TestDatabase;
  #opened: AsyncDisposable | undefined;

  private constructor(database: TestDatabase) {
    this.#database = database;
  }

  static async create(): Promise<PostgresHarness> {
    const isNew = database === undefined;
    database ??= sharedPostgres().then((server) => server.createDatabase());
    const harness = new PostgresHarness(await database);
    if (!isNew) {
      await harness.#database.query("truncate cwm.message, cwm.message_turn, cwm.channel, cwm.dead");
    }
    return harness;
  }

  openQueues(): Promise<OpenQueues> {
    const opened = openChannels(this.#database.url);
    this.#opened = opened;
    return Promise.resolve({
      queues: opened.queues,
      deadLetters: opened.deadLetters,
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    });
  }

  /** What the server has is all that there is. */
  async crash(): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]();
  }
}

testChannelQueueContract("PostgreSQL channel queues", () => PostgresHarness.create(), {
  leasesEndWithProcess: false,
});
