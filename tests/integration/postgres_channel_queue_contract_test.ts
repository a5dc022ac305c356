import type { Buffer } from "node:buffer";
import type { DeadLetter, DeadLetterFilter, DeadLetterPage } from "../../src/dead_letters/dead_letters.ts";
import { readEvent } from "../../src/journal/postgres/event_bytes.ts";
import {
  type ChannelQueueHarness,
  type OpenQueues,
  testChannelQueueContract,
} from "../contracts/channel_queue.ts";
import type { Row, TestDatabase } from "../support/postgres/access.ts";
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
      deadLetters: new LetterReader(this.#database),
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

/** Reads the letters as they stand in the table. */
class LetterReader {
  readonly #database: TestDatabase;

  constructor(database: TestDatabase) {
    this.#database = database;
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const rows = await this.#database.query("select * from cwm.dead where id = $1", [id]);
    return rows.map(letterOf)[0];
  }

  async list({ reason = "" }: DeadLetterFilter): Promise<DeadLetterPage> {
    const text = "select * from cwm.dead where $1 in ('', reason) order by number";
    return { letters: (await this.#database.query(text, [reason])).map(letterOf), cursor: undefined };
  }
}

function letterOf(row: Row): DeadLetter {
  const { event } = readEvent(row.event as Buffer);
  return {
    id: String(row.id),
    namespace: event.namespace,
    webhook: event.webhook,
    connection: String(row.connection),
    reason: row.reason as DeadLetter["reason"],
    message: String(row.message),
    attempts: Number(row.attempts),
    receivedAt: Number(row.received_at),
    diedAt: Number(row.died_at),
    bytes: Number(row.bytes),
    progress: undefined,
    event,
  };
}

testChannelQueueContract("PostgreSQL channel queues", () => PostgresHarness.create(), {
  leasesEndWithProcess: false,
});
