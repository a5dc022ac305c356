import { fromFileUrl } from "@std/path";
import { ChildProcess } from "../process/child_process.ts";
import { RecordedCalls } from "./recorded_calls.ts";
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
  readonly #recorded: RecordedCalls<RecordedCall>;

  private constructor(process: ChildProcess, directory: TempDir, recorded: string) {
    this.#process = process;
    this.#directory = directory;
    this.#recorded = new RecordedCalls(recorded, process);
  }

  /** Starts a worker and waits until it takes jobs. */
  static async start(redis: RedisServer, options: RqWorkerOptions = {}): Promise<RqWorker> {
    const { queues = ["default"], serializer = "pickle", keyPrefix } = options;
    const release = options.release ?? Deno.env.get("RQ_RELEASE");
    const paths = release === undefined ? [] : [await installRq(release)];
    const directory = await TempDir.create();
    const recorded = directory.file("recorded");
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
        CWM_RECORDED: recorded,
      },
    });
    const worker = new RqWorker(process, directory, recorded);
    await process.waitForLine(/Listening on/);
    return worker;
  }

  /** The calls so far, in order. */
  calls(): Promise<readonly RecordedCall[]> {
    return this.#recorded.read();
  }

  /** Waits until so many jobs have run; says what the worker printed when they do not. */
  waitForCalls(count: number): Promise<readonly RecordedCall[]> {
    return this.#recorded.waitFor(count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}
