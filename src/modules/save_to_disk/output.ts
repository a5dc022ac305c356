/**
 * The output of one directory of `save_to_disk`: the directory is looked at and flushed once for all files of a batch.
 *
 * @module
 */

import { type BlockingCalls, TooManyCallsError } from "../../io/blocking_calls.ts";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import { judgeDiskError } from "./errors.ts";
import type { DiskWriter, DiskWriters } from "./writer/disk_writer.ts";
import type { NewFile } from "./writer/file_set.ts";
import type { FileOutcome } from "./writer/protocol.ts";

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
  fileOf(event: Event, config: Config): NewFile;
}

/** Where a directory is. */
export interface RealDirectory {
  /** Without symbolic links. */
  readonly path: string;
  /** The number of its file system. */
  readonly device: number;
}

/** Writes the events of one directory. */
export class DirectoryOutput<Config> implements Output<Config> {
  readonly #rules: FileRules<Config>;
  readonly #calls: BlockingCalls;
  readonly #writers: DiskWriters;
  /** By the number of the file system; more than one where a directory was mounted upon. */
  readonly #writerOf = new Map<number, DiskWriter>();
  readonly #underWay = new Set<Promise<unknown>>();

  /** @param calls bounds the threads that look at directories */
  constructor(rules: FileRules<Config>, calls: BlockingCalls, writers: DiskWriters) {
    this.#rules = rules;
    this.#calls = calls;
    this.#writers = writers;
  }

  async deliver(
    batch: readonly Delivery<Config>[],
    { signal }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    if (batch.length === 0) return [];
    const work = this.#writeByDirectory(batch, signal);
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /** There is nothing to ask: whether a directory takes files shows with the first. */
  probe(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits for attempts that were given up while the disk was at work: they still have files open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#underWay);
    for (const device of this.#writerOf.keys()) this.#writers.release(device);
    this.#writerOf.clear();
  }

  /** The gateway has one output for each directory; whoever else has events of several gets them right, too. */
  async #writeByDirectory(
    batch: readonly Delivery<Config>[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryResult[]> {
    const { directoryOf } = this.#rules;
    const groups = Map.groupBy(batch.keys(), (index) => directoryOf(batch[index]!.config));
    if (groups.size === 1) return await this.#write(batch, signal);
    const results: DeliveryResult[] = [];
    for (const indexes of groups.values()) {
      const written = await this.#write(indexes.map((index) => batch[index]!), signal);
      for (const [position, index] of indexes.entries()) results[index] = written[position]!;
    }
    return results;
  }

  /** Never throws: what happens is a result. All configurations name one directory. */
  async #write(batch: readonly Delivery<Config>[], signal: AbortSignal): Promise<readonly DeliveryResult[]> {
    const { config } = batch[0]!;
    const configured = this.#rules.directoryOf(config);
    try {
      const { path, device } = await this.#calls.run(configured, NEVER, () => this.#rules.resolve(config));
      if (signal.aborted) return batch.map(() => late());
      const files = batch.map(({ event, config }) => this.#rules.fileOf(event, config));
      const outcomes = await this.#writer(device).write(path, files, signal);
      return outcomes.map((outcome, index) => resultOf(outcome, configured, files[index]!.name));
    } catch (error) {
      const failure = asDeliveryError(error, configured);
      return batch.map(() => failure);
    }
  }

  #writer(device: number): DiskWriter {
    let writer = this.#writerOf.get(device);
    if (writer === undefined) this.#writerOf.set(device, writer = this.#writers.acquire(device));
    return writer;
  }
}

/** A look at a directory cannot be ended; whether somebody still waits is looked at behind it. */
const NEVER = new AbortController().signal;

function resultOf(outcome: FileOutcome, directory: string, name: string): DeliveryResult {
  switch (outcome) {
    case "written":
      return "delivered";
    case "cancelled":
      return late();
    case "exists":
      return new DeliveryError(
        "output_failed",
        `File ${name} exists already in ${directory} and is not replaced`,
      );
    default:
      return judgeDiskError(Object.assign(new Error(outcome.message), { code: outcome.code }), directory);
  }
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
