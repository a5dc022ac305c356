/**
 * Real workers of Celery, Dramatiq, arq and TaskIQ, as Python's package index has them, each in an environment of its
 * own: they do not want the same releases of the client for Redis.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { ChildProcess } from "../../process/child_process.ts";
import { installPythonPackage, type PythonPackage } from "../../python_package.ts";
import { TempDir } from "../../temp_dir.ts";
import { RecordedCalls } from "../recorded_calls.ts";
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
  readonly #recorded: RecordedCalls<RecordedTask>;

  private constructor(process: ChildProcess, directory: TempDir, recorded: string) {
    this.#process = process;
    this.#directory = directory;
    this.#recorded = new RecordedCalls(recorded, process);
  }

  /** Starts a worker and waits until it takes tasks. */
  static async start(redis: RedisServer, kind: WorkerKind): Promise<TaskWorker> {
    const { package: release, args, isReady } = KINDS[kind];
    const installed = await installPythonPackage(release);
    const directory = await TempDir.create();
    const recorded = directory.file("recorded");
    const process = ChildProcess.spawn("python3", {
      args: [...args],
      cwd: directory.path,
      env: {
        PYTHONPATH: [fromFileUrl(new URL(".", import.meta.url)), installed].join(":"),
        PYTHONDONTWRITEBYTECODE: "1",
        PYTHONUNBUFFERED: "1",
        CWM_REDIS: redis.url,
        CWM_KEY_PREFIX: KEY_PREFIX,
        CWM_RECORDED: recorded,
      },
    });
    await process.waitForLine(isReady);
    return new TaskWorker(process, directory, recorded);
  }

  /** The calls so far, in order. */
  calls(): Promise<readonly RecordedTask[]> {
    return this.#recorded.read();
  }

  /** Waits until so many tasks have run; says what the worker printed when they do not. */
  waitForCalls(count: number): Promise<readonly RecordedTask[]> {
    return this.#recorded.waitFor(count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}
