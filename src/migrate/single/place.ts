/**
 * Where one webhook or connection is read and written by itself: a key in etcd, or a member of a file.
 *
 * @module
 */

import type { ConfigKey } from "../../event/names.ts";
import type { ConfigPut } from "../../config/provider.ts";

/** What stands at a key. */
export interface StoredText {
  /** As it is written, with its white space. */
  readonly text: string;
  /** etcd's mod_revision, or a file's fingerprint. */
  readonly revision: string;
}

/** What stood at a key once. */
export interface FormerText {
  /** A number that `--to` takes: etcd's revision, or the number of a file's version. */
  readonly revision: number;
  /** `undefined` where the key was deleted, or did not exist yet. */
  readonly text: string | undefined;
  /** When a file got its next text, in milliseconds since 1970; etcd does not know. */
  readonly until?: number;
}

/** What is known of the past of a key. */
export interface KeyHistory {
  /** From the oldest to the newest, of which the last one stands there now. */
  readonly versions: readonly FormerText[];
  /** How far back it goes, as a sentence. */
  readonly reach: string;
}

/** The result of a write. */
export type Written =
  /** What it is called from now on: `revision 17`. */
  | { readonly done: string }
  /** Somebody else was faster; what stands there now. Nothing was written. */
  | { readonly conflict: StoredText | undefined };

/** A webhook or connection beside the one that is changed. */
export interface OtherValue {
  readonly key: ConfigKey;
  readonly value: ConfigPut["value"];
}

/** A place of one webhook or connection. */
export interface KeyPlace extends AsyncDisposable {
  /** Where it is, for people. */
  readonly description: string;
  /** @throws {MigrationError} `unreadable` */
  read(): Promise<StoredText | undefined>;
  /**
   * The value that is served when the text stands here: the same, but for files that are merged.
   *
   * @param text `undefined` for none
   * @throws {MigrationError} `unreadable`
   */
  valueOf(text: string | undefined): Promise<ConfigPut["value"] | undefined>;
  /**
   * All connections, which a webhook may name.
   *
   * @returns `undefined` where the user may not read them
   * @throws {MigrationError} `unreadable`
   */
  connections(): Promise<readonly OtherValue[] | undefined>;
  /**
   * The policy of namespaces that stands beside it, if there is one.
   *
   * @returns `denied` where the user may not read it
   * @throws {MigrationError} `unreadable`
   */
  policy(): Promise<ConfigPut["value"] | "denied" | undefined>;
  /** Why a text cannot stand here, if so. */
  refuse(text: string): string | undefined;
  /**
   * Writes, unless something else stands here by now than was read.
   *
   * @param text `undefined` to remove the key
   * @param seen what was read
   * @throws {MigrationError} `unwritable` or `interrupted`
   */
  write(text: string | undefined, seen: StoredText | undefined): Promise<Written>;
  /** @throws {MigrationError} `unreadable` */
  history(): Promise<KeyHistory>;
}
