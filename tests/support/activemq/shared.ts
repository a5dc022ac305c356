/**
 * One ActiveMQ for all files of a test process, which have queues of their own: its start takes two seconds. It is no
 * child of a test, which would have to end it; a shell beside it starts it again when it was killed, and ends it and
 * removes its files once the process of the tests is gone.
 *
 * @module
 */

import { join } from "@std/path";
import { eventually } from "../eventually.ts";
import { freezeProcess, killProcesses, thawProcess } from "../postgres/processes.ts";
import { ActivemqDesk } from "./desk.ts";
import {
  type ACTIVEMQ_USERS,
  type ActivemqPlace,
  certificateFiles,
  configureActivemq,
  javaArguments,
  setPassword,
  setWriters,
} from "./server.ts";

/** The files of tests share no variables of the program, only those of their process. */
const VARIABLE = "CWM_TEST_ACTIVEMQ";

/** How long a start may take on a machine that does much beside, in milliseconds. */
const START_MS = 120_000;

/** Its arguments are the directory, the process whose end is waited for, and those of `java`. */
const KEEPER = `directory=$1 tests=$2; shift 2; cd "$directory"
while kill -0 "$tests" 2>/dev/null; do
  java "$@" & broker=$!
  echo $broker > pid
  while kill -0 "$tests" 2>/dev/null && kill -0 $broker 2>/dev/null; do sleep 0.3; done
  kill -KILL $broker
  wait $broker
done
cd /; rm -rf "$directory"`;

/** A broker that runs, and what tests may do to it as a whole. */
export class SharedActivemq {
  readonly port: number;
  readonly tlsPort: number;
  readonly certificates: Record<"ca" | "cert" | "key", string>;
  readonly #place: ActivemqPlace;

  constructor(place: ActivemqPlace) {
    this.#place = place;
    this.port = place.port;
    this.tlsPort = place.tlsPort;
    this.certificates = certificateFiles(place);
  }

  /** Kills the broker; resolves when another one serves, with the same store. */
  async killAndRestart(): Promise<void> {
    await killProcesses([await this.#pid()]);
    await this.waitUntilServing();
  }

  async freeze(): Promise<void> {
    await freezeProcess(await this.#pid());
  }

  async thaw(): Promise<void> {
    thawProcess(await this.#pid());
  }

  /** Changes a user's password for the logins that come. */
  async setPassword(user: keyof typeof ACTIVEMQ_USERS, password: string): Promise<void> {
    await setPassword(this.#place, user, password);
  }

  /** Says who may fill queues, once they log in. */
  async setWriters(users: readonly (keyof typeof ACTIVEMQ_USERS)[]): Promise<void> {
    await setWriters(this.#place, users);
  }

  /** Until it has answered: a connection that it takes while it starts may get no answer at all. */
  async waitUntilServing(): Promise<void> {
    const open = () => ActivemqDesk.open(this.port);
    await (await eventually(open, { timeoutMs: START_MS, intervalMs: 50 }))[Symbol.asyncDispose]();
  }

  async #pid(): Promise<number> {
    return Number(await Deno.readTextFile(join(this.#place.directory, "pid")));
  }
}

/** The broker of this process, which the first caller starts. */
export async function sharedActivemq(): Promise<SharedActivemq> {
  const running = Deno.env.get(VARIABLE);
  if (running !== undefined) return new SharedActivemq(JSON.parse(running));
  const place = await configureActivemq(await Deno.makeTempDir({ prefix: "cwm-test-activemq-" }));
  const { success } = await new Deno.Command("sh", {
    args: [
      ...["-c", 'exec >/dev/null 2>&1; setsid sh -c "$0" keeper "$@" &', KEEPER],
      ...[place.directory, `${Deno.pid}`, ...javaArguments(place)],
    ],
    // Without the mark of the test run, whose end it waits for.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "" },
    cwd: "/",
    stdin: "null",
  }).output();
  if (!success) throw new Error("Cannot start the shell that keeps ActiveMQ");
  const broker = new SharedActivemq(place);
  await broker.waitUntilServing();
  Deno.env.set(VARIABLE, JSON.stringify(place));
  return broker;
}
