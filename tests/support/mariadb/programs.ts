/** The programs of MariaDB, and data of an empty server. */

import { findProgram } from "../process/test_servers.ts";

/** Debian's package makes this user, who owns what {@linkcode giveToServer} got. */
const USER = "mysql";

/** Makes a program of the server run as an ordinary user. */
export const AS_SERVER_USER: readonly string[] = Deno.uid() === 0 ? [`--user=${USER}`] : [];

/** What all servers of tests are started with: small files, and commits that survive the server but not the machine. */
const COMMON_SETTINGS: readonly string[] = [
  "--innodb-buffer-pool-size=32M",
  "--innodb-log-file-size=8M",
  "--innodb-flush-method=nosync",
  "--innodb-flush-log-at-trx-commit=2",
  "--innodb-doublewrite=0",
];

/** Lets the server's user own a file or directory. */
export async function giveToServer(path: string): Promise<void> {
  if (Deno.uid() === 0) await runProgram("chown", "-R", `${USER}:`, path);
}

/** @throws {Error} where the packages of the tests are not installed */
export async function mariadbPath(name: string): Promise<string> {
  const path = await findProgram(name);
  if (path === undefined) throw new Error(`There is no ${name}; deno task test installs it`);
  return path;
}

/** Where a server listens, and its data is. */
export interface MariadbPlace {
  readonly directory: string;
  readonly port: number;
}

/** The command that starts a server with the data of a directory. */
export async function serverCommand(
  { directory, port }: MariadbPlace,
  settings: readonly string[] = [],
): Promise<readonly string[]> {
  return [
    await mariadbPath("mariadbd"),
    "--no-defaults",
    ...AS_SERVER_USER,
    `--datadir=${directory}/data`,
    `--socket=${directory}/socket`,
    `--pid-file=${directory}/pid`,
    `--port=${port}`,
    "--bind-address=127.0.0.1",
    "--skip-log-bin",
    "--skip-name-resolve",
    "--performance-schema=off",
    ...COMMON_SETTINGS,
    ...settings,
  ];
}

/** Makes the data of an empty server, which takes seconds. */
export async function initializeData(directory: string): Promise<void> {
  await runProgram(
    await mariadbPath("mariadb-install-db"),
    "--no-defaults",
    ...AS_SERVER_USER,
    `--datadir=${directory}/data`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--skip-name-resolve",
    ...COMMON_SETTINGS,
  );
}

/** Runs a program to its end. @throws {Error} with what it prints when it fails */
export async function runProgram(program: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: "/",
    env: { LC_ALL: "C.UTF-8" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new Error(`${program} ${args.join(" ")} failed: ${text.decode(stdout)}${text.decode(stderr)}`);
}
