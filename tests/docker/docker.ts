/** The `docker` command, and containers of the image under test. */

import { eventually } from "../support/eventually.ts";

/** The image that `docker/scenario/05_etcd_namespaces/docker-compose.yaml` builds. */
export const IMAGE = "core-webhook-module";

/** How long anything in a container may take, in milliseconds. It only bounds failures. */
const TIMEOUT_MS = 60_000;

/**
 * Runs `docker` and returns what it printed.
 *
 * @throws {Error} with its error output when the exit status is not 0
 */
export async function docker(...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("docker", { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`docker ${args.join(" ")} failed: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout).trim();
}

/** A running gateway, as locked down as the documentation recommends. Disposal removes it. */
export class Container implements AsyncDisposable {
  private constructor(readonly id: string, readonly port: number) {}

  /** Starts the gateway with these options of `docker run`, and waits until it is ready. */
  static async start(...options: readonly string[]): Promise<Container> {
    const id = await docker(
      "run",
      "--detach",
      "--read-only",
      "--cap-drop=ALL",
      "--security-opt=no-new-privileges",
      "--publish=127.0.0.1::8000",
      ...options,
      IMAGE,
    );
    try {
      const address = await docker("port", id, "8000");
      const container = new Container(id, Number(address.split(":").at(-1)));
      await eventually(async () => (await container.get("/readyz")) === 200, { timeoutMs: TIMEOUT_MS });
      return container;
    } catch (cause) {
      const log = await docker("logs", id);
      await docker("rm", "--force", "--volumes", id);
      throw new Error(`The container did not become ready; its log:\n${log}`, { cause });
    }
  }

  /** Returns the status of the answer. */
  get(path: string): Promise<number> {
    return this.#request(path);
  }

  /** Sends a JSON document to a webhook and returns the status of the answer. */
  post(webhook: string): Promise<number> {
    return this.#request(`/webhook/${webhook}`, { method: "POST", body: "{}" });
  }

  inspect(format: string): Promise<string> {
    return docker("inspect", `--format=${format}`, this.id);
  }

  /** Sends SIGTERM and waits for the end. Returns the exit status. */
  async stop(): Promise<number> {
    await docker("stop", this.id);
    return Number(await this.inspect("{{.State.ExitCode}}"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker("rm", "--force", "--volumes", this.id);
  }
  async #request(path: string, init?: RequestInit): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, init);
    await response.body?.cancel();
    return response.status;
  }
}
