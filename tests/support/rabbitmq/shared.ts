/**
 * One RabbitMQ for all files of a test process, which have queues of their own: its start takes four seconds. It is no
 * child of a test, which would have to end it; a shell beside it ends it and removes its files once the process of the
 * tests is gone.
 *
 * @module
 */

import { eventually } from "../eventually.ts";
import {
  configureRabbitmq,
  controlRabbitmq,
  rabbitmqEnvironment,
  type RabbitmqPlace,
  rabbitmqPlace,
} from "./server.ts";

/** The files of tests share no variables of the program, only those of their process. */
const VARIABLE = "CWM_TEST_RABBITMQ";

/** How long a start may take on a machine that does much beside, in milliseconds. */
const START_MS = 120_000;

/** Starts both, of which the server would start and leave behind what it does not find; waits for the end of a process, then ends them and removes the directory. */
const KEEPER = `epmd -port "$ERL_EPMD_PORT" & epmd=$!
until epmd -names; do sleep 0.05; done
/usr/lib/rabbitmq/bin/rabbitmq-server & server=$!
while kill -0 "$0" 2>/dev/null; do sleep 1; done
kill -KILL "$(cat "$RABBITMQ_PID_FILE")"
wait "$server"
kill "$epmd"
rm -rf "$HOME"`;

/** A server that runs, and what tests may do to it as a whole. */
export interface SharedRabbitmq {
  readonly port: number;
  /** Runs `rabbitmqctl`, which takes a second. @throws {Error} with its output when it fails */
  control(...args: readonly string[]): Promise<void>;
}

/** The server of this process, which the first caller starts. */
export async function sharedRabbitmq(): Promise<SharedRabbitmq> {
  const running = Deno.env.get(VARIABLE);
  const place = running === undefined ? await start() : JSON.parse(running) as RabbitmqPlace;
  return { port: place.port, control: (...args) => controlRabbitmq(place, args) };
}

async function start(): Promise<RabbitmqPlace> {
  const place = rabbitmqPlace(await Deno.makeTempDir({ prefix: "cwm-test-rabbitmq-" }));
  await configureRabbitmq(place.directory);
  const { success } = await new Deno.Command("sh", {
    args: ["-c", `exec >/dev/null 2>&1; setsid sh -c "$0" "$1" &`, KEEPER, `${Deno.pid}`],
    // Without the mark of the test run, whose end it waits for.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", ...rabbitmqEnvironment(place) },
    cwd: "/",
    stdin: "null",
  }).output();
  if (!success) throw new Error("Cannot start the shell that keeps RabbitMQ");
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port: place.port });
  (await eventually(connect, { timeoutMs: START_MS, intervalMs: 50 })).close();
  Deno.env.set(VARIABLE, JSON.stringify(place));
  return place;
}
