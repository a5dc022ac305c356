/**
 * Opens connections to the server that a connection of the configuration leads to: the one that is named, the primary
 * that Sentinels know, or the node of a cluster that has the keys.
 *
 * @module
 */

import { ownFiles } from "../../io/own_files/own_files.ts";
import type { Redis } from "ioredis";
import { DeliveryError } from "../../errors.ts";
import { loadTls } from "../../io/tls.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import type { RedisConnection } from "./connection.ts";
import { replyCode } from "./errors.ts";
import { addressText, findPrimary, SENTINEL_TIMEOUT_MS } from "./sentinel.ts";
import { createRedis, inTime, logIn, type RedisScript } from "./socket.ts";

/** How long a known address may take to connect to, greetings included, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3000;

/** How long opening a connection may take, the question where the server is included, in milliseconds. */
export const DIAL_TIMEOUT_MS: number = SENTINEL_TIMEOUT_MS + CONNECT_TIMEOUT_MS;

/** A connection that is in order. */
export interface DialedRedis {
  readonly redis: Redis;
  readonly address: ServerAddress;
  /** How messages name the server. */
  readonly server: string;
}

/** How messages name the server that a connection leads to, before it is known. */
export function nameOf({ server }: RedisConnection): string {
  return `Redis ${"sentinels" in server ? server.master : addressText(server)}`;
}

/**
 * Opens a connection, which never reconnects by itself: when its socket is closed, all commands under way end at once.
 *
 * @param node where a cluster has the keys; `undefined` for where the configuration says
 * @throws {DeliveryError} with the reason when that is not possible
 */
export async function dialRedis(
  connection: RedisConnection,
  scripts: Readonly<Record<string, RedisScript>>,
  node: ServerAddress | undefined,
  signal: AbortSignal,
): Promise<DialedRedis> {
  const { tls, server, isOfWebhook } = connection;
  const refuse = isOfWebhook === true ? (path: string) => ownFiles.refuse(path) : undefined;
  const tlsOptions = tls === undefined ? {} : { tls: await loadTls(tls, signal, refuse) };
  const address = node ?? ("sentinels" in server ? await findPrimary(server, tlsOptions, signal) : server);
  const name = `Redis ${addressText(address)}`;
  const redis = createRedis(address, tlsOptions, scripts);
  await inTime(redis, name, CONNECT_TIMEOUT_MS, signal, async () => {
    await redis.connect();
    await introduce(redis, connection, name);
  });
  return { redis, address, server: name };
}

/**
 * Says who is there, and waits for a sign of life: the system accepts connections for a server that hangs.
 * Not left to the client, which prints warnings, goes on in database 0 when the one that is asked for does
 * not exist, and keeps the password where it might be shown.
 */
async function introduce(
  redis: Redis,
  { username, password, db, server }: RedisConnection,
  name: string,
): Promise<void> {
  const steps: Promise<unknown>[] = [];
  if (password !== undefined) steps.push(logIn(redis, { username, password }));
  if (db !== 0) steps.push(redis.select(db));
  steps.push(redis.ping().catch(ignoreNotPermitted));
  // Users may be not permitted to ask, and proxies may not know the command.
  const role = redis.call("ROLE").catch(ignoreReply);
  const [ended] = await Promise.allSettled([Promise.all(steps), role]);
  // A Sentinel does not know SELECT and perhaps not the password: its role says more than these errors.
  checkRole(await role, name, server);
  if (ended.status === "rejected") throw ended.reason;
}

/** @throws {DeliveryError} when this is no server that events could be given to */
function checkRole(answer: unknown, name: string, server: RedisConnection["server"]): void {
  const role = Array.isArray(answer) ? String(answer[0]) : undefined;
  if (role === "sentinel") {
    const cure = "put its address into sentinels of the connection, and the name of the primary into master";
    throw new DeliveryError("output_unavailable", `${name} is a Sentinel, which takes no events: ${cure}`);
  }
  if ("sentinels" in server && role !== undefined && role !== "master") {
    const message = `${name} is not the primary of ${server.master} yet, or no more`;
    throw new DeliveryError("output_unavailable", message);
  }
}

/** A user who may not PING was recognized, and that is what the question was for. */
function ignoreNotPermitted(error: unknown): void {
  if (replyCode(error) !== "NOPERM") throw error;
}

function ignoreReply(error: unknown): undefined {
  if (replyCode(error) === undefined) throw error;
}
