/**
 * What this process has applied of etcd's state, and the way every change takes from there to the sink.
 * Values are not kept, only what tells whether they have changed.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { IEvent } from "etcd3";
import { ForeignKeys } from "./etcd_foreign_keys.ts";
import { hashBytes } from "./etcd_hash.ts";
import type { KeySpace } from "./etcd_keys.ts";
import { Position } from "./etcd_position.ts";
import { SessionEnd } from "./etcd_session_end.ts";
import { parseConfigValue } from "./json_value.ts";
import { type ConfigKey, parseConfigKey } from "./keys.ts";
import type { ConfigChange, ConfigPut, ConfigSink } from "./provider.ts";

/** What is remembered of one key. Replaced as a whole when the key changes. */
export interface MirroredKey {
  /** etcd's mod_revision. */
  readonly revision: number;
  /** {@linkcode hashBytes} of the value. */
  readonly hash: number;
  /** The value's text, or `null` when it is not UTF-8; `undefined` when texts are not kept. */
  readonly text: string | null | undefined;
  /** The last list that has met the key; 0 when none has. */
  pass: number;
}

/** One key's change, as a watch reports it or as the difference between two lists implies it. */
export interface KeyChange {
  readonly name: string;
  /** The parsed name, where it was parsed already. */
  readonly key?: ConfigKey;
  /** When the key was changed, or by which revision it was gone. */
  readonly revision: number;
  /** The new value; `undefined` when the key was deleted. */
  readonly value: Buffer | undefined;
  /** Hash of the new value, where it is known already. */
  readonly hash?: number;
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
  /** By name. */
  readonly keys = new Map<string, MirroredKey>();
  /** Whether every key stands where {@linkcode position} says: not before the first list, nor half way through one. */
  complete = false;
  /** Changes with every change of a key. */
  generation = 0;
  readonly #sink: ConfigSink;
  readonly #keepTexts: boolean;
  #passes = 0;

  constructor({ sink, keySpace, keepTexts }: EtcdMirrorOptions) {
    this.#sink = sink;
    this.keySpace = keySpace;
    this.#keepTexts = keepTexts;
    this.foreignKeys = new ForeignKeys(sink, keySpace);
  }

  /** The number of a new list. */
  beginPass(): number {
    return ++this.#passes;
  }

  /**
   * Applies all events of one revision in one step, and moves the position.
   *
   * @returns how many changes the sink was given; 0 when the revision had been applied before
   */
  applyRevision(revision: number, events: readonly IEvent[]): number {
    if (!this.position.isNew(revision)) return 0;
    const applied = this.apply(events.map(({ type, kv }) => ({
      name: this.keySpace.nameOf(kv.key),
      revision,
      value: type === "Put" ? kv.value : undefined,
    })));
    this.position.advance(revision);
    return applied;
  }

  /**
   * Applies some changes in one step, wherever they come from.
   *
   * @returns how many of them the sink was given: foreign keys and repeated deletions are not its business
   */
  apply(changes: readonly KeyChange[], pass = 0): number {
    const reported: ConfigChange[] = [];
    const updates: [name: string, key: MirroredKey | undefined][] = [];
    for (const { name, revision, value, hash, key = parseConfigKey(name) } of changes) {
      if (typeof key === "string") {
        this.#applyForeign(name, key, revision, value === undefined, pass);
      } else if (value !== undefined) {
        const read = readValue(value);
        const text = this.#keepTexts ? read.text : undefined;
        updates.push([name, {
          revision,
          hash: hash ?? hashBytes(value),
          text,
          pass: pass === 0 ? this.keys.get(name)?.pass ?? 0 : pass,
        }]);
        reported.push({ key, value: read.value, revision: String(revision) });
      } else if (this.keys.has(name)) {
        updates.push([name, undefined]);
        reported.push({ key, revision: String(revision), deleted: true });
      }
    }
    // The sink first: should it throw, the same changes come again.
    if (reported.length > 0) this.#report(reported);
    for (const [name, key] of updates) {
      if (key === undefined) this.keys.delete(name);
      else this.keys.set(name, key);
    }
    if (updates.length > 0) this.generation++;
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

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a value; what is not UTF-8 has no text. */
export function readValue(bytes: Buffer): { value: ConfigPut["value"]; text: string | null } {
  const text = bytes.toString();
  // The fast decoder replaces what it cannot read by U+FFFD, which may also have been written on purpose.
  if (text.includes("\ufffd")) {
    try {
      strictUtf8.decode(bytes);
    } catch {
      const problem = {
        code: "invalid_json",
        path: "",
        message: "The value is not valid UTF-8 text",
      } as const;
      return { value: { problem }, text: null };
    }
  }
  return { value: parseConfigValue(text), text };
}
