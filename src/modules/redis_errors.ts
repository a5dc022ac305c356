/**
 * What failures of Redis mean for the events that were to be delivered. An error reply begins with a code
 * word, which is part of the protocol; the prose after it is not shown, since Redis quotes the arguments of
 * commands in it, and they are passwords and payloads.
 *
 * @module
 */

import { ReplyError } from "ioredis";
import { DeliveryError, type DeliveryErrorCode } from "../errors.ts";

type Meaning = readonly [code: DeliveryErrorCode, explanation: string];

const IS_CLUSTER = "belongs to a cluster, which is not supported: connect to a Redis without cluster mode";

/**
 * Code words of Redis 7. Nearly all of them pass, by themselves or when an operator has seen to it; the
 * events then are as good as before. One that is not here is a failure that may pass, too.
 */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ["ASK", ["output_failed", IS_CLUSTER]],
  ["BUSY", ["output_unavailable", "is busy with a script that does not end"]],
  ["CLUSTERDOWN", ["output_failed", IS_CLUSTER]],
  ["CROSSSLOT", ["output_failed", IS_CLUSTER]],
  ["LOADING", ["output_unavailable", "is still loading its data"]],
  ["MASTERDOWN", ["output_unavailable", "is a replica that has lost its primary"]],
  ["MISCONF", ["output_unavailable", "cannot write its data to disk"]],
  ["MOVED", ["output_failed", IS_CLUSTER]],
  ["NOAUTH", ["output_unavailable", "asks for a password: set password of the connection"]],
  ["NOPERM", ["output_unavailable", "does not permit this to the user: see its ACL rules"]],
  ["NOREPLICAS", ["output_unavailable", "has too few replicas to take writes"]],
  ["OOM", ["output_unavailable", "has reached maxmemory: make room or raise it"]],
  ["READONLY", ["output_unavailable", "is a read-only replica: connect to the primary"]],
  ["TRYAGAIN", ["output_failed", IS_CLUSTER]],
  ["WRONGPASS", ["output_unavailable", "does not know this user name and password"]],
  ["WRONGTYPE", ["output_rejected", "has a value of another type under the key: change queue_name"]],
]);

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

/**
 * Judges an error reply, or an error with a system's `code` such as `ECONNREFUSED`.
 *
 * @param server how messages name the server
 */
export function judgeRedisError(error: unknown, server: string): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const code = replyCode(error);
  if (code !== undefined) {
    const [deliveryCode, explanation] = MEANINGS.get(code) ?? ["output_failed", "did not take the command"];
    return new DeliveryError(deliveryCode, `${server} ${explanation} (${code})`);
  }
  const { code: systemCode } = error as { readonly code?: unknown };
  const reason = typeof systemCode === "string" ? systemCode : "the connection was closed";
  return new DeliveryError("output_unavailable", `${server} cannot be reached: ${reason}`);
}
