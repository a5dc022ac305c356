/** Peers with Debian's libzmq, and what can happen to them. */

import { Buffer } from "node:buffer";
import { eventually } from "../eventually.ts";
import { ChildProcess } from "../process/child_process.ts";
import { DEBIAN_PYTHON } from "../python.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";

/** Where a peer writes down what it gets. */
const MESSAGES = "messages";

/** What a peer is. */
export interface ZeromqPeerOptions {
  readonly kind: "PULL" | "SUB" | "REP" | "ROUTER";
  /** What it answers; `silent` for nothing. @default "ok" */
  readonly answer?: string;
  /** `connect`: it goes to the gateway. `curve`: it waits, and asks for encryption. @default "bind" */
  readonly way?: "bind" | "connect" | "curve";
  /** What a `SUB` subscribes to. @default [""] */
  readonly subscriptions?: readonly string[];
  /** Whether it keeps what it gets. @default true */
  readonly keeps?: boolean;
  /** @default a free port of this machine */
  readonly endpoint?: string;
}

const SCRIPT = new URL("peer.py", import.meta.url).pathname;

/** One peer, restarted at the same endpoint at will. It keeps what it has got. */
export class ZeromqPeer implements AsyncDisposable {
  readonly endpoint: string;
  readonly #directory: TempDir;
  #options: ZeromqPeerOptions;
  #process: ChildProcess | undefined;

  private constructor(endpoint: string, directory: TempDir, options: ZeromqPeerOptions) {
    this.endpoint = endpoint;
    this.#directory = directory;
    this.#options = options;
  }

  /** Starts a peer and waits until it is there. */
  static async start(options: ZeromqPeerOptions): Promise<ZeromqPeer> {
    const { endpoint = `tcp://127.0.0.1:${freePort()}` } = options;
    const directory = await TempDir.create();
    await directory.writeText(MESSAGES, "");
    const peer = new ZeromqPeer(endpoint, directory, options);
    await peer.restart();
    return peer;
  }

  /** Of an endpoint of TCP. */
  get port(): number {
    return Number(this.endpoint.split(":").at(-1));
  }

  /** Starts it, again or for the first time. @param more what changes of it */
  async restart(more: Partial<ZeromqPeerOptions> = {}): Promise<void> {
    await this.kill();
    this.#options = { ...this.#options, ...more };
    const { kind, answer = "ok", way = "bind", subscriptions = [""], keeps = true } = this.#options;
    this.#process = ChildProcess.spawn(DEBIAN_PYTHON, {
      args: [SCRIPT, kind, this.endpoint, keeps ? this.#file : "/dev/null", answer, way, ...subscriptions],
    });
    await this.#process.waitForLine(/^ready$/);
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Freezes it: its sockets stay open and nothing answers. */
  async freeze(): Promise<void> {
    const process = this.#process;
    if (process === undefined) throw new Error("The peer is not running");
    process.kill("SIGSTOP");
    // proc(5): the state follows the name, which stands in parentheses; T is stopped.
    await eventually(async () => (await Deno.readTextFile(`/proc/${process.pid}/stat`)).includes(") T "));
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** The frames of each message that it has got, in their order. */
  async messages(): Promise<readonly (readonly Uint8Array<ArrayBuffer>[])[]> {
    const text = await Deno.readTextFile(this.#file);
    return text.split("\n").filter((line) => line !== "").map((line) =>
      (JSON.parse(line) as string[]).map((frame) => new Uint8Array(Buffer.from(frame, "hex")))
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }

  get #file(): string {
    return this.#directory.file(MESSAGES);
  }
}

/** The id of the event that a message of three frames is of; empty for others. */
export function eventIdOf(frames: readonly Uint8Array[]): string {
  return frames.length === 3 ? new TextDecoder().decode(frames[1]) : "";
}
