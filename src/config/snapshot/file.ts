/**
 * The last configuration on disk, for a start while its backend cannot be read or holds a bad value. Text, one JSON
 * document a line:
 *
 *     {"format":"cwm-etcd-snapshot","version":1,"prefix":"/cwm/","cluster_id":"…","revision":42,"keys":2}
 *     ["global/connections/redis_main",17,"{\"type\":…}",17]
 *     ["production/webhooks/orders",42,"{\"modul\":…}",23,[38,"{\"module\":…}"]]
 *     {"sha256":"…"}
 *
 * with name, revision, value and create_revision of each key, and, where that value is not the one that was in
 * service, revision and value of the one that was; and the digest of all lines before the last one. A value that is
 * not UTF-8 is `null`. Older files have no create_revision, and no second values. Of files, the format is
 * `cwm-file-snapshot`, and the prefix stands for their paths. The file holds secrets, as its backend does: mode 0600.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, type Hash } from "node:crypto";
import { basename, dirname, join } from "@std/path";
import { putInPlace, removeIfThere, writeAll, writeFlushed } from "../../io/durable_file.ts";
import { withinTime } from "../../io/small_file.ts";
import { breathe, Pace } from "../../time/pace.ts";

const VERSION = 1;
const NEWLINE = 10;

/** How long reading the file may take, in milliseconds. */
const READ_TIMEOUT_MS = 10_000;

/** Bits of a file's mode: of its group, and of all others. */
const MAY_BE_WRITTEN_BY_OTHERS = 0o022;
const MAY_BE_READ_BY_OTHERS = 0o044;

/** Lines and bytes that are formatted at a time, so that writing a large snapshot does not hold up requests. */
const LINES_AT_A_TIME = 1_000;
const CHARACTERS_AT_A_TIME = 256 * 1024;

/** Bytes that are digested at a time. */
const DIGESTED_AT_A_TIME = 1024 * 1024;

/** How old a file has to be that a write was to replace the snapshot with, for its writer to be gone, in milliseconds. */
const LEFT_OVER_MS = 10 * 60_000;

/** Of which backend a snapshot is. */
export type SnapshotFormat = "cwm-etcd-snapshot" | "cwm-file-snapshot";

/** What a snapshot has to be to be used. */
export interface SnapshotOrigin {
  readonly format: SnapshotFormat;
  /** What all keys in etcd begin with, or what stands for the paths of the files. */
  readonly prefix: string;
}

/** What a snapshot says of itself. */
export interface SnapshotHead extends SnapshotOrigin {
  /** Empty for files. */
  readonly clusterId: string;
  readonly revision: number;
}

/** A value that was in service before one that could not take its place. */
export type FormerValue = readonly [revision: number, text: string];

/** One key of a snapshot; `null` stands for a value that is not UTF-8. */
export type SnapshotKey = readonly [
  name: string,
  revision: number,
  text: string | null,
  created?: number,
  former?: FormerValue,
];

/** The keys that go into a snapshot. */
export interface SnapshotKeys extends Iterable<SnapshotKey> {
  readonly length: number;
}

/** A snapshot that was read. */
export interface Snapshot extends SnapshotHead {
  readonly keys: readonly SnapshotKey[];
  /** Whether users other than the gateway's may read the file, which may hold secrets. */
  readonly othersMayRead: boolean;
}

/** Why a snapshot file cannot be used. The message is for the operator. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/**
 * Writes a snapshot: into a file beside it, to disk, and then in the place of the former one, so that
 * there is a whole one at any time, whoever else writes one there.
 *
 * @throws {Error} of the operating system, for example when the disk is full; the former snapshot stays
 */
export async function writeSnapshot(
  path: string,
  head: SnapshotHead,
  keys: SnapshotKeys,
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}${TEMPORARY}`;
  try {
    await writeFlushed(temporary, { createNew: true, mode: 0o600 }, async (file) => {
      const digest = createHash("sha256");
      for (const chunk of formatLines(head, keys)) {
        digest.update(chunk);
        await writeAll(file, chunk);
        await breathe();
      }
      await writeAll(file, Buffer.from(`${JSON.stringify({ sha256: digest.digest("hex") })}\n`));
    });
    await putInPlace(temporary, path);
  } catch (error) {
    await removeIfThere(temporary).catch(() => {});
    throw error;
  }
}

/** The end of the names of files that are about to become a snapshot. */
const TEMPORARY = ".tmp";

/** Removes what writers of this snapshot have left that were killed. @throws {Error} of the operating system */
export async function removeLeftOvers(path: string): Promise<void> {
  const directory = dirname(path);
  for await (const { name } of Deno.readDir(directory)) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith(TEMPORARY)) continue;
    const file = join(directory, name);
    const { mtime } = await Deno.stat(file);
    if (mtime !== null && Date.now() - mtime.getTime() > LEFT_OVER_MS) await removeIfThere(file);
  }
}

/**
 * Reads a snapshot.
 *
 * @param origin what it must be of
 * @returns `undefined` when there is no file
 * @param signal ends the wait for a disk that does not answer
 * @throws {SnapshotError} when others may have written it, when it is damaged, of another format, or for another
 *   prefix
 */
export async function readSnapshot(
  path: string,
  { format, prefix }: SnapshotOrigin,
  signal?: AbortSignal,
): Promise<Snapshot | undefined> {
  let file: OwnFile;
  try {
    file = await withinTime(path, { timeoutMs: READ_TIMEOUT_MS, signal }, () => readOwnFile(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof SnapshotError) throw cause;
    throw new SnapshotError(`Cannot read the snapshot ${path}: ${(cause as Error).message}`, { cause });
  }
  const { bytes, othersMayRead } = file;
  const end = bytes.lastIndexOf(NEWLINE, bytes.length - 2) + 1;
  const trailer = parseLine(bytes.subarray(end)) as { sha256?: unknown } | undefined;
  if (trailer?.sha256 !== await digestOf(bytes.subarray(0, end))) {
    throw new SnapshotError(`Cannot use the snapshot ${path}: it is damaged or incomplete`);
  }
  const lines = linesOf(bytes.subarray(0, end));
  const head = parseLine(lines.next().value ?? Buffer.of()) as StoredHead | undefined;
  if (head?.format !== format || head.version !== VERSION) {
    throw new SnapshotError(
      `Cannot use the snapshot ${path}: its format is not version ${VERSION} of ${format}`,
    );
  }
  if (head.prefix !== prefix) {
    const origin = format === "cwm-etcd-snapshot" ? "the prefix" : "the files";
    throw new SnapshotError(
      `Cannot use the snapshot ${path}: it is of ${origin} '${head.prefix}', not '${prefix}'`,
    );
  }
  const keys: SnapshotKey[] = [];
  const pace = new Pace(signal);
  for (const line of lines) {
    await pace.keep();
    keys.push(parseLine(line) as SnapshotKey);
  }
  return { format, prefix, clusterId: head.cluster_id, revision: head.revision, keys, othersMayRead };
}

interface OwnFile {
  readonly bytes: Buffer;
  readonly othersMayRead: boolean;
}

/**
 * Reads a file that nobody but the gateway's user, and the system's administrator, can have written. What it says is
 * put into service as if etcd had said it.
 */
async function readOwnFile(path: string): Promise<OwnFile> {
  using file = await Deno.open(path);
  const { mode, uid, size } = await file.stat();
  const mine = Deno.uid();
  if (uid !== null && uid !== mine && uid !== 0) {
    throw new SnapshotError(
      `Cannot use the snapshot ${path}: it belongs to user ${uid}, not to the gateway's (${mine})`,
    );
  }
  if (mode !== null && (mode & MAY_BE_WRITTEN_BY_OTHERS) !== 0) {
    throw new SnapshotError(
      `Cannot use the snapshot ${path}: other users may write it (mode ${(mode & 0o777).toString(8)}), and ` +
        "what it says would be served: if you trust what it holds, change its mode to 600",
    );
  }
  const bytes = Buffer.alloc(size);
  for (let filled = 0; filled < size;) {
    const read = await file.read(bytes.subarray(filled));
    // It has become shorter: the digest says what that means.
    if (read === null) break;
    filled += read;
  }
  return { bytes, othersMayRead: mode !== null && (mode & MAY_BE_READ_BY_OTHERS) !== 0 };
}

interface StoredHead {
  readonly format: string;
  readonly version: number;
  readonly prefix: string;
  readonly cluster_id: string;
  readonly revision: number;
}

function* formatLines(
  { format, prefix, clusterId, revision }: SnapshotHead,
  keys: SnapshotKeys,
): Iterable<Buffer> {
  const head = {
    format,
    version: VERSION,
    prefix,
    cluster_id: clusterId,
    revision,
    keys: keys.length,
  };
  yield Buffer.from(`${JSON.stringify(head)}\n`);
  let lines = "";
  let count = 0;
  for (const key of keys) {
    lines += `${JSON.stringify(key)}\n`;
    if (++count % LINES_AT_A_TIME !== 0 && lines.length < CHARACTERS_AT_A_TIME) continue;
    yield Buffer.from(lines);
    lines = "";
  }
  if (lines !== "") yield Buffer.from(lines);
}

function* linesOf(bytes: Buffer): Generator<Buffer, undefined> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start);
    yield bytes.subarray(start, end);
    start = end + 1;
  }
  return undefined;
}

function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    // Whoever reads the value finds that it is not what was to be there.
    return undefined;
  }
}

async function digestOf(bytes: Buffer): Promise<string> {
  const digest: Hash = createHash("sha256");
  const pace = new Pace();
  for (let from = 0; from < bytes.length; from += DIGESTED_AT_A_TIME) {
    await pace.keep();
    digest.update(bytes.subarray(from, from + DIGESTED_AT_A_TIME));
  }
  return digest.digest("hex");
}
