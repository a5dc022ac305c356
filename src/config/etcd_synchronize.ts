/**
 * Bringing the mirror to the state of a complete list.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { EtcdCallError, type EtcdConnection, type EtcdHeader } from "./etcd_connection.ts";
import { byRevision, Difference, isMassDelete } from "./etcd_difference.ts";
import { type ListOptions, listPages } from "./etcd_list.ts";
import type { EtcdMirror, KeyChange } from "./etcd_mirror.ts";
import { parseConfigKey } from "./keys.ts";
import { breathe, inSlices } from "./slices.ts";

/** While nothing is served yet, large pages load faster; later, requests must not wait for their decoding. */
const FIRST_PAGES = { pageKeys: 5_000, pageBytes: 2 * 1024 * 1024 } as const;
const PAGES = { pageKeys: 500, pageBytes: 256 * 1024 } as const;

/** A compaction may overtake a list; one that is overtaken this often hands over to the back-off. */
const MOST_STARTS = 3;

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
  await applyInSlices(mirror, [...puts.sort(byRevision), ...deletes], pass, signal);
  mirror.foreignKeys.endPass(pass, header.revision);
  mirror.position.replace(header);
  mirror.complete = true;
  return { header, put: list.streamed + puts.length, deleted: deletes.length };
}

interface Compared {
  readonly header: EtcdHeader;
  readonly pass: number;
  readonly puts: KeyChange[];
  readonly deletes: KeyChange[];
  /** How many changes were applied while the list went on. */
  readonly streamed: number;
}

async function compareAll(
  connection: EtcdConnection,
  mirror: EtcdMirror,
  options: ReplaceOptions,
): Promise<Compared> {
  return await restarting(async () => {
    const difference = new Difference(mirror, options.trustRevisions);
    const puts: KeyChange[] = [];
    let streamed = 0;
    let header: EtcdHeader | undefined;
    const pages = {
      ...(options.serving ? PAGES : FIRST_PAGES),
      keysOnly: false,
      boundaries: boundaries(mirror),
    };
    for await (const page of listPages(connection, mirror.keySpace, listOptions(pages, options))) {
      // Decoding the page took its time already.
      await breathe();
      options.signal.throwIfAborted();
      if (header === undefined) options.onHeader?.(page.header);
      header = page.header;
      difference.compare(page.keys);
      const changes = difference.takePuts();
      if (options.serving) {
        for (const change of changes) puts.push(change);
      } else {
        // Nobody sees a half of the first load, and nothing has to be kept until the end.
        await applyInSlices(mirror, changes, difference.pass, options.signal);
        streamed += changes.length;
      }
    }
    if (header === undefined) throw new Error("Cannot list etcd: the list has no page");
    return { header, pass: difference.pass, puts, deletes: difference.deletes(header.revision), streamed };
  });
}

/**
 * Looks for changes that the watch should have brought and has not, without reading any value.
 *
 * @returns how many keys differ from the mirror, also after the events that may have been under way
 * while the list was read have had `graceMs` to arrive
 */
export async function findMissedChanges(
  connection: EtcdConnection,
  mirror: EtcdMirror,
  options: SynchronizeOptions & { readonly graceMs: number },
): Promise<number> {
  const expected = await restarting(() => compareRevisions(connection, mirror, options));
  if (expected.size === 0) return 0;
  await sleep(options.graceMs, undefined, { signal: options.signal });
  let missed = 0;
  for (const [name, { listed, at }] of expected) {
    const known = mirror.keys.get(name)?.revision;
    // A key of the list must have caught up; one that the list lacks must be gone, or have come back since.
    const isMissed = listed ? known === undefined || known < at : known !== undefined && known <= at;
    if (isMissed) missed++;
  }
  return missed;
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
): Promise<Map<string, Expected>> {
  const pass = mirror.beginPass();
  const expected = new Map<string, Expected>();
  let listedAt = 0;
  const pages = { ...PAGES, keysOnly: true, boundaries: boundaries(mirror) };
  for await (const { keys, header } of listPages(connection, mirror.keySpace, listOptions(pages, options))) {
    await breathe();
    options.signal.throwIfAborted();
    listedAt = header.revision;
    for (const { key, mod_revision } of keys) {
      const name = mirror.keySpace.nameOf(key);
      const known = mirror.keys.get(name);
      if (known !== undefined) known.pass = pass;
      const at = Number(mod_revision);
      if (known === undefined ? typeof parseConfigKey(name) !== "string" : known.revision < at) {
        expected.set(name, { listed: true, at });
      }
    }
  }
  for (const [name, known] of mirror.keys) {
    const isGone = known.pass !== pass && known.revision <= listedAt && !expected.has(name);
    if (isGone) expected.set(name, { listed: false, at: listedAt });
  }
  return expected;
}

/** Reads again from the start when a compaction has overtaken the list. */
async function restarting<Result>(list: () => Promise<Result>): Promise<Result> {
  for (let start = 1;; start++) {
    try {
      return await list();
    } catch (error) {
      const isOvertaken = error instanceof EtcdCallError && error.failure === "out_of_range";
      if (!isOvertaken || start === MOST_STARTS) throw error;
    }
  }
}

function listOptions(
  pages: Omit<ListOptions, "pageTimeoutMs">,
  { pageTimeoutMs }: SynchronizeOptions,
): ListOptions {
  return { ...pages, pageTimeoutMs };
}

/** Every so-manieth key that is known, in order: they divide the range about evenly, wherever new keys are. */
function boundaries(mirror: EtcdMirror): string[] {
  const names: string[] = [];
  let index = 0;
  for (const name of mirror.keys.keys()) if (++index % PAGES.pageKeys === 0) names.push(name);
  return names.sort();
}

async function applyInSlices(
  mirror: EtcdMirror,
  changes: readonly KeyChange[],
  pass: number,
  signal: AbortSignal,
): Promise<void> {
  const apply = (slice: readonly KeyChange[]) => void mirror.apply(slice, pass);
  await inSlices(changes, apply, signal, (left, right) => {
    return left.revision === right.revision && left.value !== undefined && right.value !== undefined;
  });
}
