/**
 * Where the last good configuration is kept.
 *
 * @module
 */

import { join } from "@std/path";

/** Where it is kept. */
export interface SnapshotSettings {
  readonly file: string;
  /** Whether its directory is made when it is not there: it is one of the data directory then. */
  readonly makesDirectory: boolean;
}

/** What `CONFIG_SNAPSHOT_FILE` says where nothing is to be kept. */
const NONE = "none";

/** The backends, each of which has a file of its own in the data directory. */
type Backend = "file" | "etcd";

/** The settings; `undefined` where nothing is kept. */
export function snapshotSettings(
  { CONFIG_SNAPSHOT_FILE: named, CONFIG_BACKEND: backend, DATA_DIR: dataDir }: {
    readonly CONFIG_SNAPSHOT_FILE: string | undefined;
    readonly CONFIG_BACKEND: Backend;
    readonly DATA_DIR: string;
  },
): SnapshotSettings | undefined {
  if (named?.toLowerCase() === NONE) return undefined;
  return named === undefined
    ? { file: defaultSnapshotFile(dataDir, backend), makesDirectory: true }
    : { file: named, makesDirectory: false };
}

/** The file in the data directory. */
export function defaultSnapshotFile(dataDir: string, backend: Backend): string {
  return join(dataDir, "config", `${backend}.snapshot`);
}
