/**
 * The output of one directory of `save_to_disk`. What arrives while files are being written is written together
 * next: the directory is looked at and flushed once for all of them.
 *
 * @module
 */

import { type BlockingCalls, TooManyCallsError } from "../../io/blocking_calls.ts";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import { flushDirectory } from "../../io/durable_file.ts";
import { createFile, judgeDiskError } from "./files.ts";

/** Most files that are written together. */
const MAX_FILES = 64;

/** How many such batches are under way at once: while one waits for the disk, another prepares. */
const MAX_UNDERWAY = 2;

/** How many files of a batch are written at once: disks make several durable in the time of one. */
const MAX_AT_ONCE = 6;

/** How a directory's events become files. */
export interface FileRules<Config> {
  /** Where the events of a configuration are saved; not resolved, for the operator to read. */
  directoryOf(config: Config): string;
  /**
   * Makes the directory where it is missing, and finds out where it is.
   *
   * @throws {DeliveryError} when nothing may be written there
   */
  resolve(config: Config): Promise<RealDirectory>;
  /** Name and content of an event's file. */
  fileOf(event: Event, config: Config): NamedContent;
}

/** Where a directory is. */
export interface RealDirectory {
  /** Without symbolic links. */
  readonly path: string;
  /** The number of its file system. */
  readonly device: number;
}

/** What is to be in a directory. */
export interface NamedContent {
  readonly name: string;
  readonly content: Uint8Array;
  /** Whether a file that has this name already is the same one, from an attempt whose end nobody learnt of. */
  readonly isSameIfExists: boolean;
}

/** Writes the events of one directory. */
export class DirectoryOutput<Config> implements Output<Config> {
  readonly #rules: FileRules<Config>;
  readonly #calls: BlockingCalls;
  readonly #waiting = new Set<WaitingFile<Config>>();
  readonly #underway = new Set<Promise<void>>();

  /** @param calls bounds the threads that wait for one disk */
  constructor(rules: FileRules<Config>, calls: BlockingCalls) {
    this.#rules = rules;
    this.#calls = calls;
  }

  deliver(
    batch: readonly Delivery<Config>[],
    { signal }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    return Promise.all(batch.map((delivery) => this.#save(delivery, signal)));
  }

  /** There is nothing to ask: whether a directory takes files shows with the first. */
  probe(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits for attempts that were given up while the disk was at work: they still have files open. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#waiting) {
      file.settle(new DeliveryError("output_unavailable", "The output is closed"));
    }
    this.#waiting.clear();
    await Promise.all(this.#underway);
  }

  #save(delivery: Delivery<Config>, signal: AbortSignal): Promise<DeliveryResult> {
    const file = new WaitingFile(delivery, signal, () => this.#waiting.delete(file));
    if (file.isSettled) return file.result;
    this.#waiting.add(file);
    this.#begin();
    return file.result;
  }

  /** Writes what waits, unless enough is being written: then more comes together meanwhile. */
  #begin(): void {
    if (this.#waiting.size === 0 || this.#underway.size >= MAX_UNDERWAY) return;
    const batch = this.#takeBatch();
    const work = this.#write(batch).finally(() => {
      this.#underway.delete(work);
      this.#begin();
    });
    this.#underway.add(work);
  }

  #takeBatch(): readonly WaitingFile<Config>[] {
    const batch: WaitingFile<Config>[] = [];
    for (const file of this.#waiting) {
      if (batch.length === MAX_FILES) break;
      this.#waiting.delete(file);
      batch.push(file);
    }
    return batch;
  }

  /** Writes files, and then makes their names durable with one flush. Never throws. */
  async #write(files: readonly WaitingFile<Config>[]): Promise<void> {
    const { config } = files[0]!.delivery;
    const configured = this.#rules.directoryOf(config);
    try {
      const directory = await this.#block(configured, () => this.#rules.resolve(config));
      // Directories of one disk share its threads, since they would hang together.
      const disk = `disk ${directory.device}`;
      const rest = files.values();
      const lane = async () => {
        for (const file of rest) {
          await this.#block(disk, () => this.#create(file, directory.path, configured));
        }
      };
      await Promise.all(Array.from({ length: MAX_AT_ONCE }, lane));
      if (files.some(({ isSettled }) => !isSettled)) {
        await this.#block(disk, () => flushDirectory(directory.path));
      }
    } catch (error) {
      const failure = asDeliveryError(error, configured);
      for (const file of files) file.settle(failure);
    }
    for (const file of files) file.settle("delivered");
  }

  /** Puts a file in place, or settles it with the reason why not. */
  async #create(file: WaitingFile<Config>, directory: string, configured: string): Promise<void> {
    if (file.isSettled) return;
    const { event, config } = file.delivery;
    try {
      await createFile({ directory, ...this.#rules.fileOf(event, config) }, file.signal);
    } catch (error) {
      file.settle(asDeliveryError(error, configured));
    }
  }

  #block<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    return this.#calls.run(key, NEVER, work);
  }
}

/** Work that waits for a thread is skipped once nobody waits for it: see {@linkcode WaitingFile.isSettled}. */
const NEVER = new AbortController().signal;

/** An event whose file somebody waits for. */
class WaitingFile<Config> {
  readonly delivery: Delivery<Config>;
  readonly signal: AbortSignal;
  readonly result: Promise<DeliveryResult>;
  readonly #resolve: (result: DeliveryResult) => void;
  readonly #forget: () => void;
  isSettled = false;

  /** @param forget is called when the signal aborts: disk operations cannot be aborted, but need not begin */
  constructor(delivery: Delivery<Config>, signal: AbortSignal, forget: () => void) {
    this.delivery = delivery;
    this.signal = signal;
    this.#forget = forget;
    const { promise, resolve } = Promise.withResolvers<DeliveryResult>();
    this.result = promise;
    this.#resolve = resolve;
    if (signal.aborted) this.settle(late());
    else signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Only the first result counts. */
  settle(result: DeliveryResult): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.signal.removeEventListener("abort", this.#abort);
    this.#resolve(result);
  }

  readonly #abort = () => {
    this.#forget();
    this.settle(late());
  };
}

function late(): DeliveryError {
  return new DeliveryError("output_timeout", "The disk did not take the event in time");
}

function asDeliveryError(error: unknown, directory: string): DeliveryError {
  if (error instanceof TooManyCallsError) {
    return new DeliveryError("output_unavailable", `Too many files wait for the disk of ${directory}`);
  }
  return error instanceof DeliveryError ? error : judgeDiskError(error, directory);
}
