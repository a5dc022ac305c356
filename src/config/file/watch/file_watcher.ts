/**
 * Watches files from a worker, so that a file system that hangs holds up no request.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { FromWatchWorker, ToWatchWorker } from "./protocol.ts";

/** How long the worker may take to watch the way to files, in milliseconds: the first time it has to be started. */
const TIMEOUT_MS = 2_000;

/** The thread that a watcher asks, and whom it notifies. */
export interface FileWatcherOptions {
  /** Called when something on the way to a path may have changed. */
  readonly onChange: () => void;
  /** How long to wait for further events before `onChange`, in milliseconds; at most five times as long in all. */
  readonly debounceMs: number;
  readonly logger: Logger;
  /** How long the worker may take to watch the way to files, in milliseconds. @default 2000 */
  readonly timeoutMs?: number;
  /** @default a worker that watches directories */
  readonly openWorker?: () => Worker;
}

interface Order {
  readonly resolve: () => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Notices changes of files in a worker, so that a mount whose server is gone holds up no request. While the worker
 * does not answer, nothing is noticed: the owner must also look from time to time.
 */
export class FileWatcher implements AsyncDisposable {
  readonly #options: FileWatcherOptions;
  readonly #orders = new Map<number, Order>();
  #nextOrder = 0;
  #worker: Worker | undefined;
  /** Whether the worker has not answered in time, so that it is not asked for more. */
  #isLate = false;
  #closed = false;

  constructor(options: FileWatcherOptions) {
    this.#options = options;
  }

  /**
   * Watches the way to each of the paths as it is now, and nothing else any more. Call it before each look at the
   * files: what changes after it resolves is noticed, and links may lead elsewhere by then. It also resolves, and
   * nothing is noticed, when the worker does not answer in time; `onChange` says when it has answered after all.
   */
  async follow(paths: readonly string[]): Promise<void> {
    if (this.#closed || this.#isLate) return;
    this.#worker ??= this.#open();
    const order = this.#nextOrder++;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#giveUp(order), this.#options.timeoutMs ?? TIMEOUT_MS);
    this.#orders.set(order, { resolve, timer });
    post(this.#worker, { type: "follow", order, paths });
    await promise;
  }

  /** Ends the worker, whatever it does. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#end();
    return Promise.resolve();
  }

  #open(): Worker {
    const { openWorker = openWatchWorker, debounceMs, logger } = this.#options;
    const worker = openWorker();
    worker.onmessage = ({ data }: MessageEvent<FromWatchWorker>) => this.#take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      logger.error("The watch of files has failed, and begins again: {reason}", { reason: event.message });
      this.#end();
    };
    post(worker, { type: "open", debounceMs });
    return worker;
  }

  #take(message: FromWatchWorker): void {
    if (this.#closed) return;
    switch (message.type) {
      case "changed":
        return this.#options.onChange();
      case "followed":
        return this.#settle(message.order);
      case "unwatchable": {
        const { directory, reason } = message;
        return this.#options.logger.warning(
          "Cannot watch {directory}: changes of the files in it are noticed late. If the system's limit is " +
            "reached, raise fs.inotify.max_user_watches and fs.inotify.max_user_instances",
          { directory, error: reason },
        );
      }
    }
  }

  #settle(order: number): void {
    const { resolve, timer } = this.#orders.get(order)!;
    clearTimeout(timer);
    this.#orders.delete(order);
    resolve();
    if (!this.#isLate || this.#orders.size > 0) return;
    this.#isLate = false;
    this.#options.logger.info("The files of the configuration can be watched again");
    this.#options.onChange();
  }

  /** The order stays, so that its end is known. */
  #giveUp(order: number): void {
    this.#orders.get(order)?.resolve();
    if (this.#isLate) return;
    this.#isLate = true;
    this.#options.logger.warning(
      "The files of the configuration cannot be watched, since the disk does not answer: is a mount gone? " +
        "Until it answers, changes are noticed late",
    );
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#isLate = false;
    for (const { resolve, timer } of this.#orders.values()) {
      clearTimeout(timer);
      resolve();
    }
    this.#orders.clear();
  }
}

function openWatchWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "watch" });
}

function post(worker: Worker, message: ToWatchWorker): void {
  worker.postMessage(message);
}
