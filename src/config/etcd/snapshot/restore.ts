/**
 * Puts the last known state into service, for a start while etcd cannot be reached.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Logger } from "@logtape/logtape";
import { inSlices } from "../../../time/pace.ts";
import type { ConfigSink } from "../../provider.ts";
import type { EtcdMirror, KeyChange } from "../mirror/mirror.ts";
import { EtcdValue } from "../wire/value.ts";
import { readSnapshot, SnapshotError, type SnapshotKey } from "./file.ts";

/** What a key's value is taken for that a snapshot could not hold: not UTF-8. */
const NOT_UTF8 = Buffer.of(0xff);

/** Where a snapshot is restored from, and to. */
export interface RestoreOptions {
  readonly path: string;
  /** What all keys begin with: a snapshot of other keys is not used. */
  readonly prefix: string;
  readonly mirror: EtcdMirror;
  /** Learns why the file cannot be used. */
  readonly sink: ConfigSink;
  readonly logger: Logger;
}

/**
 * Applies the snapshot, and moves the mirror to its position.
 *
 * @returns the names of its keys; `undefined` when there is no file, it cannot be used, or the signal aborted. It does
 * not throw
 */
export async function restoreSnapshot(
  { path, prefix, mirror, sink, logger }: RestoreOptions,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    const snapshot = await readSnapshot(path, prefix, signal);
    if (snapshot === undefined) return undefined;
    const { keys, othersMayRead } = snapshot;
    if (othersMayRead) {
      const advice = "Users other than the gateway's may read {path}, which may hold secrets: chmod 600 it";
      logger.warning(advice, { path });
    }
    await inSlices(keys, (slice) => void mirror.apply(slice.map(toChange)), signal);
    mirror.position.replace({ ...snapshot, term: 0 });
    return keys.map(([name]) => name);
  } catch (error) {
    if (signal.aborted) return undefined;
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof SnapshotError)) {
      logger.error("Cannot restore {path}: {message}", { path, message, error });
    }
    sink.reportSource(path, { code: "file_unreadable", path: "", message }, "");
    return undefined;
  }
}

function toChange([name, revision, text, created = 0]: SnapshotKey): KeyChange {
  return { name, revision, created, value: new EtcdValue(text === null ? NOT_UTF8 : Buffer.from(text)) };
}
