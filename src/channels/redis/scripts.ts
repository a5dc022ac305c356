/**
 * The Lua scripts of the channel queues on Redis Streams. Each is one atomic step. The keys of a channel:
 *
 *     …:{channel}:stream  the events; a consumer group knows which were handed out, and how often
 *     …:{channel}:ids     event id -> entry id
 *     …:{channel}:leases  entry id -> when the lease, or the delay after a release, ends
 *     …:{channel}:expiry  entry id -> when the event becomes a dead letter
 *
 * The group alone would know leases only by their age, and no delays. Times are those of the server, in
 * milliseconds. Members of the sorted sets are entry ids with a sequence of fixed width, so that equal
 * scores sort in the order of the stream.
 *
 * What a user may not do is found out before the first write, since a script that is refused half way keeps what it
 * has written. Redis can be asked from 7.0 on; before, commands that change nothing show it where something would be
 * lost or repeated otherwise.
 *
 * @see https://redis.io/docs/latest/develop/data-types/streams/
 * @module
 */

import { DENIED_LUA } from "../../io/redis/rights.ts";

const COMMON = `
${DENIED_LUA}
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function pad(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return ms .. '-' .. string.format('%012d', seq)
end
local function unpad(member)
  local ms, seq = string.match(member, '^(%d+)-(%d+)$')
  return ms .. '-' .. string.format('%d', seq)
end
`;

/** The consumer of the group that holds what is leased until its time is over. */
export const TIMED = "timed";

/** The one that holds all else that was handed out. */
export const GATEWAYS = "gateways";

/**
 * `holds(id, delivery)`: whether the timed lease of a delivery stands: nobody has been given the entry since. An
 * empty delivery is any holding. Keys: the stream is the first one.
 */
const HOLDS = `
local function holds(id, delivery)
  if delivery == '' then return true end
  local pending = redis.call('XPENDING', KEYS[1], 'connectors', id, id, 1)[1]
  return pending and pending[2] == '${TIMED}' and pending[4] == tonumber(delivery)
end
`;

/** A script, as ioredis defines commands. */
export interface RedisScript {
  readonly numberOfKeys: number;
  readonly lua: string;
}

/**
 * Keys: stream, ids, expiry, set of channels. Arguments: event id, most events, time to live, event, body,
 * received at, channel, wake-up topic. Returns `added`, `duplicate` or `full`.
 */
export const ENQUEUE: RedisScript = {
  numberOfKeys: 4,
  lua: `${COMMON}
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known and known ~= '' then return 'duplicate' end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 'full' end
local refusal = denied(ARGV[8], 'PUBLISH', ARGV[8], ARGV[7])
  or denied(KEYS[4], 'SADD', KEYS[4], ARGV[7])
  or denied(KEYS[1], 'XGROUP', 'CREATE', KEYS[1], 'connectors', '0', 'MKSTREAM')
  or denied(KEYS[1], 'XADD', KEYS[1], '*', 'e', '')
  or denied(KEYS[2], 'HSET', KEYS[2], ARGV[1], '')
  or denied(KEYS[3], 'ZADD', KEYS[3], 0, '')
if refusal then return refusal end
local expires = now() + ARGV[3]
local is_new = redis.call('EXISTS', KEYS[1]) == 0
redis.call('PUBLISH', ARGV[8], ARGV[7])
if is_new then
  redis.call('SADD', KEYS[4], ARGV[7])
  redis.call('XGROUP', 'CREATE', KEYS[1], 'connectors', '0', 'MKSTREAM')
end
if not redis.acl_check_cmd then
  redis.call('ZADD', KEYS[3], 'XX', 0, '')
  redis.call('HSET', KEYS[2], ARGV[1], '')
end
local id = redis.call('XADD', KEYS[1], '*', 'e', ARGV[4], 'b', ARGV[5], 'r', ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], id)
redis.call('ZADD', KEYS[3], expires, pad(id))
return 'added'
`,
};

/**
 * Keys: stream, leases, expiry. Arguments: most events, visibility, bytes of bodies after which no further event is
 * taken, the consumer that holds them. Returns `[entry id, deliveries, fields]` of each event, those first whose
 * lease or delay has ended, since they are the older ones. Expired events are set aside for {@linkcode EXPIRED}.
 */
export const LEASE: RedisScript = {
  numberOfKeys: 3,
  lua: `${COMMON}
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local refusal = denied(KEYS[2], 'ZADD', KEYS[2], 0, '')
  or denied(KEYS[2], 'ZREM', KEYS[2], '')
  or denied(KEYS[2], 'ZSCORE', KEYS[2], '')
  or denied(KEYS[3], 'ZSCORE', KEYS[3], '')
  or denied(KEYS[1], 'XCLAIM', KEYS[1], 'connectors', 'gateways', 0, '0-0')
  or denied(KEYS[1], 'XPENDING', KEYS[1], 'connectors', '0-0', '0-0', 1)
  or denied(KEYS[1], 'XREADGROUP', 'GROUP', 'connectors', 'gateways', 'STREAMS', KEYS[1], '>')
if refusal then return refusal end
if not redis.acl_check_cmd then
  redis.call('ZADD', KEYS[2], 'XX', 0, '')
  redis.call('ZSCORE', KEYS[3], '')
  redis.call('XPENDING', KEYS[1], 'connectors', '0-0', '0-0', 1)
end
local time = now()
local limit = tonumber(ARGV[1])
local ends = time + ARGV[2]
local leased = {}
local bytes = 0
local function lease(id, deliveries, fields)
  leased[#leased + 1] = {id, deliveries, fields}
  bytes = bytes + #fields[4]
end
local function isFull()
  return #leased >= limit or bytes >= tonumber(ARGV[3])
end
local function isExpired(member)
  local expiry = redis.call('ZSCORE', KEYS[3], member)
  return expiry and tonumber(expiry) <= time
end
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time, 'LIMIT', 0, limit * 4)
table.sort(due)
for _, member in ipairs(due) do
  if isFull() then break end
  local id = unpad(member)
  if not isExpired(member) then
    local claimed = redis.call('XCLAIM', KEYS[1], 'connectors', ARGV[4], 0, id)
    -- Before Redis 7.0 an event that is gone is claimed as nothing.
    if not claimed[1] then
      redis.call('ZREM', KEYS[2], member)
    else
      redis.call('ZADD', KEYS[2], ends, member)
      local pending = redis.call('XPENDING', KEYS[1], 'connectors', id, id, 1)
      lease(id, pending[1][4], claimed[1][2])
    end
  end
end
while not isFull() do
  -- One by one: what was read is the group's, also where it is more than the bytes allow.
  local read = redis.call('XREADGROUP', 'GROUP', 'connectors', ARGV[4], 'COUNT', 1, 'STREAMS', KEYS[1], '>')
  if not read then break end
  for _, entry in ipairs(read[1][2]) do
    local member = pad(entry[1])
    local held = redis.call('ZSCORE', KEYS[2], member)
    if isExpired(member) then
      redis.call('ZADD', KEYS[2], time, member)
    elseif not held or tonumber(held) <= time then
      redis.call('ZADD', KEYS[2], ends, member)
      lease(entry[1], 1, entry[2])
    end
  end
end
return leased
`,
};

/** Keys: ids, leases. Arguments: visibility, event ids. Returns the event ids that still stand. */
export const RENEW: RedisScript = {
  numberOfKeys: 2,
  lua: `${COMMON}
local ends = now() + ARGV[1]
local standing = {}
for index = 2, #ARGV do
  local id = redis.call('HGET', KEYS[1], ARGV[index])
  if id then
    redis.call('ZADD', KEYS[2], 'XX', ends, pad(id))
    standing[#standing + 1] = ARGV[index]
  end
end
return standing
`,
};

/**
 * Keys: stream, ids, leases. Arguments: visibility, then event id and delivery of each lease. Returns the event ids
 * whose leases stood.
 */
export const EXTEND: RedisScript = {
  numberOfKeys: 3,
  lua: `${COMMON}${HOLDS}
local ends = now() + ARGV[1]
local extended = {}
for index = 2, #ARGV, 2 do
  local id = redis.call('HGET', KEYS[2], ARGV[index])
  if id and holds(id, ARGV[index + 1]) then
    redis.call('ZADD', KEYS[3], 'XX', ends, pad(id))
    extended[#extended + 1] = ARGV[index]
  end
end
return extended
`,
};

/** Keys: stream, ids, leases, expiry. Arguments: event ids. Returns those that stood there. */
export const REMOVE: RedisScript = {
  numberOfKeys: 4,
  lua: `${COMMON}
local removed = {}
for index = 1, #ARGV do
  local id = redis.call('HGET', KEYS[2], ARGV[index])
  if id then
    if #removed == 0 then
      local refusal = denied(KEYS[1], 'XACK', KEYS[1], 'connectors', id)
        or denied(KEYS[1], 'XDEL', KEYS[1], id)
        or denied(KEYS[2], 'HDEL', KEYS[2], ARGV[index])
        or denied(KEYS[3], 'ZREM', KEYS[3], id)
        or denied(KEYS[4], 'ZREM', KEYS[4], id)
      if refusal then return refusal end
    end
    redis.call('XDEL', KEYS[1], id)
    redis.call('XACK', KEYS[1], 'connectors', id)
    redis.call('ZREM', KEYS[3], pad(id))
    redis.call('ZREM', KEYS[4], pad(id))
    redis.call('HDEL', KEYS[2], ARGV[index])
    removed[#removed + 1] = ARGV[index]
  end
end
return removed
`,
};

/**
 * Keys: stream, ids, leases. Arguments: delay, channel, wake-up topic, then event id and delivery of each. Returns the
 * event ids that stood there so. A timed lease is over with that, so that nobody can lengthen or end it again.
 */
export const RELEASE: RedisScript = {
  numberOfKeys: 3,
  lua: `${COMMON}${HOLDS}
local ends = now() + ARGV[1]
local released = {}
for index = 4, #ARGV, 2 do
  local id = redis.call('HGET', KEYS[2], ARGV[index])
  local delivery = ARGV[index + 1]
  if id and holds(id, delivery) then
    local refusal = #released == 0 and (denied(KEYS[3], 'ZADD', KEYS[3], 0, '')
      or denied(ARGV[3], 'PUBLISH', ARGV[3], ARGV[2]))
      or delivery ~= '' and denied(KEYS[1], 'XCLAIM', KEYS[1], 'connectors', '${GATEWAYS}', 0, '0-0')
    if refusal then return refusal end
    if delivery ~= '' then redis.call('XCLAIM', KEYS[1], 'connectors', '${GATEWAYS}', 0, id, 'JUSTID') end
    redis.call('ZADD', KEYS[3], 'XX', ends, pad(id))
    released[#released + 1] = ARGV[index]
  end
end
if #released > 0 and tonumber(ARGV[1]) == 0 then redis.call('PUBLISH', ARGV[3], ARGV[2]) end
return released
`,
};

/** Keys: stream, ids, leases. Arguments: channel, wake-up topic, then event ids. Returns those that stood there. */
export const TAKE_BACK: RedisScript = {
  numberOfKeys: 3,
  lua: `${COMMON}
local time = now()
local taken = {}
for index = 3, #ARGV do
  local id = redis.call('HGET', KEYS[2], ARGV[index])
  if id then
    local refusal = #taken == 0 and (denied(KEYS[1], 'XPENDING', KEYS[1], 'connectors', '0-0', '0-0', 1)
      or denied(KEYS[1], 'XCLAIM', KEYS[1], 'connectors', 'gateways', 0, '0-0')
      or denied(KEYS[3], 'ZADD', KEYS[3], 0, '')
      or denied(ARGV[2], 'PUBLISH', ARGV[2], ARGV[1]))
    if refusal then return refusal end
    local pending = redis.call('XPENDING', KEYS[1], 'connectors', id, id, 1)
    if pending[1] then
      local deliveries = math.max(0, pending[1][4] - 1)
      redis.call('XCLAIM', KEYS[1], 'connectors', 'gateways', 0, id, 'RETRYCOUNT', deliveries, 'JUSTID')
    end
    redis.call('ZADD', KEYS[3], 'XX', time, pad(id))
    taken[#taken + 1] = ARGV[index]
  end
end
if #taken > 0 then redis.call('PUBLISH', ARGV[2], ARGV[1]) end
return taken
`,
};

/**
 * Keys: stream, leases, expiry. Arguments: most events, for how long they are the caller's. Returns
 * `[entry id, deliveries, fields]` of events whose time is over and that no consumer holds.
 */
export const EXPIRED: RedisScript = {
  numberOfKeys: 3,
  lua: `${COMMON}
local time = now()
local expired = {}
local refusal = denied(KEYS[3], 'ZADD', KEYS[3], 0, '')
  or denied(KEYS[3], 'ZREM', KEYS[3], '')
  or denied(KEYS[2], 'ZADD', KEYS[2], 0, '')
  or denied(KEYS[2], 'ZSCORE', KEYS[2], '')
  or denied(KEYS[1], 'XRANGE', KEYS[1], '0', '0')
  or denied(KEYS[1], 'XPENDING', KEYS[1], 'connectors', '0-0', '0-0', 1)
if refusal then return refusal end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', time, 'LIMIT', 0, ARGV[1])) do
  local lease = redis.call('ZSCORE', KEYS[2], member)
  local id = unpad(member)
  if lease and tonumber(lease) > time then
    redis.call('ZADD', KEYS[3], lease, member)
  else
    local entry = redis.call('XRANGE', KEYS[1], id, id)
    if #entry == 0 then
      redis.call('ZREM', KEYS[3], member)
    else
      redis.call('ZADD', KEYS[3], time + ARGV[2], member)
      redis.call('ZADD', KEYS[2], time + ARGV[2], member)
      local pending = redis.call('XPENDING', KEYS[1], 'connectors', id, id, 1)
      expired[#expired + 1] = {id, pending[1] and pending[1][4] or 0, entry[1][2]}
    end
  end
end
return expired
`,
};

/**
 * Keys: stream, ids. Arguments: event id and delivery of each. Returns `[entry id, deliveries, fields]` of those that
 * stand there so.
 */
export const READ: RedisScript = {
  numberOfKeys: 2,
  lua: `${HOLDS}
local found = {}
for index = 1, #ARGV, 2 do
  local id = redis.call('HGET', KEYS[2], ARGV[index])
  if id and holds(id, ARGV[index + 1]) then
    local pending = redis.call('XPENDING', KEYS[1], 'connectors', id, id, 1)
    local fields = redis.call('XRANGE', KEYS[1], id, id)[1][2]
    found[#found + 1] = {id, pending[1] and pending[1][4] or 0, fields}
  end
end
return found
`,
};

/** Keys: stream, leases. Returns how many stand there, how many of them are leased, and the oldest's time. */
export const DEPTH: RedisScript = {
  numberOfKeys: 2,
  lua: `${COMMON}
local oldest = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1) or {}
return {
  redis.call('XLEN', KEYS[1]),
  redis.call('ZCOUNT', KEYS[2], '(' .. now(), '+inf'),
  oldest[1] and oldest[1][2][6] or ''
}
`,
};
