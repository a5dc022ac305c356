/**
 * What failures of Redis mean for the events that were to be delivered. An error reply begins with a code
 * word, which is part of the protocol; the prose after it is not shown, since Redis quotes the arguments of
 * commands in it, and they are passwords and payloads.
 *
 * @module
 */

import { ReplyError } from "ioredis";
import { DeliveryError, type DeliveryErrorCode } from "../../errors.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import { readDenied } from "../../io/redis/rights.ts";

type Meaning = readonly [code: DeliveryErrorCode, explanation: string];

const IS_CLUSTER =
  "belongs to a cluster: set key_prefix in braces, such as {rq}, here and RQ_KEY_PREFIX of the " +
  "workers (RQ 3.0), or connect to a Redis without cluster mode";
const IN_A_CLUSTER = "belongs to a cluster that is not in order";
const ANOTHER_NODE = "belongs to a cluster, in which another node has these keys";

/**
 * Code words of Redis 7. Nearly all of them pass, by themselves or when an operator has seen to it; the
 * events then are as good as before. One that is not here is a failure that may pass, too.
 */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ["ASK", ["output_failed", ANOTHER_NODE]],
  ["BUSY", ["output_unavailable", "is busy with a script that does not end"]],
  ["CLUSTERDOWN", ["output_unavailable", IN_A_CLUSTER]],
  ["CROSSSLOT", ["output_failed", IS_CLUSTER]],
  ["LOADING", ["output_unavailable", "is still loading its data"]],
  ["MASTERDOWN", ["output_unavailable", "is a replica that has lost its primary"]],
  ["MISCONF", ["output_unavailable", "cannot write its data to disk"]],
  ["MOVED", ["output_failed", ANOTHER_NODE]],
  ["NOAUTH", ["output_unavailable", "asks for a password: set password of the connection"]],
  ["NOREPLICAS", ["output_unavailable", "has too few replicas to take writes"]],
  ["OOM", ["output_unavailable", "has reached maxmemory: make room or raise it"]],
  ["READONLY", ["output_unavailable", "is a read-only replica: connect to the primary"]],
  ["TRYAGAIN", ["output_failed", ANOTHER_NODE]],
  ["WRONGPASS", ["output_unavailable", "does not know this user name and password"]],
  ["WRONGTYPE", ["output_rejected", "has a value of another type under the key: change queue_name"]],
]);

/** An error reply, with the command that it answers as the client knows it. */
interface RefusedCommand extends Error {
  readonly command?: { readonly name?: unknown };
}

/** They say that this connection leads to the wrong server, or is not what it was: a new one may be better. */
const CALL_FOR_A_NEW_CONNECTION: ReadonlySet<string> = new Set(["NOAUTH", "READONLY"]);

/** The code word of an error reply; `undefined` for any other error. */
export function replyCode(error: unknown): string | undefined {
  return error instanceof ReplyError ? /^[A-Z]+/.exec((error as Error).message)?.[0] ?? "ERR" : undefined;
}

/** Whether the answer calls for another connection, as after a failover that moved the primary elsewhere. */
export function callsForNewConnection(error: unknown): boolean {
  return CALL_FOR_A_NEW_CONNECTION.has(replyCode(error) ?? "");
}

/** Form of the reply that names the node of a cluster that has the keys; it gives no host where that is the same. */
const MOVED = /^MOVED \d+ (.*):(\d+)$/;

/**
 * Where a cluster says that the keys of a command are; `undefined` for any other error.
 *
 * @param asked the server that said so
 */
export function movedTo(error: unknown, asked: ServerAddress): ServerAddress | undefined {
  const [, host, port] = replyCode(error) === "MOVED" ? MOVED.exec((error as Error).message) ?? [] : [];
  if (host === undefined || host === "?") return undefined;
  return { host: host === "" ? asked.host : host, port: Number(port) };
}

/**
 * Judges an error reply, or an error with a system's `code` such as `ECONNREFUSED`.
 *
 * @param server how messages name the server
 */
export function judgeRedisError(error: unknown, server: string): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const code = replyCode(error);
  if (code !== undefined) {
    if (code === "NOPERM") return judgeNotPermitted(error as RefusedCommand, server);
    const [deliveryCode, explanation] = MEANINGS.get(code) ?? ["output_failed", "did not take the command"];
    return new DeliveryError(deliveryCode, `${server} ${explanation} (${code})`);
  }
  const { code: systemCode } = error as { readonly code?: unknown };
  const reason = typeof systemCode === "string" ? systemCode : "the connection was closed";
  return new DeliveryError("output_unavailable", `${server} cannot be reached: ${reason}`);
}

/** Webhooks with other keys and channels may be served: the user's rights may be different there. */
function judgeNotPermitted({ message, command }: RefusedCommand, server: string): DeliveryError {
  const denied = readDenied(message);
  const name = typeof command?.name === "string" ? command.name.toUpperCase() : "this";
  const refused = denied === undefined ? `${name}, or what it names,` : `${denied.command} on ${denied.key}`;
  const text = `${server} does not permit ${refused} to the user: see its ACL rules (NOPERM)`;
  return new DeliveryError("output_unavailable", text, { isPartial: true });
}
