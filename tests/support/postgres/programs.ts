/** The programs of PostgreSQL, which refuse to run as root. */

import { RUN_VARIABLE } from "../process/leftover_processes.ts";
import { findProgram } from "../process/test_servers.ts";

/** Debian's package makes this user. */
const USER = "postgres";

/** The beginning of a command line that runs a program as an ordinary user, who owns what {@linkcode giveToServer} got. */
export const AS_SERVER_USER: readonly string[] = Deno.uid() === 0
  ? ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"]
  : [];

/** Lets the server's user own a file or directory. */
export async function giveToServer(path: string): Promise<void> {
  if (Deno.uid() === 0) await run(["chown", `${USER}:`, path]);
}

/**
 * Runs a program of PostgreSQL to its end, for example `initdb`, as the server's user.
 *
 * @throws {Error} with what it prints when it fails
 */
export async function runPostgresProgram(name: string, ...args: readonly string[]): Promise<void> {
  await run([...AS_SERVER_USER, await pathOf(name), ...args]);
}

/** @throws {Error} where the packages of the tests are not installed */
export async function pathOf(name: string): Promise<string> {
  const path = await findProgram(name);
  if (path === undefined) throw new Error(`There is no ${name}; deno task test installs it`);
  return path;
}

/**
 * Starts a server that outlives the tests of this process by a moment, as whoever ends it knows: it does not have the
 * mark of the test run, which nothing may leave running.
 *
 * @throws {Error} with what it prints when it fails
 */
export async function startLastingServer(...args: readonly string[]): Promise<void> {
  const command = [...AS_SERVER_USER, await pathOf("pg_ctl"), ...args, "--wait", "start"];
  await run(["env", "--unset", RUN_VARIABLE, ...command]);
}

async function run([program = "", ...args]: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    // The server's user may not enter the folder that the tests run in.
    cwd: "/",
    env: { LC_ALL: "C.UTF-8" },
    stdin: "null",
  }).output();
  if (success) return;
  const text = new TextDecoder();
  throw new Error(`${program} ${args.join(" ")} failed: ${text.decode(stdout)}${text.decode(stderr)}`);
}
