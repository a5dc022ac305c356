/** A real peer for WebSockets, and everything that can happen to it. */

import { fromFileUrl } from "@std/path";
import { freezeProcess, thawProcess } from "../postgres/processes.ts";
import { ChildProcess } from "../process/child_process.ts";
import { DEBIAN_PYTHON } from "../python.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";

const PROGRAM = fromFileUrl(new URL("./peer.py", import.meta.url));

/** A message as the peer got it. */
export interface RecordedMessage {
  readonly path: string;
  readonly is_text: boolean;
  /** In Base64 where it is binary. */
  readonly data: string;
  readonly subprotocol: string | null;
  /** Equal for messages of one connection. */
  readonly connection: string;
  readonly authorization: string | null;
}

/** The program `peer.py`, which says what it does with messages. */
export class WebsocketPeer implements AsyncDisposable {
  readonly port: number = freePort();
  readonly #directory: TempDir;
  #process: ChildProcess | undefined;

  private constructor(directory: TempDir) {
    this.#directory = directory;
  }

  static async start(): Promise<WebsocketPeer> {
    const peer = new WebsocketPeer(await TempDir.create());
    await peer.restart();
    return peer;
  }

  /** @param path which behaviour is asked for */
  url(path: string, port: number = this.port): string {
    return `ws://127.0.0.1:${port}${path}`;
  }

  /** Everything that has arrived, over all of its lives. */
  async messages(): Promise<readonly RecordedMessage[]> {
    const text = await Deno.readTextFile(this.#directory.file("recorded"));
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Starts it on the port that it had. */
  async restart(): Promise<void> {
    const args = [PROGRAM, `${this.port}`, this.#directory.file("recorded")];
    this.#process = ChildProcess.spawn(DEBIAN_PYTHON, { args });
    await this.#process.waitForLine(/Taking messages/);
  }

  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Keeps its connections and reads nothing. */
  async freeze(): Promise<void> {
    await freezeProcess(this.#process!.pid);
  }

  thaw(): void {
    thawProcess(this.#process!.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}
