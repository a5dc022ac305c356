/**
 * How a script of several writes asks beforehand whether its user may do them all. Redis looks at a user's rights
 * command by command while a script runs, and what the earlier commands wrote stays when a later one is refused.
 *
 * @see https://redis.io/docs/latest/develop/programmability/lua-api/#redis.acl_check_cmd
 * @module
 */

/**
 * Lua: `denied(key, command, ...)` is the error reply that says what the user may not do, or `nil` when the user may run
 * this command. It is always `nil` before Redis 7.0, which cannot be asked.
 */
export const DENIED_LUA = `
local function denied(key, ...)
  local permits = redis.acl_check_cmd
  if not permits or permits(...) then return nil end
  return {err = 'NOPERM ' .. (...) .. ' ' .. key}
end
`;

/** The form of the error replies of {@linkcode DENIED_LUA}, which no reply of Redis itself has. */
const DENIED = /^NOPERM ([A-Z]+) (\S[^\r\n]*)$/;

/** Command and key that a script found refused; `undefined` for any other error reply. */
export function readDenied(reply: string): { readonly command: string; readonly key: string } | undefined {
  const [, command, key] = DENIED.exec(reply) ?? [];
  return command === undefined || key === undefined ? undefined : { command, key };
}
