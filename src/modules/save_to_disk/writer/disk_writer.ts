/**
 * The threads that files are written in: one for each file system, while an output uses it, so that a disk that hangs
 * holds up nobody else's files.
 *
 * @module
 */

import { assertCount, DeliveryError } from "../../../errors.ts";
import type { FileOutcome, FromDiskWorker, ToDiskWorker } from "./protocol.ts";
import type { NewFile } from "./file_set.ts";

/** Most threads. Further file systems share them. */
const MAX_WRITERS = 8;

/** Writes files of one file system in a thread of its own. */
export class DiskWriter {
  #worker: Worker | undefined;
  readonly #orders = new Map<number, PromiseWithResolvers<readonly FileOutcome[]>>();
  #nextOrder = 0;

  /**
   * Writes files of a directory; one outcome each, when all are on the disk or cannot be.
   *
   * @param directory real path of a directory that exists
   * @param signal when it aborts, files that have no name yet get none
   * @throws {DeliveryError} `output_failed` when the thread failed
   */
  async write(
    directory: string,
    files: readonly NewFile[],
    signal: AbortSignal,
  ): Promise<readonly FileOutcome[]> {
    const order = this.#nextOrder++;
    const pending = Promise.withResolvers<readonly FileOutcome[]>();
    this.#orders.set(order, pending);
    const contents = joined(files);
    const ordered = files.map(({ name, content, isSameIfExists }) => ({
      name,
      isSameIfExists,
      size: content.byteLength,
    }));
    this.#post({ type: "write", order, directory, files: ordered, contents }, [contents.buffer]);
    const cancel = () => this.#post({ type: "cancel", order });
    signal.addEventListener("abort", cancel);
    try {
      return await pending.promise;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Ends the thread. Nothing may be under way. */
  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #post(message: ToDiskWorker, transferred: Transferable[] = []): void {
    this.#worker ??= this.#open();
    this.#worker.postMessage(message, transferred);
  }

  #open(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "disk" });
    worker.onmessage = ({ data: { order, outcomes } }: MessageEvent<FromDiskWorker>) => {
      this.#orders.get(order)?.resolve(outcomes);
      this.#orders.delete(order);
    };
    worker.onerror = (event) => {
      // Otherwise it would end the gateway.
      event.preventDefault();
      this.#fail(event.message);
    };
    return worker;
  }

  /** The next order opens another thread. */
  #fail(reason: string): void {
    this.close();
    const error = new DeliveryError("output_failed", `The thread that writes files failed: ${reason}`);
    for (const { reject } of this.#orders.values()) reject(error);
    this.#orders.clear();
  }
}

function joined(files: readonly NewFile[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const { content } of files) size += content.byteLength;
  const contents = new Uint8Array(size);
  let at = 0;
  for (const { content } of files) {
    contents.set(content, at);
    at += content.byteLength;
  }
  return contents;
}

/** A writer with those that use it. */
interface SharedWriter {
  readonly writer: DiskWriter;
  users: number;
}

/** Writers by the number of their file system. */
export class DiskWriters {
  readonly #byDevice = new Map<number, SharedWriter>();

  /** The writer of a file system, until it is released. */
  acquire(device: number): DiskWriter {
    const shared = this.#byDevice.get(device) ?? this.#add(device);
    shared.users++;
    return shared.writer;
  }

  /** Gives a writer back; the last user ends its thread. */
  release(device: number): void {
    const shared = this.#byDevice.get(device);
    if (shared === undefined) return;
    shared.users = assertCount(shared.users - 1, "users of a disk's writer");
    if (shared.users > 0) return;
    for (const [key, value] of this.#byDevice) if (value === shared) this.#byDevice.delete(key);
    shared.writer.close();
  }

  #add(device: number): SharedWriter {
    const writers = new Set(this.#byDevice.values());
    const [first] = [...writers].sort((one, other) => one.users - other.users);
    const shared = first !== undefined && writers.size >= MAX_WRITERS
      ? first
      : { writer: new DiskWriter(), users: 0 };
    this.#byDevice.set(device, shared);
    return shared;
  }
}

/** The threads of this process. */
export const diskWriters = new DiskWriters();
