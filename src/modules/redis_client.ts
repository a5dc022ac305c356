/**
 * A connection to one Redis server that is opened when it is first needed, and anew after it was lost.
 *
 * Each connection has an `ioredis` client of its own, which never reconnects by itself. That is what makes
 * it fail fast: when its socket is closed, all commands under way end at once. Reconnecting clients would
 * either send them again, though Redis may have executed them, or leave them without an end. And there is
 * one timer for all commands of a write instead of `commandTimeout`'s one each: after it the connection is
 * closed, since a server that is silent for so long would only be given more and more to do.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { Redis, type RedisOptions } from "ioredis";
import { DeliveryError } from "../errors.ts";
import { RateLimited } from "../observability/rate_limited.ts";
import type { ModuleContext } from "./module.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { callsForNewConnection, judgeRedisError, replyCode } from "./redis_errors.ts";
import { loadTls } from "./tls.ts";

/** How long opening a connection may take, greetings included, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3000;

/** How long after a failure the next connection is tried, in milliseconds: until then, the same failure. */
const RETRY_AFTER_MS = 250;

/** Name and arguments of a command, or of one of the client's scripts. Bytes must be a `Buffer`. */
export type RedisCommand = [name: string, ...args: (string | number | Buffer)[]];

/** What Redis answered, or why that is not known or an error. */
export type RedisReply = string | number | null | DeliveryError;

/** A script that Redis runs as one step, called like a command. */
export interface RedisScript {
  readonly lua: string;
  readonly numberOfKeys: number;
}

/** Sends commands to one server. */
export class RedisClient implements AsyncDisposable {
  readonly #connection: RedisConnection;
  readonly #context: Pick<ModuleContext, "name" | "logger">;
  readonly #scripts: Readonly<Record<string, RedisScript>>;
  readonly #server: string;
  readonly #reports = new RateLimited();
  /** All that have not ended: more than one only while those that were given up close. */
  readonly #open = new Set<Redis>();
  #usable: Redis | undefined;
  #opening: Promise<Redis> | undefined;
  #failure: DeliveryError | undefined;
  #failedAt = -Infinity;
  #closed = false;

  constructor(
    connection: RedisConnection,
    context: Pick<ModuleContext, "name" | "logger">,
    scripts: Readonly<Record<string, RedisScript>> = {},
  ) {
    this.#connection = connection;
    this.#context = context;
    this.#scripts = scripts;
    const { host, port } = connection;
    this.#server = `Redis ${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  /** Sends commands in one write. One reply each, in order; a failure of the connection is the reply of all. */
  async execute(commands: RedisCommand[]): Promise<readonly RedisReply[]> {
    try {
      const redis = this.#usable?.status === "ready" ? this.#usable : await this.#connected();
      return await this.#exchange(redis, commands);
    } catch (error) {
      const failure = judgeRedisError(error, this.#server);
      return commands.map(() => failure);
    }
  }

  /** Closes the connection at once. What is under way fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const ended = Array.from(this.#open, (redis) => new Promise((resolve) => redis.once("end", resolve)));
    for (const redis of this.#open) close(redis);
    await Promise.all(ended);
    await this.#opening?.catch(() => {}); // Whoever waits for it learns of it.
  }

  async #exchange(redis: Redis, commands: RedisCommand[]): Promise<readonly RedisReply[]> {
    const { timeoutMs } = this.#connection;
    let lost: DeliveryError | undefined;
    const timer = setTimeout(() => {
      lost = new DeliveryError("output_timeout", `${this.#server} did not answer within ${timeoutMs} ms`);
      this.#giveUp(redis, lost);
    }, timeoutMs);
    try {
      const answers = await redis.pipeline(commands).exec() ?? [];
      return answers.map(([error, value]) => {
        if (error === null) return value as RedisReply;
        if (replyCode(error) === undefined) return lost ??= this.#unanswered();
        const failure = judgeRedisError(error, this.#server);
        if (callsForNewConnection(error)) this.#giveUp(redis, failure);
        return failure;
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #unanswered(): DeliveryError {
    return new DeliveryError("output_unavailable", `${this.#server} closed the connection unanswered`);
  }

  /** Whoever comes next gets another connection, or the failure if they come at once. */
  #giveUp(redis: Redis, failure: DeliveryError): void {
    if (this.#usable !== redis) return;
    this.#usable = undefined;
    this.#remember(failure);
    close(redis);
  }

  #connected(): Promise<Redis> {
    if (this.#opening !== undefined) return this.#opening;
    if (this.#failure !== undefined && performance.now() - this.#failedAt < RETRY_AFTER_MS) {
      return Promise.reject(this.#failure);
    }
    const opening = this.#connect().then((redis) => this.#succeed(redis), (error) => this.#fail(error));
    this.#opening = opening.finally(() => this.#opening = undefined);
    return this.#opening;
  }

  #succeed(redis: Redis): Redis {
    this.#usable = redis;
    if (this.#failure === undefined) return redis;
    this.#failure = undefined;
    this.#context.logger.info("Connection {connection}: {server} answers again", this.#logged());
    return redis;
  }

  #fail(error: unknown): never {
    const failure = judgeRedisError(error, this.#server);
    this.#remember(failure);
    throw failure;
  }

  #remember(failure: DeliveryError): void {
    this.#failure = failure;
    this.#failedAt = performance.now();
    if (this.#closed) return;
    this.#reports.run(failure.message, (suppressed) => {
      const properties = { ...this.#logged(), reason: failure.message, suppressed };
      this.#context.logger.warning("Connection {connection}: {reason}", properties);
    });
  }

  #logged(): { readonly connection: string; readonly server: string } {
    return { connection: this.#context.name, server: this.#server };
  }

  /** @throws {Error} with a code of the system or of Redis */
  async #connect(): Promise<Redis> {
    const { tls } = this.#connection;
    const tlsOptions = tls === undefined ? {} : { tls: await loadTls(tls) };
    if (this.#closed) throw new DeliveryError("output_unavailable", `${this.#server} is not used any more`);
    const redis = this.#createClient(tlsOptions);
    let cause: unknown;
    redis.on("error", (error) => cause ??= error);
    const timer = setTimeout(() => {
      cause ??= new DeliveryError(
        "output_timeout",
        `${this.#server} did not greet within ${CONNECT_TIMEOUT_MS} ms`,
      );
      close(redis);
    }, CONNECT_TIMEOUT_MS);
    try {
      await redis.connect();
      await this.#introduce(redis);
      redis.once("end", () => this.#lost(redis));
      return redis;
    } catch (error) {
      close(redis);
      // Only error replies say themselves why; of a closed socket the error before it does.
      throw replyCode(error) === undefined ? cause ?? error : error;
    } finally {
      clearTimeout(timer);
    }
  }

  #createClient(tlsOptions: RedisOptions): Redis {
    const { host, port } = this.#connection;
    const redis = new Redis({
      host,
      port,
      ...tlsOptions,
      scripts: { ...this.#scripts },
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      // Asks for INFO, which a user with few permissions may not use.
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    this.#open.add(redis);
    redis.once("end", () => this.#open.delete(redis));
    return redis;
  }

  /**
   * Says who is there, and waits for a sign of life: the system accepts connections for a server that hangs.
   * Not left to the client, which prints warnings, goes on in database 0 when the one that is asked for does
   * not exist, and keeps the password where it might be shown.
   */
  async #introduce(redis: Redis): Promise<void> {
    const { username, password, db } = this.#connection;
    const steps: Promise<unknown>[] = [];
    if (password !== undefined) {
      steps.push(username === undefined ? redis.auth(password) : redis.auth(username, password));
    }
    if (db !== 0) steps.push(redis.select(db));
    steps.push(redis.ping().catch(ignoreNotPermitted));
    await Promise.all(steps);
  }

  /** The server, or somebody on the way, closed a connection that was in order. */
  #lost(redis: Redis): void {
    if (this.#usable !== redis) return;
    this.#usable = undefined;
    this.#remember(new DeliveryError("output_unavailable", `${this.#server} closed the connection`));
    // The next may be tried at once: many servers and proxies close what is idle.
    this.#failedAt = -Infinity;
  }
}

/** Ends a client without asking the server: it might not answer. Every command under way is rejected. */
function close(redis: Redis): void {
  if (redis.status === "end") return;
  redis.disconnect();
  // There is no socket before the first attempt to connect, whatever the type says.
  (redis.stream as typeof redis.stream | undefined)?.destroy();
}

/** A user who may not PING was recognized, and that is what the question was for. */
function ignoreNotPermitted(error: unknown): void {
  if (replyCode(error) !== "NOPERM") throw error;
}
