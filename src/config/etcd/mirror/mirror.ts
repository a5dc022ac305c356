/**
 * What this process has applied of etcd's state, and the way every change takes from there to the sink.
 * Values are not kept, only what shows whether they have changed.
 *
 * @module
 */

import { ForeignKeys } from "./foreign_keys.ts";
import { KeyTable } from "./key_table.ts";
import type { KeySpace } from "../wire/key_space.ts";
import { Position } from "./position.ts";
import { SessionEnd } from "../session_end.ts";
import { type EtcdValue, parseEtcdValue } from "../wire/value.ts";
import type { WatchEvent } from "../wire/watch_message.ts";
import { type ConfigKey, parseConfigKey } from "../../../event/names.ts";
import type { ConfigChange, ConfigSink } from "../../provider.ts";

/** One key's change, as a watch reports it or as the difference between two lists implies it. */
export interface KeyChange {
  readonly name: string;
  /** The parsed name, where it was parsed already. */
  readonly key?: ConfigKey;
  /** When the key was changed, or by which revision it was gone. */
  readonly revision: number;
  /** When the key was made; left out where that is not known. */
  readonly created?: number;
  /** The new value; `undefined` when the key was deleted. */
  readonly value: EtcdValue | undefined;
}

/** Options of {@linkcode EtcdMirror}. */
export interface EtcdMirrorOptions {
  readonly sink: ConfigSink;
  readonly keySpace: KeySpace;
  /** Whether the texts of all values are kept, for the snapshot file. */
  readonly keepTexts: boolean;
}

/** The applied state: position and keys. */
export class EtcdMirror {
  readonly keySpace: KeySpace;
  readonly position = new Position();
  readonly foreignKeys: ForeignKeys;
  readonly keys: KeyTable;
  /** Names of keys, in order, that divide the range into parts of about equal size. */
  boundaries: readonly string[] = [];
  /** Whether every key stands where {@linkcode position} says: not before the first list, nor half way through one or through a revision. */
  complete = false;
  /** Changes with every change of a key. */
  generation = 0;
  #isWithinRevision = false;
  readonly #sink: ConfigSink;
  #passes = 0;

  constructor({ sink, keySpace, keepTexts }: EtcdMirrorOptions) {
    this.#sink = sink;
    this.keySpace = keySpace;
    this.keys = new KeyTable(keepTexts);
    this.foreignKeys = new ForeignKeys(sink, keySpace);
  }

  /** The number of a new list. */
  beginPass(): number {
    return ++this.#passes;
  }

  /**
   * Applies events of one revision in one step, and moves the position with the last ones.
   *
   * @param isLast whether no more of this revision follow
   * @returns how many changes the sink was given; 0 when the revision had been applied before
   */
  applyRevision(revision: number, events: readonly WatchEvent[], isLast = true): number {
    if (!this.position.isNew(revision)) return 0;
    const applied = this.apply(events.map(({ isDelete, keyValue }) => ({
      name: keyValue.nameIn(this.keySpace),
      revision,
      created: keyValue.created,
      value: isDelete ? undefined : keyValue.readValue(),
    })));
    if (isLast) {
      this.position.advance(revision);
      if (this.#isWithinRevision) this.complete = true;
      this.#isWithinRevision = false;
    } else if (this.complete) {
      this.#isWithinRevision = true;
      this.complete = false;
    }
    return applied;
  }

  /**
   * Applies some changes in one step, wherever they come from.
   *
   * @returns how many of them the sink was given: foreign keys and repeated deletions are not its business
   */
  apply(changes: readonly KeyChange[], pass = 0): number {
    const reported: ConfigChange[] = [];
    const applied: KeyChange[] = [];
    for (const change of changes) {
      const { name, revision, created, value, key = parseConfigKey(name) } = change;
      if (typeof key === "string") {
        this.#applyForeign(name, key, revision, value === undefined, pass);
        continue;
      }
      if (value === undefined && !this.keys.has(name)) continue;
      applied.push(change);
      reported.push(
        value === undefined ? { key, revision: String(revision), deleted: true } : {
          key,
          value: parseEtcdValue(value),
          revision: String(revision),
          ...(created === undefined ? {} : { created }),
        },
      );
    }
    if (reported.length === 0) return 0;
    // The sink first: should it throw, the same changes come again.
    this.#report(reported);
    for (const { name, revision, created = 0, value } of applied) {
      if (value === undefined) this.keys.delete(name);
      else this.keys.set(name, { revision, created, hash: value.hash, text: value.text }, pass);
    }
    this.generation++;
    return reported.length;
  }

  #report(changes: readonly ConfigChange[]): void {
    try {
      this.#sink.apply(changes);
    } catch (cause) {
      throw new SessionEnd("apply_failed", `A change could not be applied: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  #applyForeign(name: string, reason: string, revision: number, deleted: boolean, pass: number): void {
    if (deleted) this.foreignKeys.delete(name, revision);
    else this.foreignKeys.put(name, reason, revision, pass);
  }
}
