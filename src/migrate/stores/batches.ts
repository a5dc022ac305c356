/**
 * Splits changes into transactions that etcd takes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { formatConfigKey } from "../../event/names.ts";
import type { Change } from "../configuration.ts";

/** etcd's default for `--max-txn-ops`. */
const MAX_OPERATIONS = 128;

/** Below which a transaction of several changes stays, in bytes: well within etcd's limit. */
const BATCH_BYTES = 1024 * 1024;

/** etcd's default for `--max-request-bytes`. */
export const MAX_REQUEST_BYTES = 1.5 * 1024 * 1024;

/** What a change takes of a request besides its key and value, at most, in bytes. */
const OVERHEAD_BYTES = 160;

/**
 * The size of a transaction with this change alone: the key is in a comparison, in the change, and in the
 * question what stands there if the comparison fails.
 */
export function requestBytes({ key, text = "" }: Pick<Change, "key" | "text">, prefix: string): number {
  const keyBytes = Buffer.byteLength(prefix) + formatConfigKey(key).length;
  return 3 * keyBytes + Buffer.byteLength(text) + OVERHEAD_BYTES;
}

/** Splits changes into transactions that etcd takes, in order. */
export function planBatches(changes: readonly Change[], prefix: string): Change[][] {
  const batches: Change[][] = [];
  let batch: Change[] = [];
  let bytes = 0;
  for (const change of changes) {
    const size = requestBytes(change, prefix);
    if (batch.length === MAX_OPERATIONS || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(change);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
