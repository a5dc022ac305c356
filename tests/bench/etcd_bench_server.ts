import { join } from "@std/path";
import { ChildProcess } from "../support/process/child_process.ts";
import { REPOSITORY } from "../support/repository.ts";
import { OPEN_WEBHOOK } from "./etcd_data.ts";

const LOAD_TIMEOUT_MS = 60_000;
const ORDER_TIMEOUT_MS = 120_000;

/** A server of the etcd benchmarks in a process of its own. */
export class BenchServer implements AsyncDisposable {
  private constructor(
    private readonly process: ChildProcess,
    /** Takes events. */
    readonly url: string,
    private readonly ordersUrl: string,
  ) {}

  /**
   * Starts a server and waits until everything is loaded.
   *
   * @param repository the root of the build that is run
   */
  static async start(
    program: "gateway" | "floor",
    endpoint: string,
    keys: number,
    repository = REPOSITORY,
  ): Promise<BenchServer> {
    await using undo = new AsyncDisposableStack();
    const file = join(repository, `tests/bench/servers/etcd_${program}.ts`);
    const process = undo.use(ChildProcess.spawn(Deno.execPath(), {
      args: ["run", "--cached-only", "--no-check", "--allow-all", file, endpoint, String(keys)],
    }));
    const [, port, orders] = await process.waitForLine(/Serving on (\d+), orders on (\d+)/, {
      timeoutMs: LOAD_TIMEOUT_MS,
    });
    const url = `http://127.0.0.1:${port}/webhook/${OPEN_WEBHOOK.namespace}/${OPEN_WEBHOOK.id}`;
    const status = await post(url);
    if (status !== 200) throw new Error(`The ${program} is loaded and answers ${status}`);
    undo.move();
    return new BenchServer(process, url, `http://127.0.0.1:${orders}`);
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Has the server do something and returns what it answers. */
  async order(name: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const response = await fetch(`${this.ordersUrl}/${name}?${new URLSearchParams(parameters)}`, {
      signal: AbortSignal.timeout(ORDER_TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`The server failed to ${name}; its output:\n${this.process.output}`);
    return await response.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** Sends an event and returns the status of the answer. */
export async function post(url: string): Promise<number> {
  const response = await fetch(url, { method: "POST", body: `{"action":"push","number":1234}` });
  await response.body?.cancel();
  return response.status;
}
