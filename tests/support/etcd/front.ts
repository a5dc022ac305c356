/**
 * A gRPC front of one etcd member that answers, or leaves unanswered, requests for progress as other versions
 * of etcd and `etcd grpc-proxy` do. Debian's etcd 3.4 alone answers them always.
 *
 * @module
 */

import { eventually } from "../eventually.ts";
import { ChildProcess } from "../process/child_process.ts";
import { REPOSITORY } from "../repository.ts";

/**
 * Which requests for progress are passed on.
 *
 * - `in_step`: as etcd 3.5.22+ and 3.6.2+, none while the first revision of the stream's watch does not exist.
 * - `never`: as `etcd grpc-proxy`, none at all.
 */
export type ProgressRule = "in_step" | "never";

/** A front that listens on a port of its own. Disposal ends it and all its streams. */
export class EtcdFront implements AsyncDisposable {
  private constructor(
    private readonly process: ChildProcess,
    /** `http://127.0.0.1:port` */
    readonly endpoint: string,
  ) {}

  /** @param endpoint of the member behind it, `http://host:port` */
  static async start(endpoint: string, rule: ProgressRule): Promise<EtcdFront> {
    await using undo = new AsyncDisposableStack();
    const program = `${REPOSITORY}/tests/support/etcd/front_program.ts`;
    const process = undo.use(ChildProcess.spawn(Deno.execPath(), {
      args: ["run", "--cached-only", "--no-check", "--allow-all", program, new URL(endpoint).host, rule],
    }));
    const [, port] = await process.waitForLine(/Listening on (\d+)/);
    undo.move();
    return new EtcdFront(process, `http://127.0.0.1:${port}`);
  }

  /** Requests for progress that clients have sent. */
  get progressRequests(): number {
    return this.#count("progress");
  }

  /** Watches that clients have opened. */
  get watches(): number {
    return this.#count("watch");
  }

  /** The streams that are open stay open and bring nothing once it resolves, while reads are answered. */
  async silence(): Promise<void> {
    const before = this.#count("silent");
    this.process.kill("SIGUSR1");
    await eventually(() => this.#count("silent") > before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }

  #count(line: string): number {
    return this.process.lines.filter(({ text }) => text === line).length;
  }
}
