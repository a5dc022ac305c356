import { getLogger } from "@logtape/logtape";
import { RedisChannelQueues } from "../../src/channels/redis/redis_channel_queues.ts";
import type { SqliteJournal } from "../../src/journal/sqlite/sqlite_journal.ts";
import {
  type ChannelQueueHarness,
  type OpenQueues,
  testChannelQueueContract,
} from "../contracts/channel_queue.ts";
import { RedisServer } from "../support/redis/server.ts";
import { openJournal } from "../support/journal/sqlite_journal.ts";
import { TempDir } from "../support/temp_dir.ts";

/** A Redis server, and a journal for the dead letters. */
class RedisHarness implements ChannelQueueHarness {
  readonly #redis: RedisServer;
  readonly #directory: TempDir;
  readonly #journal: SqliteJournal;
  #queues: RedisChannelQueues | undefined;

  private constructor(redis: RedisServer, directory: TempDir, journal: SqliteJournal) {
    this.#redis = redis;
    this.#directory = directory;
    this.#journal = journal;
  }

  static async create(): Promise<RedisHarness> {
    const directory = await TempDir.create();
    return new RedisHarness(await RedisServer.start(), directory, await openJournal(directory.file("data")));
  }

  async openQueues(): Promise<OpenQueues> {
    const { deadLetters } = this.#journal;
    const queues = await RedisChannelQueues.open({
      url: this.#redis.url,
      deadLetters,
      logger: getLogger(["cwm", "test", "relay"]),
    });
    this.#queues = queues;
    return { queues, deadLetters, [Symbol.asyncDispose]: () => queues[Symbol.asyncDispose]() };
  }

  /** Nothing is said to the server at the end, so an end is as good as a crash. */
  async crash(): Promise<void> {
    await this.#queues?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#redis[Symbol.asyncDispose]();
    await this.#journal[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

testChannelQueueContract("Redis channel queues", () => RedisHarness.create(), {
  leasesEndWithProcess: false,
  // The parser of ioredis keeps an interval of its own for a while after it has read a large answer.
  sanitize: false,
});
