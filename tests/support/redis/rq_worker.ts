import { fromFileUrl } from "@std/path";
import { ChildProcess } from "../process/child_process.ts";
import { eventually } from "../eventually.ts";
import type { RedisServer } from "./server.ts";
import { installRq } from "./rq_release.ts";
import { TempDir } from "../temp_dir.ts";

/** What `shop.tasks.record` wrote down about a call; see `rq_tasks.py`. */
export interface RecordedCall {
  /** Python's name for the payload's type, for example `dict`. */
  readonly type: string;
  /** As JSON, or in Base64 when it is `bytes`. */
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly job: {
    readonly id: string;
    readonly description: string;
    readonly origin: string;
    readonly created_at: string;
    readonly timeout: number | null;
    readonly result_ttl: number | null;
    readonly failure_ttl: number | null;
    readonly ttl: number | null;
    readonly meta: Readonly<Record<string, unknown>>;
  };
}

export interface RqWorkerOptions {
  /** @default ["default"] */
  readonly queues?: readonly string[];
  /** @default "pickle" */
  readonly serializer?: "pickle" | "json";
  /**
   * A release from Python's package index. Left out, that of the variable `RQ_RELEASE`, and the one on the `PATH`
   * where that is not set.
   */
  readonly release?: string;
  /** Begins all keys in Redis; RQ knows this from 3.0 on. */
  readonly keyPrefix?: string;
}

/** The real `rq worker` of a Python installation, which runs the functions of `rq_tasks.py`. */
export class RqWorker implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #directory: TempDir;

  private constructor(process: ChildProcess, directory: TempDir) {
    this.#process = process;
    this.#directory = directory;
  }

  /** Starts a worker and waits until it takes jobs. */
  static async start(redis: RedisServer, options: RqWorkerOptions = {}): Promise<RqWorker> {
    const { queues = ["default"], serializer = "pickle", keyPrefix } = options;
    const release = options.release ?? Deno.env.get("RQ_RELEASE");
    const paths = release === undefined ? [] : [await installRq(release)];
    const directory = await TempDir.create();
    await Deno.mkdir(directory.file("shop"));
    await Deno.copyFile(
      fromFileUrl(new URL("rq_tasks.py", import.meta.url)),
      directory.file("shop", "tasks.py"),
    );
    const json = ["--serializer", "rq.serializers.JSONSerializer"];
    const [program, ...starts] = release === undefined
      ? ["rq"]
      : ["python3", "-c", "from rq.cli import main; main()"];
    const process = ChildProcess.spawn(program!, {
      args: [...starts, "worker", "--url", redis.url, ...(serializer === "json" ? json : []), ...queues],
      cwd: directory.path,
      env: {
        PYTHONPATH: [directory.path, ...paths].join(":"),
        ...(keyPrefix === undefined ? {} : { RQ_KEY_PREFIX: keyPrefix }),
        PYTHONDONTWRITEBYTECODE: "1",
        CWM_RECORDED: directory.file("recorded"),
      },
    });
    const worker = new RqWorker(process, directory);
    await process.waitForLine(/Listening on/);
    return worker;
  }

  /** The calls so far, in order. */
  async calls(): Promise<readonly RecordedCall[]> {
    let text: string;
    try {
      text = await Deno.readTextFile(this.#directory.file("recorded"));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
    // A line that is just being written has no end yet.
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Waits until so many jobs have run; says what the worker printed when they do not. */
  async waitForCalls(count: number): Promise<readonly RecordedCall[]> {
    return await eventually(async () => {
      const calls = await this.calls();
      if (calls.length < count) {
        throw new Error(`${calls.length} of ${count} jobs ran: ${this.#process.output}`);
      }
      return calls;
    }, { timeoutMs: 20_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}
