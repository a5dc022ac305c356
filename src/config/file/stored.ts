/**
 * What is kept of the files for the next start: the entries that were good last, for files that are broken or gone
 * then, and those that were in service before newer ones that are bad.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { Pace } from "../../time/pace.ts";
import type { ConfigSink, SnapshotStatus, Standing } from "../provider.ts";
import {
  type FormerValue,
  readSnapshot,
  SnapshotError,
  type SnapshotKey,
  type SnapshotOrigin,
} from "../snapshot/file.ts";
import { type SnapshotPlace, SnapshotWriter } from "../snapshot/writer.ts";
import type { EntriesFile, EntryChange } from "./entries_file.ts";

/** The files as rows of a snapshot name them. */
const KINDS = ["connections", "webhooks"] as const;

/** One of {@linkcode KINDS}. */
type StoredKind = typeof KINDS[number];

/** What is kept, and where. */
export interface FileStoreOptions {
  readonly place: SnapshotPlace;
  readonly files: Readonly<Record<StoredKind, EntriesFile>>;
  /** The namespace of all webhooks. */
  readonly namespace: string;
  readonly logger: Logger;
  readonly sink: ConfigSink;
  /** Counts the changes; `undefined` while what was read is not all that must be there. */
  readonly generation: () => number | undefined;
  /** The shortest time between two writes, in milliseconds. @default 5000 */
  readonly intervalMs?: number | undefined;
}

/** Keeps the snapshot of the files. Disposal writes what is new for the last time. */
export class FileStore implements AsyncDisposable {
  readonly #options: FileStoreOptions;
  readonly #writer: SnapshotWriter;

  constructor(options: FileStoreOptions) {
    this.#options = options;
    const { place, logger, intervalMs, sink, generation } = options;
    this.#writer = new SnapshotWriter({
      place,
      logger,
      ...(intervalMs === undefined ? {} : { intervalMs }),
      source: {
        get generation() {
          return generation();
        },
        copy: () => ({
          head: { ...this.#origin, clusterId: "", revision: generation() ?? 0 },
          keys: this.#rows(),
        }),
      },
      onWritten: () => sink.reportSource(place.file, undefined, ""),
    });
  }

  get status(): SnapshotStatus {
    return this.#writer.status;
  }

  /** Something has changed. */
  notify(): void {
    this.#writer.notify();
  }

  /** Hands what an earlier process has kept to the files, before they are read. It does not throw. */
  async restore(signal: AbortSignal): Promise<void> {
    const { place: { file: path }, files, logger, sink } = this.#options;
    try {
      const snapshot = await readSnapshot(path, this.#origin, signal);
      if (snapshot === undefined) return;
      if (snapshot.othersMayRead) {
        const advice = "Users other than the gateway's may read {path}, which may hold secrets: chmod 600 it";
        logger.warning(advice, { path });
      }
      for (const kind of KINDS) files[kind].restore(await rowsOf(kind, snapshot.keys, signal));
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      if (!(error instanceof SnapshotError)) {
        logger.error("Cannot read {path}: {message}", { path, message, error });
      }
      sink.reportSource(path, { code: "file_unreadable", path: "", message }, "");
    }
  }

  /** An entry is about to change. */
  supersede({ file, name, isFormer }: EntryChange): void {
    const { sink, generation } = this.#options;
    // What an earlier process had in service is known already.
    if (isFormer === true) return;
    const text = file.reported.entries.get(name);
    if (text === undefined) return;
    const standing = sink.standing?.(file.keyOf(name)) ?? "served";
    file.lastGood.supersede(name, [generation() ?? 0, text], standing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
  }

  /** Of other files, or for another namespace, it is not used. */
  get #origin(): SnapshotOrigin {
    const { files, namespace } = this.#options;
    const paths = KINDS.map((kind) => files[kind].paths.join(","));
    return { format: "cwm-file-snapshot", prefix: [...paths, namespace].join(" ") };
  }

  #rows(): Rows {
    const { files, sink, generation } = this.#options;
    return new Rows(
      generation() ?? 0,
      KINDS.map((kind) => {
        const file = files[kind];
        const standingOf = (name: string): Standing => sink.standing?.(file.keyOf(name)) ?? "served";
        file.lastGood.settle(standingOf);
        return { kind, entries: file.reported.entries, formers: file.lastGood.copy() };
      }),
    );
  }
}

/** The rows of a snapshot, made when their turn comes. */
class Rows implements Iterable<SnapshotKey> {
  constructor(
    private readonly revision: number,
    private readonly ofFiles: readonly {
      readonly kind: StoredKind;
      /** Nobody changes it: the next load makes another one. */
      readonly entries: ReadonlyMap<string, string>;
      readonly formers: ReadonlyMap<string, FormerValue>;
    }[],
  ) {}

  get length(): number {
    return this.ofFiles.reduce((sum, { entries }) => sum + entries.size, 0);
  }

  *[Symbol.iterator](): Generator<SnapshotKey, void> {
    for (const { kind, entries, formers } of this.ofFiles) {
      for (const [name, text] of entries) {
        const former = formers.get(name);
        const row = [`${kind}/${name}`, this.revision, text] as const;
        yield former === undefined ? row : [...row, 0, former];
      }
    }
  }
}

/** The rows of one file, named as its entries are. */
async function rowsOf(
  kind: StoredKind,
  rows: readonly SnapshotKey[],
  signal: AbortSignal,
): Promise<readonly SnapshotKey[]> {
  const pace = new Pace(signal);
  const prefix = `${kind}/`;
  const ofKind: SnapshotKey[] = [];
  for (const [name, revision, text, created, former] of rows) {
    await pace.keep();
    if (!name.startsWith(prefix)) continue;
    const row = [name.slice(prefix.length), revision, text] as const;
    ofKind.push(former === undefined ? row : [...row, created ?? 0, former]);
  }
  return ofKind;
}
