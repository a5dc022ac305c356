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
import { type BackendKey, parseBackendKey } from "../../../event/names.ts";
import type { ConfigChange, ConfigPut, ConfigSink, Standing } from "../../provider.ts";
import { LastGood, type StoredValues } from "../../snapshot/last_good.ts";
import type { SnapshotSource } from "../../snapshot/writer.ts";
import { parseConfigValue } from "../../values/json_value.ts";

/** One key's change, as a watch reports it or as the difference between two lists implies it. */
export interface KeyChange {
  readonly name: string;
  /** The parsed name, where it was parsed already. */
  readonly key?: BackendKey;
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
  /** What a snapshot has of keys that etcd has not given yet. */
  stored: StoredValues | undefined;
  readonly #lastGood: LastGood | undefined;
  #isWithinRevision = false;
  readonly #sink: ConfigSink;
  #passes = 0;

  constructor({ sink, keySpace, keepTexts }: EtcdMirrorOptions) {
    this.#sink = sink;
    this.keySpace = keySpace;
    this.keys = new KeyTable(keepTexts);
    this.#lastGood = keepTexts ? new LastGood() : undefined;
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
      const { name, revision, created, value, key = parseBackendKey(name) } = change;
      if (typeof key === "string") {
        this.#applyForeign(name, key, revision, value === undefined, pass);
        continue;
      }
      if (value === undefined && !this.keys.has(name)) continue;
      applied.push(change);
      if (value === undefined) {
        reported.push({ key, revision: String(revision), deleted: true });
        continue;
      }
      const origin = created === undefined ? {} : { created };
      const former = this.#formerOf(name, key, value, origin);
      if (former !== undefined) reported.push(former);
      reported.push({ key, value: parseEtcdValue(value), revision: String(revision), ...origin });
    }
    if (applied.length === 0) return 0;
    // The sink first: should it throw, the same changes come again.
    this.#report(reported);
    for (const { name, revision, created = 0, value } of applied) {
      if (value === undefined) {
        this.keys.delete(name);
        this.#lastGood?.forget(name);
      } else this.keys.set(name, { revision, created, hash: value.hash, text: value.text }, pass);
    }
    this.generation++;
    return applied.length;
  }

  /**
   * Takes note of the value that a new one is about to take the place of. Returns it where it is not in service yet: a
   * snapshot has it.
   */
  #formerOf(
    name: string,
    key: BackendKey,
    value: EtcdValue,
    origin: Pick<ConfigPut, "created">,
  ): ConfigPut | undefined {
    if (this.#lastGood === undefined) return undefined;
    const stored = this.stored?.before(name, value.text);
    if (stored !== undefined) {
      const [revision, text] = stored;
      this.#lastGood.supersede(name, stored, "served");
      return { key, value: parseConfigValue(text), revision: String(revision), isFormer: true, ...origin };
    }
    const known = this.keys.valueOf(name);
    if (known === undefined) return undefined;
    const [revision, text] = known;
    const former = text === null ? undefined : [revision, text] as const;
    this.#lastGood.supersede(name, former, this.#sink.standing?.(key) ?? "served");
    return undefined;
  }

  #standingOf(name: string): Standing {
    const key = parseBackendKey(name);
    return typeof key === "string" ? "nothing" : this.#sink.standing?.(key) ?? "served";
  }

  /** What a snapshot of the state is made from. */
  get snapshotSource(): SnapshotSource {
    const generationNow = () =>
      this.complete && this.position.clusterId !== undefined ? this.generation : undefined;
    return {
      // Never a state that etcd did not have, and never one that this process has only read from the file.
      get generation() {
        return generationNow();
      },
      copy: () => {
        this.#lastGood?.settle((name) => this.#standingOf(name));
        const { clusterId = "", revision } = this.position;
        return {
          head: { format: "cwm-etcd-snapshot", prefix: this.keySpace.prefix, clusterId, revision },
          keys: this.keys.copy(this.#lastGood?.copy()),
        };
      },
    };
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
