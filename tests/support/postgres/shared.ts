/**
 * One server for all files of a test process, a database each: making one takes a second. It is no child of a test,
 * which would have to end it; a shell beside it ends it and removes its files once the process of the tests is gone.
 *
 * @module
 */

import { freePort } from "../redis/server.ts";
import { PostgresAccess } from "./access.ts";
import { AS_SERVER_USER, giveToServer, pathOf, startLastingServer } from "./programs.ts";
import { commonSettings, initializeData } from "./server.ts";

/** The files of tests share no variables of the program, only those of their process. */
const VARIABLE = "CWM_TEST_POSTGRES_PORT";

/** Waits for the end of a process, then ends the server of a directory and removes it. */
const KEEPER = `while kill -0 "$0" 2>/dev/null; do sleep 1; done
"$@" --mode immediate stop
rm -rf "$PGDATA"`;

/**
 * The server of this process, which the first caller starts. What is committed on it does not wait for the disk. Tests
 * that do something to a server, or count what it does, start a `PostgresServer` of their own.
 *
 *     await using database = await (await sharedPostgres()).createDatabase();
 */
export async function sharedPostgres(): Promise<PostgresAccess> {
  const running = Deno.env.get(VARIABLE);
  if (running !== undefined) return new PostgresAccess(Number(running));
  const port = freePort();
  const data = await Deno.makeTempDir({ prefix: "cwm-test-postgres-" });
  await giveToServer(data);
  await initializeData(data);
  const settings = { ...commonSettings(port, false), max_connections: "300" };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  await Deno.writeTextFile(`${data}/postgresql.conf`, lines.join(""), { append: true });
  await keep(data);
  await startLastingServer("--pgdata", data, "--log", `${data}/server.log`);
  Deno.env.set(VARIABLE, `${port}`);
  return new PostgresAccess(port);
}

/** Starts the shell that ends the server; it outlives the command that starts it. */
async function keep(data: string): Promise<void> {
  const stop = [...AS_SERVER_USER, await pathOf("pg_ctl")];
  const { success } = await new Deno.Command("sh", {
    args: ["-c", `exec >/dev/null 2>&1; setsid sh -c "$0" "$@" &`, KEEPER, `${Deno.pid}`, ...stop],
    // Without the mark of the test run, whose end it waits for.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", PGDATA: data },
    cwd: "/",
    stdin: "null",
  }).output();
  if (!success) throw new Error("Cannot start the shell that ends PostgreSQL");
}
