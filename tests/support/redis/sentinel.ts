/** A real Sentinel, which watches Redis servers and replaces a primary that is gone. */

import { ChildProcess } from "../process/child_process.ts";
import { freePort, type RedisServer, SERVER_PROGRAM } from "./server.ts";
import { TempDir } from "../temp_dir.ts";

/** The name that the Sentinels of tests watch a primary under. */
export const MASTER = "shop";

/** One Sentinel process. Alone it decides that a primary is gone. */
export class RedisSentinel implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #directory: TempDir;

  private constructor(port: number, process: ChildProcess, directory: TempDir) {
    this.port = port;
    this.#process = process;
    this.#directory = directory;
  }

  /** Starts a Sentinel on a free port and waits until it watches the primary and knows its replicas. */
  static async start(primary: RedisServer, replicas: number): Promise<RedisSentinel> {
    const port = freePort();
    const directory = await TempDir.create();
    const file = directory.file("sentinel.conf");
    await Deno.writeTextFile(
      file,
      [
        `port ${port}`,
        "bind 127.0.0.1",
        `dir ${directory.path}`,
        `sentinel monitor ${MASTER} 127.0.0.1 ${primary.port} 1`,
        `sentinel down-after-milliseconds ${MASTER} 500`,
        `sentinel failover-timeout ${MASTER} 3000`,
        "",
      ].join("\n"),
    );
    const process = ChildProcess.spawn(SERVER_PROGRAM, { args: [file, "--sentinel"] });
    const sentinel = new RedisSentinel(port, process, directory);
    await process.waitForLine(/\+monitor master /);
    let from = 0;
    for (let count = 0; count < replicas; count++) {
      await process.waitForLine(/\+slave /, { from });
      from = process.lines.findIndex(({ text }, index) => index >= from && text.includes("+slave ")) + 1;
    }
    return sentinel;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Waits until the Sentinel has made another server the primary. */
  async failedOver(): Promise<void> {
    await this.#process.waitForLine(/\+switch-master /, { timeoutMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}
