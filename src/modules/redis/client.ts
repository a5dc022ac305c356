/**
 * A connection to one Redis server that is opened when it is first needed, and again after it was lost.
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
import { DeliveryError } from "../../errors.ts";
import { ReportLimiter } from "../../observability/report_limiter.ts";
import type { ModuleContext } from "../module.ts";
import { closeRedis } from "./close.ts";
import type { RedisConnection } from "./connection.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import { type DialedRedis, RedisDialer, type RedisScript } from "./dialer.ts";
import { callsForNewConnection, judgeRedisError, movedTo, replyCode } from "./errors.ts";

/** How long after a failure the next connection is tried, in milliseconds: until then, the same failure. */
const RETRY_AFTER_MS = 250;

/** How often commands follow their keys from one node of a cluster to another. */
const MAX_MOVES = 3;

/** Name and arguments of a command, or of one of the client's scripts. Bytes must be a `Buffer`. */
export type RedisCommand = [name: string, ...args: (string | number | Buffer)[]];

/** What Redis answered, or why that is not known or an error. */
export type RedisReply = string | number | null | DeliveryError;

/** Replies in the order of the commands, and the indexes of those that another node of a cluster would run. */
interface Exchanged {
  readonly replies: RedisReply[];
  readonly moved: readonly number[];
}

/** Sends commands to one server. */
export class RedisClient implements AsyncDisposable {
  readonly #connection: RedisConnection;
  readonly #context: Pick<ModuleContext, "name" | "logger">;
  readonly #dialer: RedisDialer;
  readonly #reports = new ReportLimiter();
  #usable: DialedRedis | undefined;
  #opening: Promise<DialedRedis> | undefined;
  /** The node of a cluster that had the keys when they were last asked for. */
  #node: ServerAddress | undefined;
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
    this.#dialer = new RedisDialer(connection, scripts);
  }

  /** Sends commands in one write. One reply each, in order; a failure of the connection is the reply of all. */
  execute(commands: RedisCommand[]): Promise<readonly RedisReply[]> {
    return this.#execute(commands, MAX_MOVES);
  }

  /** Closes the connection at once. What is under way fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#dialer[Symbol.asyncDispose]();
    await this.#opening?.catch(() => {}); // Whoever waits for it learns of it.
  }

  async #execute(commands: RedisCommand[], movesLeft: number): Promise<readonly RedisReply[]> {
    try {
      const dialed = this.#usable?.redis.status === "ready" ? this.#usable : await this.#connected();
      const { replies, moved } = await this.#exchange(dialed, commands);
      if (moved.length === 0 || movesLeft === 0) return replies;
      const again = await this.#execute(moved.map((index) => commands[index]!), movesLeft - 1);
      for (const [position, index] of moved.entries()) replies[index] = again[position]!;
      return replies;
    } catch (error) {
      const failure = judgeRedisError(error, this.#dialer.name);
      return commands.map(() => failure);
    }
  }

  async #exchange(dialed: DialedRedis, commands: RedisCommand[]): Promise<Exchanged> {
    const { timeoutMs, replicas } = this.#connection;
    const { redis, server } = dialed;
    let lost: DeliveryError | undefined;
    const timer = setTimeout(() => {
      lost = new DeliveryError("output_timeout", `${server} did not answer within ${timeoutMs} ms`);
      this.#giveUp(dialed, lost);
    }, timeoutMs);
    try {
      const pipeline = redis.pipeline(commands);
      if (replicas > 0) pipeline.call("WAIT", replicas, Math.ceil(timeoutMs / 2));
      const answers = await pipeline.exec() ?? [];
      const moved: number[] = [];
      const replies = answers.map(([error, value], index) => {
        if (error === null) return value as RedisReply;
        if (replyCode(error) === undefined) return lost ??= this.#unanswered(server);
        const failure = judgeRedisError(error, server);
        const node = movedTo(error, dialed.address);
        if (node !== undefined) {
          moved.push(index);
          this.#move(dialed, node);
        } else if (callsForNewConnection(error)) this.#giveUp(dialed, failure);
        return failure;
      });
      return { replies: replicas > 0 ? this.#replicated(replies, server) : replies, moved };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes the last reply, which is that of WAIT, off the others, and their success from them if it is too low. */
  #replicated(replies: RedisReply[], server: string): RedisReply[] {
    const { replicas } = this.#connection;
    const confirmed = replies.pop();
    if (typeof confirmed === "number" && confirmed >= replicas) return replies;
    const failure = confirmed instanceof DeliveryError ? confirmed : new DeliveryError(
      "output_unavailable",
      `${server} has written, but only ${confirmed ?? 0} of ${replicas} replicas have confirmed it`,
    );
    return replies.map((reply) => reply instanceof DeliveryError ? reply : failure);
  }

  #unanswered(server: string): DeliveryError {
    return new DeliveryError("output_unavailable", `${server} closed the connection unanswered`);
  }

  /** Whoever comes next gets a connection to the node that has the keys. */
  #move(dialed: DialedRedis, node: ServerAddress): void {
    if (this.#usable !== dialed) return;
    this.#usable = undefined;
    this.#node = node;
    void closeRedis(dialed.redis);
  }

  /** Whoever comes next gets another connection, or the failure if they come at once. */
  #giveUp(dialed: DialedRedis, failure: DeliveryError): void {
    if (this.#usable !== dialed) return;
    this.#usable = undefined;
    this.#remember(failure);
    void closeRedis(dialed.redis);
  }

  #connected(): Promise<DialedRedis> {
    if (this.#opening !== undefined) return this.#opening;
    if (this.#failure !== undefined && performance.now() - this.#failedAt < RETRY_AFTER_MS) {
      return Promise.reject(this.#failure);
    }
    const opening = this.#dialer.open(this.#node).then(
      (dialed) => this.#succeed(dialed),
      (error) => this.#fail(error),
    );
    this.#opening = opening.finally(() => this.#opening = undefined);
    return this.#opening;
  }

  #succeed(dialed: DialedRedis): DialedRedis {
    const { redis, server } = dialed;
    redis.once("end", () => this.#lost(dialed));
    this.#usable = dialed;
    if (this.#failure === undefined) return dialed;
    this.#failure = undefined;
    const properties = { connection: this.#context.name, server };
    this.#context.logger.info("Connection {connection}: {server} answers again", properties);
    return dialed;
  }

  #fail(error: unknown): never {
    const failure = judgeRedisError(error, this.#dialer.name);
    // The configured address names the nodes that there are now.
    this.#node = undefined;
    this.#remember(failure);
    throw failure;
  }

  #remember(failure: DeliveryError): void {
    this.#failure = failure;
    this.#failedAt = performance.now();
    if (this.#closed) return;
    this.#reports.run(failure.message, (suppressed) => {
      const properties = { connection: this.#context.name, reason: failure.message, suppressed };
      this.#context.logger.warning("Connection {connection}: {reason}", properties);
    });
  }

  /** The server, or somebody on the way, closed a connection that was in order. */
  #lost(dialed: DialedRedis): void {
    if (this.#usable !== dialed) return;
    this.#usable = undefined;
    this.#remember(new DeliveryError("output_unavailable", `${dialed.server} closed the connection`));
    // The next may be tried at once: many servers and proxies close what is idle.
    this.#failedAt = -Infinity;
  }
}
