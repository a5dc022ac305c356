/**
 * Real workers of Celery, Dramatiq, arq and TaskIQ, as Python's package index has them, each in an environment of its
 * own: they do not want the same releases of the client for Redis.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { ChildProcess } from "../../process/child_process.ts";
import { eventually } from "../../eventually.ts";
import { installPythonPackage, type PythonPackage } from "../../python_package.ts";
import { TempDir } from "../../temp_dir.ts";
import type { RedisServer } from "../server.ts";

/** What a function wrote down about a call; see `recorded.py`. */
export interface RecordedTask {
  /** Python's name for the payload's type, for example `dict`. */
  readonly type: string;
  /** As JSON, or in Base64 when it is `bytes`. */
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly id: string;
  /** What the worker knows besides, by names that are its own. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** How workers of one kind are started. */
interface Kind {
  readonly package: PythonPackage;
  /** Arguments of Python. */
  readonly args: readonly string[];
  /** What the worker prints when it takes tasks. */
  readonly isReady: RegExp;
}

const CELERY_ARGS = ["--pool", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat"];

const KINDS = {
  celery: {
    package: { name: "celery", version: "5.7.0", beside: ["redis==8.1.0"] },
    args: ["-m", "celery", "-A", "celery_app", "worker", ...CELERY_ARGS, "--loglevel", "INFO", "-Q", "high"],
    isReady: /ready\./,
  },
  dramatiq: {
    package: { name: "dramatiq", version: "2.2.1", beside: ["redis==8.1.0"] },
    args: ["-m", "dramatiq_app"],
    isReady: /Taking tasks/,
  },
  arq: {
    package: { name: "arq", version: "0.28.0" },
    args: ["-m", "arq_app"],
    isReady: /Taking tasks/,
  },
  taskiq: {
    package: { name: "taskiq", version: "0.13.0", beside: ["taskiq-redis==1.2.4"] },
    args: ["-m", "taskiq_app"],
    isReady: /Taking tasks/,
  },
} as const satisfies Readonly<Record<string, Kind>>;

/** Which worker. */
export type WorkerKind = keyof typeof KINDS;

/** Begins the keys of Celery's and Dramatiq's workers. */
export const KEY_PREFIX = "acme";

/** A worker that runs the functions of this folder. */
export class TaskWorker implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #directory: TempDir;

  private constructor(process: ChildProcess, directory: TempDir) {
    this.#process = process;
    this.#directory = directory;
  }

  /** Starts a worker and waits until it takes tasks. */
  static async start(redis: RedisServer, kind: WorkerKind): Promise<TaskWorker> {
    const { package: release, args, isReady } = KINDS[kind];
    const installed = await installPythonPackage(release);
    const directory = await TempDir.create();
    const process = ChildProcess.spawn("python3", {
      args: [...args],
      cwd: directory.path,
      env: {
        PYTHONPATH: [fromFileUrl(new URL(".", import.meta.url)), installed].join(":"),
        PYTHONDONTWRITEBYTECODE: "1",
        PYTHONUNBUFFERED: "1",
        CWM_REDIS: redis.url,
        CWM_KEY_PREFIX: KEY_PREFIX,
        CWM_RECORDED: directory.file("recorded"),
      },
    });
    await process.waitForLine(isReady);
    return new TaskWorker(process, directory);
  }

  /** The calls so far, in order. */
  async calls(): Promise<readonly RecordedTask[]> {
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

  /** Waits until so many tasks have run; says what the worker printed when they do not. */
  async waitForCalls(count: number): Promise<readonly RecordedTask[]> {
    return await eventually(async () => {
      const calls = await this.calls();
      if (calls.length < count) {
        throw new Error(`${calls.length} of ${count} tasks ran: ${this.#process.output}`);
      }
      return calls;
    }, { timeoutMs: 20_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}
