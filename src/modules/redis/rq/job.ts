/**
 * Jobs as RQ keeps them in Redis. A job is a hash `rq:job:{id}` whose field `data` is the serialized tuple
 * of function name, instance (`None`), positional and keyword arguments; its id stands in the list
 * `rq:queue:{name}`, and the list's key in the set `rq:queues`. How workers read it stands in `Job.restore` of
 * `rq/job.py` (RQ 1.13 to 3.0); what they do not need is left out. `rq` is a prefix that RQ 3.0 lets users choose.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Event } from "../../../event/event.ts";
import { receivedAtText, TimeText } from "../../../event/event_headers.ts";
import type { RedisCommand } from "../client.ts";
import type { RedisScript } from "../socket.ts";
import { MARK_LUA, PROBE_LUA } from "../mark.ts";
import type { RedisRqConfig } from "./config.ts";
import { jobData } from "./data.ts";

const enqueuedAt = new TimeText();

/**
 * What may fail comes before the push, and what was written before a failure is removed: an id in the list would be run
 * as soon as there is a hash, and a hash or a mark without an id would be taken for a job that is queued. All texts come
 * in one argument, a line each, as the client takes long to write many beside bytes.
 */
const ENQUEUE_LUA = `
${MARK_LUA}
local known = repeated(KEYS[4], KEYS[3])
if known then return known end
local lines = string.gmatch(ARGV[2], '[^\\n]+')
local ttl, dedup_ttl = lines(), lines()
local fields = {'data', ARGV[1]}
for line in lines do fields[#fields + 1] = line end
if ARGV[3] then
  fields[#fields + 1] = 'meta'
  fields[#fields + 1] = ARGV[3]
end
local failure = denied(KEYS[3], 'SET', KEYS[3], '')
  or put_mark(KEYS[4], dedup_ttl)
  or refused('HSET', KEYS[3], unpack(fields))
  or ttl ~= '0' and refused('EXPIRE', KEYS[3], ttl)
  or refused('SADD', KEYS[1], KEYS[2])
  or refused('RPUSH', KEYS[2], string.match(KEYS[3], '[^:]*$'))
if not failure then return 1 end
remove(KEYS[3])
return failed(KEYS[4], failure)
`;

/**
 * Puts a job into its queue, all of it or nothing. A job that is there already, or that is remembered, is not
 * put there again: so an attempt whose answer got lost can be repeated without harm.
 */
export const ENQUEUE_SCRIPT: RedisScript = { lua: ENQUEUE_LUA, numberOfKeys: 4 };

/** Refuses what {@linkcode ENQUEUE_LUA} would be refused, and leaves nothing behind. */
const PROBE_ENQUEUE_LUA = `
${PROBE_LUA}
return no_mark(KEYS[4], KEYS[3])
  or denied(KEYS[3], 'SET', KEYS[3], '')
  or denied(KEYS[3], 'HSET', KEYS[3], 'data', '')
  or ARGV[1] ~= '0' and denied(KEYS[3], 'EXPIRE', KEYS[3], ARGV[1])
  or denied(KEYS[1], 'SADD', KEYS[1], KEYS[2])
  or denied(KEYS[2], 'RPUSH', KEYS[2], '')
  or clash(KEYS[1], 'set')
  or clash(KEYS[2], 'list')
  or touch(KEYS[4])
`;

/** Finds out whether {@linkcode ENQUEUE_SCRIPT} would be refused. */
export const PROBE_SCRIPT: RedisScript = { lua: PROBE_ENQUEUE_LUA, numberOfKeys: 4 };

/** The name that {@linkcode PROBE_SCRIPT} is called by. */
export const PROBE = "probeEnqueue";

/** The call of {@linkcode PROBE_SCRIPT} for the events of a webhook. */
export function probeCommand(
  { queuesKey, queueKey, jobPrefix, markPrefix, lines }: RedisRqConfig,
): RedisCommand {
  const [ttl = "0"] = lines.split("\n", 1);
  return [PROBE, queuesKey, queueKey, `${jobPrefix}probe`, `${markPrefix}probe`, ttl];
}

/** The name that {@linkcode ENQUEUE_SCRIPT} is called by. */
export const ENQUEUE = "enqueueJob";

/**
 * The call of {@linkcode ENQUEUE_SCRIPT} for one event.
 *
 * @param signal ends the work on a large body
 * @returns a promise for a large body only
 * @throws {DeliveryError} when the body cannot be serialized
 */
export function enqueueCommand(
  event: Event,
  config: RedisRqConfig,
  signal: AbortSignal,
): RedisCommand | Promise<RedisCommand> {
  const data = jobData(event, config, signal);
  return data instanceof Promise
    ? data.then((large) => commandOf(event, config, large))
    : commandOf(event, config, data);
}

function commandOf(event: Event, config: RedisRqConfig, data: string | Buffer): RedisCommand {
  const id = event.id + config.idSuffix;
  const command: RedisCommand = [
    ENQUEUE,
    ...[config.queuesKey, config.queueKey, config.jobPrefix + id, config.markPrefix + id],
    ...[data, linesOf(event, config)],
  ];
  if (config.meta !== undefined) command.push(config.meta);
  return command;
}

/** The job's `ttl`, the mark's, and then names and values of fields in turn. */
function linesOf(event: Event, config: RedisRqConfig): string {
  return `${config.lines}
description
${config.function} (${event.namespace}/${event.webhook})
created_at
${receivedAtText(event)}
enqueued_at
${enqueuedAt.of(Date.now())}`;
}
