/** Where webhooks are forwarded to in benchmarks: nginx, which costs little, counts, and keeps connections. */

import { join } from "@std/path";
import { ChildProcess } from "../support/process/child_process.ts";
import { freePort } from "../support/redis/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { CountingDestination } from "./http_load.ts";

/** A running destination. Disposal ends it. */
export class HttpDestination implements CountingDestination, AsyncDisposable {
  readonly #port: number;
  readonly #resources: AsyncDisposableStack;
  /** Requests that asked for the count, which it contains. */
  #questions = 0;

  private constructor(port: number, resources: AsyncDisposableStack) {
    this.#port = port;
    this.#resources = resources;
  }

  static async start(): Promise<HttpDestination> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await TempDir.create());
    const port = freePort();
    const file = directory.file("nginx.conf");
    await Deno.writeTextFile(file, configurationOf(port, directory.path));
    resources.use(ChildProcess.spawn("nginx", { args: ["-p", directory.path, "-c", file] }));
    const destination = new HttpDestination(port, resources.move());
    await destination.#untilItAnswers();
    return destination;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/events`;
  }

  async arrived(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/count`);
    const requests = /^ \d+ \d+ (\d+)/m.exec(await response.text())?.[1];
    return Number(requests) - ++this.#questions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #untilItAnswers(): Promise<void> {
    const deadline = AbortSignal.timeout(10_000);
    for (;;) {
      deadline.throwIfAborted();
      try {
        await this.arrived();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20)); // Not listening yet.
      }
    }
  }
}

function configurationOf(port: number, directory: string): string {
  return `daemon off;
master_process off;
pid ${join(directory, "nginx.pid")};
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${join(directory, "bodies")};
  keepalive_requests 1000000000;
  server {
    listen 127.0.0.1:${port};
    location = /count { stub_status; }
    location / { return 200; }
  }
}
`;
}
