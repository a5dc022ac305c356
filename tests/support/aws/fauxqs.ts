/** SQS and SNS as npm has them: `fauxqs`, which keeps to what AWS documents. It checks no signatures. */

import type { AddressInfo } from "node:net";
import { fromFileUrl } from "@std/path";
import { buildApp } from "fauxqs";
import { freezeProcess, thawProcess } from "../postgres/processes.ts";
import { ChildProcess } from "../process/child_process.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";

/** A server in this process; disposal ends it. */
export interface Fauxqs extends AsyncDisposable {
  readonly port: number;
}

/** Serves this machine alone. @param port by default any that is free */
export async function serveFauxqs(port = 0): Promise<Fauxqs> {
  const app = buildApp({ logger: false, host: "localhost" });
  await app.listen({ port, host: "127.0.0.1" });
  const address = app.server.address() as AddressInfo;
  return { port: address.port, [Symbol.asyncDispose]: async () => void await app.close() };
}

/** How a server is started. */
export interface FauxqsOptions {
  /** Keeps its messages in a file, so that they outlive its process. @default false */
  readonly persistent?: boolean;
}

/** A server in a process of its own, which can be frozen, killed and started again. */
export class FauxqsProcess implements AsyncDisposable {
  readonly port = freePort();
  readonly #directory: TempDir | undefined;
  #process: ChildProcess | undefined;

  private constructor(directory: TempDir | undefined) {
    this.#directory = directory;
  }

  /** Starts a server and waits until it serves. */
  static async start({ persistent = false }: FauxqsOptions = {}): Promise<FauxqsProcess> {
    await using undo = new AsyncDisposableStack();
    const server = undo.use(new FauxqsProcess(persistent ? await TempDir.create() : undefined));
    await server.restart();
    undo.move();
    return server;
  }

  /** Starts the server, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    const program = fromFileUrl(new URL("fauxqs_program.ts", import.meta.url));
    const files = this.#directory === undefined ? [] : [this.#directory.path];
    this.#process = ChildProcess.spawn(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", program, `${this.port}`, ...files],
    });
    await this.#process.waitForLine(/^serves$/);
  }

  /** Ends the server at once. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Stops the server: connections stay open, new ones are taken by the system, and nothing answers. */
  async freeze(): Promise<void> {
    await freezeProcess(this.#process!.pid);
  }

  thaw(): void {
    thawProcess(this.#process!.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#directory?.[Symbol.asyncDispose]();
  }
}
