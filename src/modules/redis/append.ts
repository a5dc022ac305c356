/**
 * Events that are written by one command to one key, a list or a stream, each of them once.
 *
 * @module
 */

import type { RedisCommand } from "./client.ts";
import { MARK_LUA, PROBE_LUA } from "./mark.ts";
import type { RedisScript } from "./socket.ts";

/** What is said of the destination of a webhook's events, for commands and probes. */
export interface Appending {
  /** The list or the stream. */
  readonly key: string;
  /** Begins the keys of marks. */
  readonly markPrefix: string;
  /** Seconds that marks are kept, as text; `0` for not at all. */
  readonly dedupTtl: string;
  /** The command, such as `LPUSH`, and its arguments before those of an event. */
  readonly command: readonly [name: string, ...args: string[]];
  /** Type of the key. */
  readonly kind: "list" | "stream";
  /** Whether the command does nothing where there is no such key. */
  readonly mustExist: boolean;
}

/** A stream that must be there and is not: Redis itself says so by an empty answer. */
const NO_STREAM = "{err = 'NOSTREAM ' .. target}";

const APPEND_LUA = `
${MARK_LUA}
local target, mark = KEYS[1], KEYS[2]
local known = repeated(mark)
if known then return known end
local failure = put_mark(mark, ARGV[1])
if failure then return failed(mark, failure) end
local reply = redis.pcall(ARGV[2], target, unpack(ARGV, 3))
if type(reply) == 'table' then
  return failed(mark, denied(target, ARGV[2], target, unpack(ARGV, 3)) or named(reply, target))
end
return reply or failed(mark, ${NO_STREAM})
`;

const PROBE_APPEND_LUA = `
${PROBE_LUA}
local target, mark = KEYS[1], KEYS[2]
return no_mark(mark)
  or denied(target, ARGV[3], target, unpack(ARGV, 4))
  or clash(target, ARGV[1])
  or ARGV[2] == '1' and redis.acl_check_cmd and not denied(target, 'TYPE', target)
    and redis.call('TYPE', target).ok == 'none' and ${NO_STREAM}
  or touch(mark)
`;

const APPEND = "appendEvent";
const PROBE = "probeAppend";

/** The scripts of {@linkcode appendCommand} and {@linkcode probeAppendCommand}, by the names that these call them by. */
export const APPEND_SCRIPTS: Readonly<Record<string, RedisScript>> = {
  [APPEND]: { lua: APPEND_LUA, numberOfKeys: 2 },
  [PROBE]: { lua: PROBE_APPEND_LUA, numberOfKeys: 2 },
};

/**
 * Appends an event, unless there is a mark of it.
 *
 * @param id of what is made of the event; of letters, digits, `-` and `_`
 * @param args the event's own arguments of the command
 */
export function appendCommand(
  { key, markPrefix, dedupTtl, command }: Appending,
  id: string,
  args: RedisCommand extends [string, ...infer Args] ? Args : never,
): RedisCommand {
  return [APPEND, key, markPrefix + id, dedupTtl, ...command, ...args];
}

/** Shows whether Redis would take what {@linkcode appendCommand} writes, and leaves nothing behind. */
export function probeAppendCommand(
  { key, markPrefix, kind, mustExist, command }: Appending,
): RedisCommand {
  const sample = kind === "list" ? [""] : ["field", ""];
  return [PROBE, key, `${markPrefix}probe`, kind, mustExist ? "1" : "0", ...command, ...sample];
}
