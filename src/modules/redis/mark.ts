/**
 * The mark of an event: an empty key that says that the event has been written, and expires by itself. Scripts that
 * write events put it beside them in the same step, so that an attempt whose answer got lost can be repeated without
 * harm.
 *
 * @module
 */

import type { z } from "zod";
import { DENIED_LUA } from "../../io/redis/rights.ts";
import { integerField } from "../../schema/fields.ts";

/** After an outage the next attempt may come as late as the outage took: this covers half an hour of it. */
const DEFAULT_DEDUP_SECONDS = 3600;
const MAX_DEDUP_SECONDS = 30 * 24 * 60 * 60;

/** The key `dedup_ttl`: for how many seconds marks are kept; 0 for not at all. */
export function dedupField(description: string): z.ZodDefault<z.ZodType<number>> {
  return integerField(0, MAX_DEDUP_SECONDS).default(DEFAULT_DEDUP_SECONDS).meta({ description });
}

/**
 * Functions of Lua for scripts that write events:
 *
 * - `named(failure, key)` is the same error, which names the key that it is about.
 * - `refused(command, key, ...)` runs a command, and returns its error or `nil`.
 * - `remove(key)` undoes what was written under a key, with the right to SET alone.
 * - `repeated(mark, ...)` returns 0 when one of these keys shows that the event is there already, an error when that
 *   cannot be found out, and otherwise `nil`. A repetition writes as well, or WAIT behind it would not ask the replicas.
 * - `put_mark(mark, ttl)` returns an error or `nil`. It comes first, as it shows that the user may SET, and so that the
 *   rest can be undone. Where rights cannot be asked for, a mark is put even if none is to be kept.
 * - `failed(mark, failure)` removes the mark, and the event's id from the error, which would be another one each time.
 */
export const MARK_LUA = `
${DENIED_LUA}
local function without_id(mark, failure)
  local id = string.match(mark, '[^:]*$')
  failure.err = string.gsub(failure.err, string.gsub(id, '%-', '%%-'), '*')
  return failure
end
local function named(failure, key)
  if string.match(failure.err, '^WRONGTYPE ') then failure.err = 'WRONGTYPE ' .. key end
  return failure
end
local function refused(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return nil end
  return denied(key, command, key, ...) or named(reply, key)
end
local function remove(key)
  if refused('SET', key, '', 'PXAT', 1) then redis.pcall('SET', key, '', 'PX', 1) end
end
local function repeated(mark, ...)
  local found = redis.pcall('EXISTS', mark, ...)
  if type(found) == 'table' then return without_id(mark, denied(mark, 'EXISTS', mark, ...) or found) end
  if found == 0 then return nil end
  redis.pcall('SET', mark, '', 'XX', 'KEEPTTL')
  return 0
end
local function put_mark(mark, ttl)
  if ttl == '0' and redis.acl_check_cmd then return nil end
  return refused('SET', mark, '', 'PX', ttl == '0' and '1' or ttl .. '000')
end
local function failed(mark, failure)
  remove(mark)
  return without_id(mark, failure)
end
`;

/**
 * Functions of Lua for scripts that find out whether events could be written, and leave nothing behind:
 *
 * - `clash(key, kind)` is the error that something of another kind stands under the key, or `nil`.
 * - `no_mark(mark, ...)` is what keeps marks from being put and looked for together with these keys, or `nil`.
 * - `touch(mark)` writes a mark that is gone after a millisecond: replicas and servers without memory refuse it.
 */
export const PROBE_LUA = `
${DENIED_LUA}
local function clash(key, kind)
  if not redis.acl_check_cmd or denied(key, 'TYPE', key) then return nil end
  local found = redis.call('TYPE', key).ok
  return found ~= 'none' and found ~= kind and {err = 'WRONGTYPE ' .. key} or nil
end
local function no_mark(mark, ...)
  return denied(mark, 'EXISTS', mark, ...) or denied(mark, 'SET', mark, '')
end
local function touch(mark)
  return redis.call('SET', mark, '', 'PX', 1)
end
`;

/** Shows whether Redis takes anything at all: refused wherever events would be, and gone after a millisecond. */
export function touchCommand(markPrefix: string): [name: string, ...args: (string | number)[]] {
  return ["set", `${markPrefix}probe`, "", "PX", 1];
}
