/**
 * `ioredis` clients of one server, which connect once: when the socket is closed, every command under way is rejected.
 *
 * @module
 */

import { Redis } from "ioredis";
import { DeliveryError } from "../../errors.ts";
import { RedisConnector } from "../../io/redis/connector.ts";
import type { TlsOptions } from "../../io/tls.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import { judgeRedisError, replyCode } from "./errors.ts";

/** A script that Redis runs as one step, called like a command. */
export interface RedisScript {
  readonly lua: string;
  readonly numberOfKeys: number;
}

/** What a client needs for TLS; empty without. */
export interface RedisTls {
  readonly tls?: TlsOptions;
}

/** Makes a client, which is not connected yet. */
export function createRedis(
  address: ServerAddress,
  tls: RedisTls,
  scripts: Readonly<Record<string, RedisScript>> = {},
): Redis {
  return new Redis({
    ...address,
    ...tls,
    scripts: { ...scripts },
    // With protocol 3, which is the default, HELLO goes out before the login, and is refused for that.
    protocol: 2,
    Connector: RedisConnector,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    // Asks for INFO, which a user with few permissions may not use.
    enableReadyCheck: false,
    disableClientInfo: true,
  });
}

/** Logs in, as the default user where none is named. */
export function logIn(
  redis: Redis,
  { username, password }: { readonly username: string | undefined; readonly password: string },
): Promise<unknown> {
  return username === undefined ? redis.auth(password) : redis.auth(username, password);
}

/**
 * Ends a client without asking the server, which might not answer. Every command under way is rejected.
 *
 * @returns resolves when its socket is closed
 */
export function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === "end") return Promise.resolve();
  const ended = new Promise<void>((resolve) => redis.once("end", resolve));
  redis.disconnect();
  // There is no socket before the first attempt to connect, whatever the type says.
  (redis.stream as typeof redis.stream | undefined)?.destroy();
  return ended;
}

/**
 * Begins with a client. It is closed when that fails, when the signal aborts, or when time is up.
 *
 * @param name of the server, for messages
 * @throws {DeliveryError} with the reason
 */
export async function inTime<Result>(
  redis: Redis,
  name: string,
  timeoutMs: number,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  let cause: unknown;
  redis.on("error", (error) => cause ??= error);
  const giveUp = (reason: unknown) => {
    cause ??= reason;
    void closeRedis(redis);
  };
  const timer = setTimeout(() => {
    giveUp(new DeliveryError("output_timeout", `${name} did not answer within ${timeoutMs} ms`));
  }, timeoutMs);
  const abort = () => giveUp(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await work();
  } catch (error) {
    await closeRedis(redis);
    // Only error replies say themselves why; of a closed socket the error before it does.
    const saysWhy = error instanceof DeliveryError || replyCode(error) !== undefined;
    throw judgeRedisError(saysWhy ? error : cause ?? error, name);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
