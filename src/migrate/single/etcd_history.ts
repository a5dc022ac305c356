/**
 * What a key in etcd has been, as far as etcd has not compacted it: its state at the compaction, and a watch from there
 * on, which reports deletions too.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { EtcdCallError, type EtcdConnection, toCallError } from "../../config/etcd/wire/connection.ts";
import type { WatchMessage } from "../../config/etcd/wire/watch_message.ts";
import type { FormerText, KeyHistory } from "./place.ts";

/** How long all of it may take, in milliseconds. */
const TIMEOUT_MS = 15_000;

/** Between two questions for progress, in milliseconds: 3.4 may answer the first one too early. */
const ASK_EVERY_MS = 150;

/** The newest versions that are kept: values may be large. */
const MAX_VERSIONS = 100;

/** @throws {EtcdCallError} when etcd does not give it */
export async function readHistory(connection: EtcdConnection, key: Buffer): Promise<KeyHistory> {
  const deadline = Date.now() + TIMEOUT_MS;
  const now = await connection.range({ key, keys_only: true }, deadline);
  const current = now.last?.revision;
  let from = 1;
  for (;;) {
    const watched = await watchFrom(connection, key, from, current, now.header.revision, deadline);
    if ("compactedAt" in watched) {
      // It may be compacted again meanwhile.
      from = watched.compactedAt + 1;
      continue;
    }
    const first = from === 1 ? [] : await stateAt(connection, key, from - 1, deadline);
    if (first === undefined) continue;
    const all = [...first, ...watched.versions];
    return { versions: all.slice(-MAX_VERSIONS), reach: describeReach(from - 1, all.length) };
  }
}

function describeReach(compactedAt: number, count: number): string {
  if (count > MAX_VERSIONS) {
    return `Only the newest ${MAX_VERSIONS} versions are listed: there are older ones`;
  }
  if (compactedAt === 0) return "etcd has compacted nothing: this is all there has ever been";
  return `etcd has compacted its history up to revision ${compactedAt}: what was before is gone`;
}

/** What stood there when history was compacted. `undefined` where that is gone by now as well. */
async function stateAt(
  connection: EtcdConnection,
  key: Buffer,
  revision: number,
  deadline: number,
): Promise<readonly FormerText[] | undefined> {
  try {
    const { last } = await connection.range({ key, revision: String(revision) }, deadline);
    return last === undefined ? [] : [{ revision: last.revision, text: last.readValue().text ?? "" }];
  } catch (error) {
    if (error instanceof EtcdCallError && error.failure === "out_of_range") return undefined;
    throw error;
  }
}

type Watched = { readonly versions: readonly FormerText[] } | { readonly compactedAt: number };

/**
 * All changes of the key from a revision on.
 *
 * @param current the revision of what stands there now; `undefined` for nothing
 * @param head etcd's revision at that moment
 */
async function watchFrom(
  connection: EtcdConnection,
  key: Buffer,
  from: number,
  current: number | undefined,
  head: number,
  deadline: number,
): Promise<Watched> {
  // A watch that begins in the future has nothing to say.
  if (from > head) return { versions: [] };
  const stream = await connection.watch();
  const { promise, resolve, reject } = Promise.withResolvers<Watched>();
  const versions: FormerText[] = [];
  let answers = 0;
  // Where nothing stands any more, only a second answer proves that the deletion has been heard of.
  const isComplete = () =>
    current === undefined
      ? answers > 1
      : current < from || versions.some(({ revision }) => revision >= current);
  const take = (message: WatchMessage) => {
    if (message.compactRevision > 0) return resolve({ compactedAt: message.compactRevision });
    if (message.canceled) {
      return reject(new EtcdCallError("denied", `etcd refuses a watch: ${message.cancelReason}`));
    }
    for (const { isDelete, keyValue } of message.events) {
      const text = isDelete ? undefined : keyValue.readValue().text ?? "";
      versions.push({ revision: keyValue.revision, text });
      // One more than is listed says that there were more.
      if (versions.length > MAX_VERSIONS + 1) versions.shift();
    }
    if (message.isProgressAnswer) answers++;
    if (answers > 0 && isComplete()) resolve({ versions });
  };
  stream.on("data", (message) => {
    try {
      take(message);
    } catch (error) {
      reject(error);
    }
  });
  stream.on("error", (error) => reject(toCallError(error, `watch at ${connection.endpoint.name}`)));
  stream.on("end", () => reject(new EtcdCallError("unreachable", "etcd has ended the watch")));
  stream.write({ create_request: { key, start_revision: String(from) } });
  const asking = setInterval(() => stream.write({ progress_request: {} }), ASK_EVERY_MS);
  const late = setTimeout(
    () => reject(new EtcdCallError("timeout", "etcd does not give its history in time")),
    Math.max(0, deadline - Date.now()),
  );
  try {
    return await promise;
  } finally {
    clearInterval(asking);
    clearTimeout(late);
  }
}
