/**
 * What failures of Redis mean for the events that were to be delivered. An error reply begins with a code
 * word, which is part of the protocol; the prose after it is not shown, since Redis quotes the arguments of
 * commands in it, and they are passwords and payloads.
 *
 * @module
 */

import { ReplyError } from "ioredis";
import { DeliveryError } from "../../errors.ts";
import { pause, reject, retry, verdictError, VerdictTable } from "../verdicts.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import { readDenied } from "../../io/redis/rights.ts";

/** The connection leads to the wrong server, or is not what it was: a new one may be better. */
const NEW_CONNECTION = { needsNewConnection: true };

const IS_CLUSTER = "belongs to a cluster: set key_prefix in braces, such as {rq}, here and in the workers " +
  "(RQ 3.0: RQ_KEY_PREFIX), or connect to a Redis without cluster mode";

/**
 * Code words of Redis 7. Nearly all of them pass, by themselves or when an operator has seen to it; the
 * events then are as good as before. One that is not here is a failure that may pass, too.
 */
const VERDICTS = new VerdictTable({
  "ASK MOVED TRYAGAIN": retry("belongs to a cluster, in which another node has these keys"),
  BUSY: pause("is busy with a script that does not end"),
  CLUSTERDOWN: pause("belongs to a cluster that is not in order"),
  CROSSSLOT: retry(IS_CLUSTER),
  LOADING: pause("is still loading its data"),
  MASTERDOWN: pause("is a replica that has lost its primary"),
  MISCONF: pause("cannot write its data to disk"),
  NOAUTH: pause("asks for a password: set password of the connection", NEW_CONNECTION),
  NOREPLICAS: pause("has too few replicas to take writes"),
  NOSTREAM: retry("has no such stream: make it, or leave create_stream out"),
  OOM: pause("has reached maxmemory: make room or raise it"),
  READONLY: pause("is a read-only replica: connect to the primary", NEW_CONNECTION),
  WRONGPASS: pause("does not know this user name and password"),
  WRONGTYPE: reject("has a value of another type under the key: choose another name"),
}, retry("did not take the command"));

/** What a script says of a key, which no reply of Redis itself has the form of. */
const NAMED = /^(?:NOSTREAM|WRONGTYPE) (\S+)$/;

const IS_TOO_LONG = reject("takes no value of this length: see its proto-max-bulk-len");

/**
 * What Redis says to an argument that is longer than it takes, before it closes the connection. A script's errors never
 * have this form.
 */
const TOO_LONG = /^ERR Protocol error: invalid bulk length/;

/** An error reply, with the command that it answers as the client knows it. */
interface RefusedCommand extends Error {
  readonly command?: { readonly name?: unknown };
}

/** The code word of an error reply; `undefined` for any other error. */
export function replyCode(error: unknown): string | undefined {
  return error instanceof ReplyError ? /^[A-Z]+/.exec((error as Error).message)?.[0] ?? "ERR" : undefined;
}

/** Whether the answer calls for another connection, as after a failover that moved the primary elsewhere. */
export function callsForNewConnection(error: unknown): boolean {
  return VERDICTS.find(replyCode(error) ?? "").needsNewConnection === true;
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
    const verdict = TOO_LONG.test((error as Error).message) ? IS_TOO_LONG : VERDICTS.find(code);
    const key = NAMED.exec((error as Error).message)?.[1];
    return verdictError(
      verdict,
      `${server} ${verdict.text} (${key === undefined ? code : `${code} ${key}`})`,
    );
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
