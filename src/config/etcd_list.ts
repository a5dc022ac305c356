/**
 * Lists of all keys: every page is read at the revision of the first one, so that together they are one
 * state of etcd, however long the reading takes.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { IKeyValue } from "etcd3";
import { type EtcdConnection, type EtcdHeader, readHeader } from "./etcd_connection.ts";
import { keyAfter, type KeySpace } from "./etcd_keys.ts";

const FIRST_PAGE_KEYS = 500;

/** Options of {@linkcode listPages}. */
export interface ListOptions {
  /** Leaves the values out. */
  readonly keysOnly: boolean;
  /** Most keys of one page. A page is decoded in one go, so its size decides how long requests are held up. */
  readonly pageKeys: number;
  /** What a page should have in bytes; single values may be larger. */
  readonly pageBytes: number;
  /** How long one page may take, in milliseconds. */
  readonly pageTimeoutMs: number;
  /**
   * Names of keys, in order, that divide the range into parts of about one page. etcd counts the rest of
   * the range anew for every page, which with 250,000 keys takes more time than reading them.
   */
  readonly boundaries?: readonly string[];
}

/** A page of a list. */
export interface ListPage {
  readonly keys: readonly IKeyValue[];
  /** Of the whole list: the header of its first page. */
  readonly header: EtcdHeader;
}

/**
 * Reads all keys of the range at one revision.
 *
 * @throws {EtcdCallError} `out_of_range` when the revision is compacted meanwhile
 */
export async function* listPages(
  connection: EtcdConnection,
  keySpace: KeySpace,
  options: ListOptions,
): AsyncGenerator<ListPage> {
  const edges = [
    keySpace.start,
    ...(options.boundaries ?? []).map((name) => keySpace.keyOf(name)),
    keySpace.end,
  ];
  const size = new PageSize(options);
  let header: EtcdHeader | undefined;
  for (let part = 0; part + 1 < edges.length; part++) {
    let start: Buffer | undefined = edges[part]!;
    while (start !== undefined) {
      const { kvs, more, header: own } = await connection.range({
        key: start,
        range_end: edges[part + 1]!,
        limit: size.limit,
        keys_only: options.keysOnly,
        // The first page is read by consensus; this member then has what the others need.
        ...(header === undefined ? {} : { revision: header.revision, serializable: true }),
      }, Date.now() + options.pageTimeoutMs);
      header ??= readHeader(own);
      size.learn(kvs);
      yield { keys: kvs, header };
      const last: IKeyValue | undefined = kvs.at(-1);
      start = more && last !== undefined ? keyAfter(last.key) : undefined;
    }
  }
}

/** How many keys to ask for: small values make large pages, large values small ones. */
class PageSize {
  limit: number;

  constructor(private readonly options: ListOptions) {
    this.limit = Math.min(FIRST_PAGE_KEYS, options.pageKeys);
  }

  learn(kvs: readonly IKeyValue[]): void {
    if (kvs.length === 0) return;
    let bytes = 0;
    for (const { key, value } of kvs) bytes += key.length + value.length;
    const fitting = Math.floor(this.options.pageBytes / (bytes / kvs.length));
    // Values of another size may follow at any time: careful upwards, at once downwards.
    this.limit = Math.max(1, Math.min(fitting, this.limit * 4, this.options.pageKeys));
  }
}
