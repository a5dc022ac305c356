/**
 * One MariaDB for all files of a test process, a database each: making its data takes two seconds. It is no child of a
 * test, which would have to end it; a shell beside it ends it and removes its files once the process of the tests is
 * gone.
 *
 * @module
 */

import { eventually } from "../eventually.ts";
import { freePort } from "../redis/server.ts";
import { MariadbAccess } from "./access.ts";
import { giveToServer, initializeData, type MariadbPlace, runProgram, serverCommand } from "./programs.ts";

/** The files of tests share no variables of the program, only those of their process. */
const VARIABLE = "CWM_TEST_MARIADB";

/** How long a start may take on a machine that does much beside, in milliseconds. */
const START_MS = 60_000;

/** Waits for the end of a process, then ends the server and removes its directory. */
const KEEPER = `"$@" & server=$!
while kill -0 "$0" 2>/dev/null; do sleep 1; done
kill -KILL "$server"
wait "$server"
rm -rf "$DIRECTORY"`;

/** The server of this process, which the first caller starts. */
export async function sharedMariadb(): Promise<MariadbAccess> {
  return new MariadbAccess((await sharedPlace()).port);
}

/** Copies the data of an empty server, so that it need not be made again. @param directory holds `data` then */
export async function copyData(directory: string): Promise<void> {
  const { directory: source } = await sharedPlace();
  await runProgram("cp", "--recursive", `${source}/empty`, `${directory}/data`);
  await giveToServer(directory);
}

async function sharedPlace(): Promise<MariadbPlace> {
  const running = Deno.env.get(VARIABLE);
  if (running !== undefined) return JSON.parse(running);
  const place = { directory: await Deno.makeTempDir({ prefix: "cwm-test-mariadb-" }), port: freePort() };
  await giveToServer(place.directory);
  await initializeData(place.directory);
  await runProgram("cp", "--recursive", `${place.directory}/data`, `${place.directory}/empty`);
  await keep(place);
  await eventually(() => new MariadbAccess(place.port).sql("select 1"), {
    timeoutMs: START_MS,
    intervalMs: 50,
  });
  Deno.env.set(VARIABLE, JSON.stringify(place));
  return place;
}

/** Starts the shell that keeps the server; it outlives the command that starts it. */
async function keep(place: MariadbPlace): Promise<void> {
  const { success } = await new Deno.Command("sh", {
    args: [
      "-c",
      `exec >/dev/null 2>&1; setsid sh -c "$0" "$@" &`,
      KEEPER,
      `${Deno.pid}`,
      ...await serverCommand(place),
    ],
    // Without the mark of the test run, whose end it waits for.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", DIRECTORY: place.directory },
    cwd: "/",
    stdin: "null",
  }).output();
  if (!success) throw new Error("Cannot start the shell that keeps MariaDB");
}
