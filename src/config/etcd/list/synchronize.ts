/**
 * Bringing the mirror to the state of a complete list.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { EtcdCallError, type EtcdConnection } from "../wire/connection.ts";
import { ByRevision, Difference, isMassDelete } from "./difference.ts";
import type { EtcdHeader } from "../wire/fields.ts";
import { type ListOptions, listPages } from "./pages.ts";
import type { EtcdMirror } from "../mirror/mirror.ts";
import type { EtcdPage } from "../wire/page.ts";
import { parseBackendKey, POLICY_KEY } from "../../../event/names.ts";
import { breathe, Pace } from "../../../time/pace.ts";

/** While nothing is served yet, large pages load faster; later, requests must not wait for their decoding. */
const FIRST_PAGES = { pageKeys: 5_000, pageBytes: 2 * 1024 * 1024 } as const;
const PAGES = { pageKeys: 500, pageBytes: 256 * 1024 } as const;

/** How many keys of a first load are read and applied at a time. */
const STREAMED_KEYS = 100;

/** A compaction may overtake a list; one that is overtaken this often hands over to the back-off. */
const MAX_STARTS = 3;

/** Options of {@linkcode synchronize} and {@linkcode findMissedChanges}. */
export interface SynchronizeOptions {
  readonly signal: AbortSignal;
  /** How long one page may take, in milliseconds. */
  readonly pageTimeoutMs: number;
}

/** Options of {@linkcode synchronize}. */
export interface ReplaceOptions extends SynchronizeOptions {
  /** Whether equal revisions mean equal values; see {@linkcode Difference}. */
  readonly trustRevisions: boolean;
  /** Whether requests are being served from the mirror's state. */
  readonly serving: boolean;
  /** Called with the header of the list before anything is applied; may throw to stop it. */
  readonly onHeader?: (header: EtcdHeader) => void;
  /** How long after a list that removes most keys a second one has to confirm it, in milliseconds. */
  readonly confirmAfterMs: number;
  /** Called when such a list is held back. */
  readonly onMassDelete: (keys: number, removed: number) => void;
}

/** What a list has changed. */
export interface Synchronized {
  readonly header: EtcdHeader;
  readonly put: number;
  readonly deleted: number;
}

/**
 * Lists everything and applies the difference. Changes of one revision are applied in one step, in the
 * order of revisions, deletions last: a renamed key is never missing under both names.
 *
 * @throws {EtcdCallError}
 */
export async function synchronize(
  connection: EtcdConnection,
  mirror: EtcdMirror,
  options: ReplaceOptions,
): Promise<Synchronized> {
  const { signal } = options;
  const keys = mirror.keys.size;
  let list = await compareAll(connection, mirror, options);
  if (isMassDelete(keys, list.deletes.length)) {
    options.onMassDelete(keys, list.deletes.length);
    await sleep(options.confirmAfterMs, undefined, { signal });
    list = await compareAll(connection, mirror, options);
  }
  const { header, pass, puts, deletes } = list;
  mirror.complete = false;
  await applyAtPace(mirror, list, signal);
  mirror.foreignKeys.endPass(pass, header.revision);
  mirror.position.replace(header);
  mirror.boundaries = list.boundaries;
  mirror.complete = true;
  return { header, put: list.streamed + puts.size, deleted: deletes.length };
}

interface Compared {
  readonly header: EtcdHeader;
  readonly pass: number;
  readonly puts: ByRevision;
  /** The names of the keys that are gone. */
  readonly deletes: readonly string[];
  /** How many changes were applied while the list went on. */
  readonly streamed: number;
  /** For the next list. */
  readonly boundaries: readonly string[];
}

async function compareAll(
  connection: EtcdConnection,
  mirror: EtcdMirror,
  options: ReplaceOptions,
): Promise<Compared> {
  const { serving, signal } = options;
  return await restarting(async () => {
    const difference = new Difference(mirror, options.trustRevisions);
    const puts = new ByRevision();
    let streamed = 0;
    let header: EtcdHeader | undefined;
    const sizes = serving ? PAGES : FIRST_PAGES;
    if (!serving) streamed += await streamPolicy(connection, difference, mirror, options);
    for await (const listed of listPages(connection, mirror.keySpace, listOptions(sizes, mirror, options))) {
      await breathe();
      signal.throwIfAborted();
      if (header === undefined) options.onHeader?.(listed.header);
      header = listed.header;
      if (serving) {
        difference.compare(listed.page.keys());
        for (const change of difference.takePuts()) puts.add(change);
      } else {
        streamed += await stream(listed.page, difference, mirror, signal);
      }
    }
    if (header === undefined) throw new Error("Cannot list etcd: the list has no page");
    const { pass, boundaries } = difference;
    return { header, pass, puts, deletes: difference.deletes(), streamed, boundaries };
  });
}

/**
 * Applies the policy before what it is about. The list meets it again at its own revision, which may be a later one;
 * while something is served already, changes come by their revisions, the policy's among them.
 *
 * @returns as {@linkcode stream}
 */
async function streamPolicy(
  connection: EtcdConnection,
  difference: Difference,
  mirror: EtcdMirror,
  { pageTimeoutMs, signal }: SynchronizeOptions,
): Promise<number> {
  const key = mirror.keySpace.keyOf(POLICY_KEY);
  using page = await connection.range({ key }, Date.now() + pageTimeoutMs);
  return await stream(page, difference, mirror, signal);
}

/**
 * Applies what is new in a page at once, a few keys at a time: nobody sees a half of the first load, and
 * nothing has to be kept until the end.
 *
 * @returns how many keys were new or changed
 */
async function stream(
  page: EtcdPage,
  difference: Difference,
  mirror: EtcdMirror,
  signal: AbortSignal,
): Promise<number> {
  const pace = new Pace(signal);
  let streamed = 0;
  for (let from = 0; from < page.size; from += STREAMED_KEYS) {
    await pace.keep();
    difference.compare(page.keys(from, from + STREAMED_KEYS));
    const puts = difference.takePuts();
    mirror.apply(puts, difference.pass);
    streamed += puts.length;
  }
  return streamed;
}

/** What a comparison with etcd has found. */
export interface Comparison {
  /**
   * How many keys differ from the mirror, also after the events that may have been under way while the list
   * was read have had `graceMs` to arrive.
   */
  readonly missed: number;
  /** The revision that was compared with. */
  readonly revision: number;
  /** How long etcd took for the list, in milliseconds. */
  readonly listMs: number;
}

/**
 * Looks for changes that the watch should have brought and has not, without reading any value.
 *
 * @throws {EtcdCallError}
 */
export async function findMissedChanges(
  connection: EtcdConnection,
  mirror: EtcdMirror,
  options: SynchronizeOptions & { readonly graceMs: number },
): Promise<Comparison> {
  const begun = performance.now();
  const { expected, revision } = await restarting(() => compareRevisions(connection, mirror, options));
  const listMs = performance.now() - begun;
  if (expected.size === 0) return { missed: 0, revision, listMs };
  await sleep(options.graceMs, undefined, { signal: options.signal });
  const pace = new Pace(options.signal);
  let missed = 0;
  for (const [name, { listed, at }] of expected) {
    await pace.keep();
    const slot = mirror.keys.find(name);
    const known = slot === undefined ? undefined : mirror.keys.revisionAt(slot);
    // A key of the list must have caught up; one that the list lacks must be gone, or have come back since.
    const isMissed = listed ? known === undefined || known < at : known !== undefined && known <= at;
    if (isMissed) missed++;
  }
  return { missed, revision, listMs };
}

interface Expected {
  /** Whether the list has the key; it must be at least as new as `at` then. */
  readonly listed: boolean;
  readonly at: number;
}

async function compareRevisions(
  connection: EtcdConnection,
  mirror: EtcdMirror,
  options: SynchronizeOptions,
): Promise<{ readonly expected: ReadonlyMap<string, Expected>; readonly revision: number }> {
  const pass = mirror.beginPass();
  const expected = new Map<string, Expected>();
  let listedAt = 0;
  const listing = listOptions(PAGES, mirror, options, true);
  const pace = new Pace(options.signal);
  for await (const { page, header } of listPages(connection, mirror.keySpace, listing)) {
    await breathe();
    options.signal.throwIfAborted();
    listedAt = header.revision;
    for (const listed of page.keys()) {
      const name = listed.nameIn(mirror.keySpace);
      const slot = mirror.keys.find(name);
      if (slot !== undefined) mirror.keys.meet(slot, pass);
      const at = listed.revision;
      const isMissing = slot === undefined
        ? typeof parseBackendKey(name) !== "string"
        : mirror.keys.revisionAt(slot) < at;
      if (isMissing) expected.set(name, { listed: true, at });
    }
  }
  for (const name of mirror.keys.unmet(pass)) {
    await pace.keep();
    const slot = mirror.keys.find(name);
    const revision = slot === undefined ? Infinity : mirror.keys.revisionAt(slot);
    const isGone = revision <= listedAt && !expected.has(name);
    if (isGone) expected.set(name, { listed: false, at: listedAt });
  }
  return { expected, revision: listedAt };
}

/** Reads again from the start when a compaction has overtaken the list. */
async function restarting<Result>(list: () => Promise<Result>): Promise<Result> {
  for (let start = 1;; start++) {
    try {
      return await list();
    } catch (error) {
      const isOvertaken = error instanceof EtcdCallError && error.failure === "out_of_range";
      if (!isOvertaken || start === MAX_STARTS) throw error;
    }
  }
}

function listOptions(
  sizes: Pick<ListOptions, "pageKeys" | "pageBytes">,
  { boundaries }: EtcdMirror,
  { pageTimeoutMs }: SynchronizeOptions,
  keysOnly = false,
): ListOptions {
  return { ...sizes, keysOnly, boundaries, pageTimeoutMs };
}

/** Applies changes while requests are served: those of one revision in one step, deletions one by one. */
async function applyAtPace(
  mirror: EtcdMirror,
  { header: { revision }, pass, puts, deletes }: Compared,
  signal: AbortSignal,
): Promise<void> {
  const pace = new Pace(signal);
  for (const ofRevision of puts) {
    await pace.keep();
    mirror.apply(ofRevision, pass);
  }
  for (const name of deletes) {
    await pace.keep();
    mirror.apply([{ name, revision, value: undefined }], pass);
  }
}
