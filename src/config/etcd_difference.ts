import type { Buffer } from "node:buffer";
import type { IKeyValue } from "etcd3";
import { hashBytes } from "./etcd_hash.ts";
import type { EtcdMirror, KeyChange } from "./etcd_mirror.ts";
import { parseConfigKey } from "./keys.ts";

/** From so many keys on, a list that would remove more than half of them has to be confirmed. */
const GUARDED_KEYS = 20;

/** Whether a list removes so much that a mistake is more likely than a wish. */
export function isMassDelete(keys: number, removed: number): boolean {
  return keys >= GUARDED_KEYS && removed * 2 > keys;
}

/**
 * What has to change in the mirror to make it equal to a list. The pages of the list are compared one by
 * one; nothing is applied here.
 */
export class Difference {
  readonly pass: number;
  readonly #mirror: EtcdMirror;
  readonly #trustRevisions: boolean;
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

  /** Compares one page. */
  compare(page: readonly IKeyValue[]): void {
    const { keys, keySpace } = this.#mirror;
    for (const { key, value, mod_revision } of page) {
      const name = keySpace.nameOf(key);
      const revision = Number(mod_revision);
      const known = keys.get(name);
      if (known === undefined) {
        this.#add(name, revision, value);
        continue;
      }
      const hash = hashBytes(value);
      known.pass = this.pass;
      if (known.hash !== hash || (this.#trustRevisions && known.revision !== revision)) {
        this.#puts.push({ name, revision, value, hash });
      } else if (known.revision !== revision) {
        keys.set(name, { ...known, revision });
      }
    }
  }

  #add(name: string, revision: number, value: Buffer): void {
    const key = parseConfigKey(name);
    if (typeof key === "string") this.#mirror.foreignKeys.put(name, key, revision, this.pass);
    else this.#puts.push({ name, key, revision, value });
  }

  /** The new and changed keys so far; they are not returned again. */
  takePuts(): KeyChange[] {
    const puts = this.#puts;
    this.#puts = [];
    return puts;
  }

  /** Once all pages are compared: the keys that are gone. */
  deletes(revision: number): KeyChange[] {
    const deletes: KeyChange[] = [];
    for (const [name, { pass }] of this.#mirror.keys) {
      if (pass !== this.pass) deletes.push({ name, revision, value: undefined });
    }
    return deletes;
  }
}

/** Orders changes so that those of one revision stand together, oldest first. */
export function byRevision(left: KeyChange, right: KeyChange): number {
  return left.revision - right.revision;
}
