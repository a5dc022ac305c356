/**
 * The changes that make the mirror equal to a complete list.
 *
 * @module
 */

import type { EtcdMirror, KeyChange } from "../mirror/mirror.ts";
import type { EtcdKeyValue } from "../wire/fields.ts";
import { Boundaries } from "./pages.ts";
import { parseBackendKey } from "../../../event/names.ts";

/** Lists of at least this many keys are guarded: one that would remove more than half has to be confirmed. */
const GUARDED_KEYS = 20;

/** Whether a list removes so much that it is probably a mistake. */
export function isMassDelete(keys: number, removed: number): boolean {
  return keys >= GUARDED_KEYS && removed * 2 > keys;
}

/**
 * What has to change in the mirror to make it equal to a list. The keys of the list are compared in their
 * order, a few at a time; nothing is applied here.
 */
export class Difference {
  readonly pass: number;
  readonly #mirror: EtcdMirror;
  readonly #trustRevisions: boolean;
  readonly #boundaries = new Boundaries();
  #puts: KeyChange[] = [];

  /**
   * @param trustRevisions whether an equal mod_revision means an equal value. It does within one history;
   * after a restore or in another cluster only the value itself counts.
   */
  constructor(mirror: EtcdMirror, trustRevisions: boolean) {
    this.#mirror = mirror;
    this.#trustRevisions = trustRevisions;
    this.pass = mirror.beginPass();
    mirror.foreignKeys.beginPass();
  }

  /** Compares the next keys of the list. Nothing that is kept refers to their page. */
  compare(listedKeys: Iterable<EtcdKeyValue>): void {
    const { keys, keySpace } = this.#mirror;
    for (const listed of listedKeys) {
      const { revision } = listed;
      const name = listed.nameIn(keySpace);
      this.#boundaries.add(name);
      const slot = keys.find(name);
      if (slot === undefined) {
        this.#add(name, listed);
        continue;
      }
      keys.meet(slot, this.pass);
      const isMoved = keys.revisionAt(slot) !== revision;
      if (keys.hashAt(slot) !== listed.hashValue() || (this.#trustRevisions && isMoved)) {
        this.#puts.push({ name, revision, created: listed.created, value: listed.readValue() });
      } else if (isMoved) {
        keys.setRevision(slot, revision);
      }
    }
  }

  #add(name: string, listed: EtcdKeyValue): void {
    const { revision, created } = listed;
    const key = parseBackendKey(name);
    if (typeof key === "string") this.#mirror.foreignKeys.put(name, key, revision, this.pass);
    else this.#puts.push({ name, key, revision, created, value: listed.readValue() });
  }

  /** The new and changed keys so far; they are not returned again. */
  takePuts(): KeyChange[] {
    const puts = this.#puts;
    this.#puts = [];
    return puts;
  }

  /** The boundaries for the next list. */
  get boundaries(): readonly string[] {
    return this.#boundaries.names;
  }

  /** Once all keys are compared: the names of those that are gone. */
  deletes(): readonly string[] {
    return this.#mirror.keys.unmet(this.pass);
  }
}

/** Changes by their revisions. A hundred thousand are too many to be sorted in one turn: their revisions are. */
export class ByRevision {
  readonly #changes = new Map<number, KeyChange[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(change: KeyChange): void {
    const ofRevision = this.#changes.get(change.revision);
    if (ofRevision === undefined) this.#changes.set(change.revision, [change]);
    else ofRevision.push(change);
    this.#size++;
  }

  /** The changes of one revision after those of the other, oldest first. */
  *[Symbol.iterator](): Generator<readonly KeyChange[], void> {
    for (const revision of Float64Array.from(this.#changes.keys()).sort()) yield this.#changes.get(revision)!;
  }
}
