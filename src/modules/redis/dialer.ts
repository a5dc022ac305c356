/**
 * Opens connections to the server that a connection of the configuration leads to: the one that is named, the primary
 * that Sentinels know, or the node of a cluster that has the keys.
 *
 * @module
 */

import { Redis } from "ioredis";
import { DeliveryError } from "../../errors.ts";
import { closeRedis } from "./close.ts";
import { RedisConnector } from "../../io/redis/connector.ts";
import type { RedisConnection } from "./connection.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import { judgeRedisError, replyCode } from "./errors.ts";
import { addressText, findPrimary, type RedisTls } from "./sentinel.ts";
import { loadTls } from "../../io/tls.ts";

/** How long opening a connection to a known address may take, greetings included, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3000;

/** A script that Redis runs as one step, called like a command. */
export interface RedisScript {
  readonly lua: string;
  readonly numberOfKeys: number;
}

/** A connection that is in order. */
export interface DialedRedis {
  readonly redis: Redis;
  readonly address: ServerAddress;
  /** How messages name the server. */
  readonly server: string;
}

/** Opens connections, and closes all of them at the end. They never reconnect by themselves. */
export class RedisDialer implements AsyncDisposable {
  /** How messages name what is dialed. */
  readonly name: string;
  readonly #connection: RedisConnection;
  readonly #scripts: Readonly<Record<string, RedisScript>>;
  /** All that have not ended: more than one only while those that were given up close. */
  readonly #open = new Set<Redis>();
  readonly #closing = new AbortController();

  constructor(connection: RedisConnection, scripts: Readonly<Record<string, RedisScript>>) {
    this.#connection = connection;
    this.#scripts = scripts;
    const { server } = connection;
    this.name = "sentinels" in server ? `Redis ${server.master}` : `Redis ${addressText(server)}`;
  }

  /**
   * Opens a connection.
   *
   * @param node where a cluster has the keys. @default where the configuration says
   * @throws {DeliveryError} with the reason when that is not possible
   */
  async open(node?: ServerAddress): Promise<DialedRedis> {
    const { tls, server } = this.#connection;
    const tlsOptions = tls === undefined ? {} : { tls: await loadTls(tls, this.#closing.signal) };
    const isPrimary = node === undefined && "sentinels" in server;
    const address = isPrimary ? await findPrimary(server, tlsOptions, this.#closing.signal) : node ?? server;
    if (this.#closing.signal.aborted) {
      throw new DeliveryError("output_unavailable", `${this.name} is not used any more`);
    }
    // What Sentinels are asked for is an address; the configuration has one itself otherwise.
    const known = address as ServerAddress;
    const name = `Redis ${addressText(known)}`;
    try {
      return { redis: await this.#connect(known, name, tlsOptions), address: known, server: name };
    } catch (error) {
      throw judgeRedisError(error, name);
    }
  }

  /** Closes all connections at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(Array.from(this.#open, closeRedis));
  }

  /** @throws {Error} with a code of the system or of Redis */
  async #connect(address: ServerAddress, name: string, tlsOptions: RedisTls): Promise<Redis> {
    const redis = this.#createClient(address, tlsOptions);
    let cause: unknown;
    redis.on("error", (error) => cause ??= error);
    const timer = setTimeout(() => {
      cause ??= new DeliveryError("output_timeout", `${name} did not greet within ${CONNECT_TIMEOUT_MS} ms`);
      void closeRedis(redis);
    }, CONNECT_TIMEOUT_MS);
    try {
      await redis.connect();
      await this.#introduce(redis, name);
      return redis;
    } catch (error) {
      void closeRedis(redis);
      // Only error replies say themselves why; of a closed socket the error before it does.
      throw replyCode(error) === undefined && !(error instanceof DeliveryError) ? cause ?? error : error;
    } finally {
      clearTimeout(timer);
    }
  }

  #createClient({ host, port }: ServerAddress, tlsOptions: RedisTls): Redis {
    const redis = new Redis({
      host,
      port,
      ...tlsOptions,
      scripts: { ...this.#scripts },
      // With protocol 3, which is the default, HELLO goes out before the login, and is refused for that.
      protocol: 2,
      Connector: RedisConnector,
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
  async #introduce(redis: Redis, name: string): Promise<void> {
    const { username, password, db } = this.#connection;
    const steps: Promise<unknown>[] = [];
    if (password !== undefined) {
      steps.push(username === undefined ? redis.auth(password) : redis.auth(username, password));
    }
    if (db !== 0) steps.push(redis.select(db));
    steps.push(redis.ping().catch(ignoreNotPermitted));
    // Users may be not permitted to ask, and proxies may not know the command.
    const role = redis.call("ROLE").catch(ignoreReply);
    const [ended] = await Promise.allSettled([Promise.all(steps), role]);
    // A Sentinel does not know SELECT and perhaps not the password: its role says more than these errors.
    this.#checkRole(await role, name);
    if (ended.status === "rejected") throw ended.reason;
  }

  /** @throws {DeliveryError} when this is no server that events could be given to */
  #checkRole(answer: unknown, name: string): void {
    const { server } = this.#connection;
    const role = Array.isArray(answer) ? String(answer[0]) : undefined;
    if (role === "sentinel") {
      const cure =
        "put its address into sentinels of the connection, and the name of the primary into master";
      throw new DeliveryError("output_unavailable", `${name} is a Sentinel, which takes no events: ${cure}`);
    }
    if ("sentinels" in server && role !== undefined && role !== "master") {
      const message = `${name} is not the primary of ${server.master} yet, or no more`;
      throw new DeliveryError("output_unavailable", message);
    }
  }
}

/** A user who may not PING was recognized, and that is what the question was for. */
function ignoreNotPermitted(error: unknown): void {
  if (replyCode(error) !== "NOPERM") throw error;
}

function ignoreReply(error: unknown): undefined {
  if (replyCode(error) === undefined) throw error;
}
