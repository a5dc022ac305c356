/**
 * What the two sides of a migration hold, and what is to be done to the target.
 *
 * @module
 */

import { type ConfigKey, describeKey } from "../event/names.ts";
import type { ConfigPut } from "../config/provider.ts";

/** Something that a person has to look at. Never holds a value: values may be secrets. */
export interface Finding {
  /** A key, a file or a name in it, safe to print. */
  readonly subject: string;
  /** Where in the value; empty for the value as a whole. */
  readonly path: string;
  readonly message: string;
}

/** One webhook or connection as a side holds it. */
export interface StoredValue {
  readonly key: ConfigKey;
  /** The parsed value, or why it cannot be parsed. */
  readonly value: ConfigPut["value"];
  /** The value's own text. Compact JSON, unless the value has a problem. */
  readonly text: string;
  /** etcd's mod_revision; a file has none for its values. */
  readonly revision?: string;
}

/** All webhooks of the namespace and all connections that a side holds. */
export interface Configuration {
  /** By etcd's key below the prefix, in the side's own order. */
  readonly values: ReadonlyMap<string, StoredValue>;
  /** Names that cannot be those of webhooks or connections. */
  readonly foreign: readonly Finding[];
  /** Remarks that stand where another side may have a webhook or a connection; named as in {@linkcode values}. */
  readonly remarks: ReadonlySet<string>;
}

/** What is to be done to one key of the target. */
export interface Change {
  readonly key: ConfigKey;
  /** The new value, compact JSON; `undefined` to remove the key. */
  readonly text: string | undefined;
  /** What stood there when the target was read; `undefined` when there was nothing. */
  readonly current: StoredValue | undefined;
}

/** The result of writing the changes. */
export interface WriteResult {
  readonly written: number;
  readonly removed: number;
  /** Left alone, since someone else has changed them after they were read. */
  readonly conflicts: readonly ConfigKey[];
}

/** Which part a store has in the migration. */
export type StoreRole = "source" | "target";

/** A place that holds configuration: the files, or etcd. */
export interface ConfigStore extends AsyncDisposable {
  /** What it is, with its paths or addresses. */
  readonly description: string;
  /**
   * Reads everything.
   *
   * @throws {MigrationError} when it cannot be read
   */
  read(role: StoreRole): Promise<Configuration>;
  /** Why a value cannot stand here, if so. */
  refuse(value: StoredValue): string | undefined;
  /** Another namespace with webhooks, which use the same connections, if there is one. */
  findOtherNamespace(): Promise<string | undefined>;
  /**
   * Makes the changes in the given order, as far as nobody else has touched the same keys since the last
   * {@linkcode read}.
   *
   * @param onProgress gets the number of changes done so far
   * @throws {MigrationError} when it breaks off: what was written stays, and a second run does the rest
   */
  write(changes: readonly Change[], onProgress: (done: number) => void): Promise<WriteResult>;
}

/** Why a migration cannot go on. The message is for the operator. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";

  constructor(
    readonly code: "unreadable" | "unwritable" | "interrupted" | "conflict",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The finding of a key. */
export function findingOf(key: ConfigKey, path: string, message: string): Finding {
  return { subject: describeKey(key), path, message };
}
