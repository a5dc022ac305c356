/**
 * Tasks of Dramatiq and arq, which stand under two keys: the scripts write both of them, or nothing.
 *
 * @module
 */

import { MARK_LUA, PROBE_LUA } from "../mark.ts";
import type { RedisScript } from "../socket.ts";

/**
 * Dramatiq keeps messages in a hash by their ids, and the ids of those that wait in a list. One that is in the hash is
 * not written again, so that the mark may have expired by then. What would be needed to undo it is asked for first.
 */
const DRAMATIQ_LUA = `
${MARK_LUA}
local messages, queue, mark = KEYS[1], KEYS[2], KEYS[3]
local id = ARGV[2]
local known = repeated(mark)
if known then return known end
local failure = denied(queue, 'RPUSH', queue, '') or denied(messages, 'HDEL', messages, '') or put_mark(mark, ARGV[1])
if failure then return failed(mark, failure) end
local added = redis.pcall('HSETNX', messages, id, ARGV[3])
if type(added) == 'table' then return failed(mark, denied(messages, 'HSETNX', messages, id, '') or added) end
if added == 0 then return 0 end
failure = refused('RPUSH', queue, id)
if not failure then return 1 end
redis.pcall('HDEL', messages, id)
return failed(mark, failure)
`;

const PROBE_DRAMATIQ_LUA = `
${PROBE_LUA}
local messages, queue, mark = KEYS[1], KEYS[2], KEYS[3]
return no_mark(mark)
  or denied(messages, 'HSETNX', messages, '', '')
  or denied(messages, 'HDEL', messages, '')
  or denied(queue, 'RPUSH', queue, '')
  or clash(messages, 'hash')
  or clash(queue, 'list')
  or touch(mark)
`;

/** arq keeps each job under a key of its own, and the ids of those that wait in a sorted set, by when they are due. */
const ARQ_LUA = `
${MARK_LUA}
local job, queue, mark = KEYS[1], KEYS[2], KEYS[3]
local ttl = ARGV[2]
local known = repeated(mark, job)
if known then return known end
local failure = put_mark(mark, ARGV[1])
  or ttl == '' and refused('SET', job, ARGV[4])
  or ttl ~= '' and refused('SET', job, ARGV[4], 'EX', ttl)
  or refused('ZADD', queue, ARGV[3], string.match(job, '[^:]*$'))
if not failure then return 1 end
remove(job)
return failed(mark, failure)
`;

const PROBE_ARQ_LUA = `
${PROBE_LUA}
local job, queue, mark = KEYS[1], KEYS[2], KEYS[3]
return no_mark(mark, job)
  or denied(job, 'SET', job, '')
  or denied(queue, 'ZADD', queue, '0', '')
  or clash(queue, 'zset')
  or touch(mark)
`;

/** Calls the script that enqueues a message of Dramatiq. */
export const ENQUEUE_DRAMATIQ = "enqueueDramatiq";
/** Calls the script that finds out whether {@linkcode ENQUEUE_DRAMATIQ} would be refused. */
export const PROBE_DRAMATIQ = "probeDramatiq";
/** Calls the script that enqueues a job of arq. */
export const ENQUEUE_ARQ = "enqueueArq";
/** Calls the script that finds out whether {@linkcode ENQUEUE_ARQ} would be refused. */
export const PROBE_ARQ = "probeArq";

/** All of them, by their names. */
export const TWO_KEY_SCRIPTS: Readonly<Record<string, RedisScript>> = {
  [ENQUEUE_DRAMATIQ]: { lua: DRAMATIQ_LUA, numberOfKeys: 3 },
  [PROBE_DRAMATIQ]: { lua: PROBE_DRAMATIQ_LUA, numberOfKeys: 3 },
  [ENQUEUE_ARQ]: { lua: ARQ_LUA, numberOfKeys: 3 },
  [PROBE_ARQ]: { lua: PROBE_ARQ_LUA, numberOfKeys: 3 },
};
