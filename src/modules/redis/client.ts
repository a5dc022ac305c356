/**
 * A connection to one Redis server that is opened when it is first needed, and again after it was lost.
 *
 * There is one timer for all commands of a write instead of `commandTimeout`'s one each: after it the connection is
 * closed, since a server that is silent for so long would only be given more and more to do.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import { type ConnectionLog, ConnectionSupervisor, type Opening } from "../../io/connection.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import type { RedisConnection } from "./connection.ts";
import { DIAL_TIMEOUT_MS, type DialedRedis, dialRedis, nameOf } from "./dialer.ts";
import { callsForNewConnection, judgeRedisError, movedTo, replyCode } from "./errors.ts";
import { closeRedis, type RedisScript } from "./socket.ts";

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
  readonly #scripts: Readonly<Record<string, RedisScript>>;
  readonly #supervisor: ConnectionSupervisor<DialedRedis>;
  /** The node of a cluster that had the keys when they were last asked for. */
  #node: ServerAddress | undefined;

  constructor(
    connection: RedisConnection,
    log: ConnectionLog,
    scripts: Readonly<Record<string, RedisScript>> = {},
  ) {
    this.#connection = connection;
    this.#scripts = scripts;
    this.#supervisor = new ConnectionSupervisor({
      server: nameOf(connection),
      log,
      open: (opening) => this.#open(opening),
      close: ({ redis }) => closeRedis(redis),
      isUsable: ({ redis }) => redis.status === "ready",
      openTimeoutMs: DIAL_TIMEOUT_MS,
      endsItsWork: true,
      outlivesTimeouts: true,
    });
  }

  /**
   * Sends commands in one write. One reply each, in order; a failure of the connection is the reply of all, and so is
   * a time-out when the signal aborts, though what was sent may be executed.
   */
  execute(commands: RedisCommand[], signal: AbortSignal): Promise<readonly RedisReply[]> {
    return commands.length === 0 ? Promise.resolve([]) : this.#execute(commands, signal, MAX_MOVES);
  }

  /** Closes the connection at once. What is under way fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }

  async #open({ signal, lost }: Opening): Promise<DialedRedis> {
    const node = this.#node;
    // When this one does not answer, the configured address names the nodes that there are.
    this.#node = undefined;
    const dialed = await dialRedis(this.#connection, this.#scripts, node, signal);
    this.#node = node;
    const { redis, server } = dialed;
    redis.once("end", () => lost(new DeliveryError("output_unavailable", `${server} closed the connection`)));
    return dialed;
  }

  async #execute(
    commands: RedisCommand[],
    signal: AbortSignal,
    movesLeft: number,
  ): Promise<readonly RedisReply[]> {
    try {
      const { replies, moved } = await this.#supervisor.use(
        (dialed) => this.#exchange(dialed, commands),
        signal,
      );
      if (moved.length === 0 || movesLeft === 0) return replies;
      const again = await this.#execute(moved.map((index) => commands[index]!), signal, movesLeft - 1);
      for (const [position, index] of moved.entries()) replies[index] = again[position]!;
      return replies;
    } catch (error) {
      const failure = judgeRedisError(error, nameOf(this.#connection));
      return commands.map(() => failure);
    }
  }

  async #exchange(dialed: DialedRedis, commands: RedisCommand[]): Promise<Exchanged> {
    const { timeoutMs, replicas } = this.#connection;
    const { redis, server } = dialed;
    let unanswered = new DeliveryError(
      "output_unavailable",
      `${server} closed the connection unanswered`,
    );
    const timer = setTimeout(() => {
      unanswered = new DeliveryError("output_timeout", `${server} did not answer within ${timeoutMs} ms`);
      this.#supervisor.drop(dialed, unanswered);
    }, timeoutMs);
    try {
      const pipeline = redis.pipeline(commands);
      if (replicas > 0) pipeline.call("WAIT", replicas, Math.ceil(timeoutMs / 2));
      const answers = await pipeline.exec() ?? [];
      const moved: number[] = [];
      const replies = answers.map(([error, value], index) => {
        if (error === null) return value as RedisReply;
        if (replyCode(error) === undefined) return unanswered;
        const failure = judgeRedisError(error, server);
        const node = movedTo(error, dialed.address);
        if (node !== undefined) {
          moved.push(index);
          this.#node = node;
          this.#supervisor.drop(dialed);
        } else if (callsForNewConnection(error)) this.#supervisor.drop(dialed, failure);
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
}
