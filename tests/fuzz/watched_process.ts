/**
 * A process that says in a file how far it is, and is ended when it goes no further.
 *
 * @module
 */

import { cpuSeconds } from "../bench/http_load.ts";
import { TempDir } from "../support/temp_dir.ts";

/** How often it is looked how far the process is, in milliseconds. */
const LOOK_MS = 10_000;

/** After how many looks without progress the process counts as one that does not come back from its input. */
const MOST_LOOKS = 6;

/** How a watched process ended. */
export interface Ended {
  readonly code: number | string;
  /** What it had written last. */
  readonly lastInput: string;
}

/** A run of a program with `--progress FILE` behind its arguments. */
export class WatchedProcess implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly #process: Deno.ChildProcess;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly ended: Promise<Ended>;
  #before = "";
  #looks = 0;
  #seconds = 0;
  #hasEnded = false;

  private constructor(directory: TempDir, process: Deno.ChildProcess) {
    this.#directory = directory;
    this.#process = process;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.ended = this.#end();
  }

  static async start(program: string, args: readonly string[]): Promise<WatchedProcess> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await TempDir.create());
    const progress = await directory.writeText("progress", "");
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", new URL(program).pathname, ...args, "--progress", progress],
      stdin: "null",
    }).spawn();
    resources.move();
    return new WatchedProcess(directory, process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if (!this.#hasEnded) this.#process.kill("SIGKILL");
    await this.ended;
    await this.#directory[Symbol.asyncDispose]();
  }

  async #end(): Promise<Ended> {
    const { code, signal } = await this.#process.status;
    this.#hasEnded = true;
    const lastInput = (await this.#read()).trim();
    return { code: this.#looks >= MOST_LOOKS ? "no progress for a minute" : signal ?? code, lastInput };
  }

  async #look(): Promise<void> {
    const now = await this.#read();
    if (now !== this.#before) this.#looks = 0;
    else if (this.#isAtWork()) this.#looks++;
    this.#before = now;
    if (this.#looks === MOST_LOOKS) this.#process.kill("SIGKILL");
  }

  /** Whether it waits, or has had time of the processor since the last look: on a busy machine it may have had none. */
  #isAtWork(): boolean {
    const [state] = Deno.readTextFileSync(`/proc/${this.#process.pid}/stat`).split(") ")[1]?.split(" ") ?? [];
    const seconds = cpuSeconds(this.#process.pid);
    const worked = seconds - this.#seconds > LOOK_MS / 1000 / 2;
    this.#seconds = seconds;
    return state === "S" || worked;
  }

  #read(): Promise<string> {
    return Deno.readTextFile(this.#directory.file("progress"));
  }
}
