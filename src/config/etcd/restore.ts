/**
 * What is taken from the snapshot of etcd at a start: its values, while etcd cannot be reached, and those that were in
 * service before newer ones that are bad.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Logger } from "@logtape/logtape";
import { POLICY_KEY } from "../../event/names.ts";
import { inSlices } from "../../time/pace.ts";
import type { ConfigSink } from "../provider.ts";
import { readSnapshot, type Snapshot, SnapshotError, type SnapshotKey } from "../snapshot/file.ts";
import type { EtcdMirror, KeyChange } from "./mirror/mirror.ts";
import { EtcdValue } from "./wire/value.ts";

/** What a key's value is taken for that a snapshot could not hold: not UTF-8. */
const NOT_UTF8 = Buffer.of(0xff);

/** Where a snapshot is read from. */
export interface StoredOptions {
  readonly path: string;
  /** What all keys begin with: a snapshot of other keys is not used. */
  readonly prefix: string;
  /** Learns why the file cannot be used. */
  readonly sink: ConfigSink;
  readonly logger: Logger;
}

/** The snapshot; `undefined` when there is no file, it cannot be used, or the signal aborted. It does not throw. */
export async function readStored(
  { path, prefix, sink, logger }: StoredOptions,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  try {
    const snapshot = await readSnapshot(path, { format: "cwm-etcd-snapshot", prefix }, signal);
    if (snapshot?.othersMayRead === true) {
      const advice = "Users other than the gateway's may read {path}, which may hold secrets: chmod 600 it";
      logger.warning(advice, { path });
    }
    return snapshot;
  } catch (error) {
    if (signal.aborted) return undefined;
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof SnapshotError)) {
      logger.error("Cannot read {path}: {message}", { path, message, error });
    }
    sink.reportSource(path, { code: "file_unreadable", path: "", message }, "");
    return undefined;
  }
}

/**
 * Puts all of the snapshot into service, and moves the mirror to its position.
 *
 * @throws {DOMException} the signal's reason, when it aborts first
 */
export async function applyStored(
  snapshot: Snapshot,
  mirror: EtcdMirror,
  signal: AbortSignal,
): Promise<void> {
  // The policy before what it is about.
  mirror.apply(snapshot.keys.filter(([name]) => name === POLICY_KEY).map(toChange));
  await inSlices(snapshot.keys, (slice) => void mirror.apply(slice.map(toChange)), signal);
  mirror.position.replace({ ...snapshot, term: 0 });
}

function toChange([name, revision, text, created = 0]: SnapshotKey): KeyChange {
  return { name, revision, created, value: new EtcdValue(text === null ? NOT_UTF8 : Buffer.from(text)) };
}
