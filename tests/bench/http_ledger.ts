/** A destination of `http_webhook` that can be frozen and killed, and still knows afterwards what it has answered to. */

import { join } from "@std/path";
import { freezeProcess, thawProcess } from "../support/postgres/processes.ts";
import { ChildProcess } from "../support/process/child_process.ts";
import { freePort } from "../support/redis/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";

/** One HTTP server, restarted on the same port and file at will. */
export class HttpLedger implements AsyncDisposable {
  readonly port = freePort();
  readonly #directory: TempDir;
  #process: ChildProcess | undefined;

  private constructor(directory: TempDir) {
    this.#directory = directory;
  }

  /** Starts a server on a free port and waits until it serves. */
  static async start(): Promise<HttpLedger> {
    const ledger = new HttpLedger(await TempDir.create());
    await ledger.restart();
    return ledger;
  }

  get #file(): string {
    return this.#directory.file("ids");
  }

  get #running(): ChildProcess {
    if (this.#process === undefined) throw new Error("The HTTP server is not running");
    return this.#process;
  }

  /** Starts the server, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    const program = join(REPOSITORY, "tests/bench/servers/http_ledger.ts");
    this.#process = ChildProcess.spawn(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-net", "--allow-write", program, `${this.port}`, this.#file],
    });
    await this.#process.waitForLine(/^Listening$/);
  }

  /** Ends the server at once. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Freezes the server: its sockets stay open and nothing answers. */
  async freeze(): Promise<void> {
    await freezeProcess(this.#running.pid);
  }

  thaw(): void {
    thawProcess(this.#running.pid);
  }

  /** The events that it has answered to, as often as it has. */
  async ids(): Promise<readonly string[]> {
    return (await Deno.readTextFile(this.#file)).split("\n").slice(0, -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }
}
