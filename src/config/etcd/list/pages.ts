/**
 * Lists of all keys: every page is read at the revision of the first one, so that together they are one
 * state of etcd, however long the reading takes.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { EtcdConnection } from "../wire/connection.ts";
import type { EtcdHeader } from "../wire/fields.ts";
import { keyAfter, type KeySpace } from "../wire/key_space.ts";
import type { EtcdPage } from "../wire/page.ts";

const FIRST_PAGE_KEYS = 500;

/** Options of {@linkcode listPages}. */
export interface ListOptions {
  /** Leaves the values out. */
  readonly keysOnly: boolean;
  /** Most keys of one page. */
  readonly pageKeys: number;
  /** What a page should have in bytes; single values may be larger. */
  readonly pageBytes: number;
  /** How long one page may take, in milliseconds. */
  readonly pageTimeoutMs: number;
  /**
   * Names of keys, in order, that divide the range into parts of about one page, such as {@linkcode Boundaries}
   * of the last list. etcd counts the rest of the range again for every page, which with 250,000 keys takes
   * more time than reading them.
   */
  readonly boundaries?: readonly string[];
}

/** How far boundaries stand apart, in keys. */
const KEYS_BETWEEN_BOUNDARIES = 500;

/** Remembers every {@linkcode KEYS_BETWEEN_BOUNDARIES}th key of a list. */
export class Boundaries {
  readonly names: string[] = [];
  #keys = 0;

  /** @param name of the next key, in order */
  add(name: string): void {
    if (++this.#keys % KEYS_BETWEEN_BOUNDARIES === 0) this.names.push(name);
  }
}

/** Every {@linkcode KEYS_BETWEEN_BOUNDARIES}th of some names. */
export function boundariesOf(names: readonly string[]): readonly string[] {
  const boundaries = new Boundaries();
  for (const name of names) boundaries.add(name);
  return boundaries.names;
}

/** A page of a list. */
export interface ListPage {
  /** Disposed of as soon as the next one is asked for. */
  readonly page: EtcdPage;
  /** The header of the whole list, which is that of its first page. */
  readonly header: EtcdHeader;
}

/**
 * Reads all keys of the range at one revision. While a page is being used, etcd already prepares the next one.
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
  const request = (start: Buffer, end: Buffer): Promise<EtcdPage> => {
    const page = connection.range({
      key: start,
      range_end: end,
      limit: size.limit,
      keys_only: options.keysOnly,
      // The first page is read by consensus; this member then has what the others need.
      ...(header === undefined ? {} : { revision: header.revision, serializable: true }),
    }, Date.now() + options.pageTimeoutMs);
    // It may fail while the page before is in use, or when nobody wants it any more.
    page.catch(() => {});
    return page;
  };
  let part = 1;
  let next: Promise<EtcdPage> | undefined = request(edges[0]!, edges[part]!);
  while (next !== undefined) {
    using page: EtcdPage = await next;
    header ??= page.header;
    size.learn(page);
    const last: Buffer | undefined = page.last?.key;
    const start: Buffer | undefined = page.more && last !== undefined ? keyAfter(last) : edges[part++];
    const end: Buffer | undefined = edges[part];
    next = start === undefined || end === undefined ? undefined : request(start, end);
    yield { page, header };
  }
}

/** How many keys to ask for: small values make large pages, large values small ones. */
class PageSize {
  limit: number;

  constructor(private readonly options: ListOptions) {
    this.limit = Math.min(FIRST_PAGE_KEYS, options.pageKeys);
  }

  learn({ size, byteLength }: EtcdPage): void {
    if (size === 0) return;
    const fitting = Math.floor(this.options.pageBytes / (byteLength / size));
    // Values of another size may follow at any time: careful upwards, at once downwards.
    this.limit = Math.max(1, Math.min(fitting, this.limit * 4, this.options.pageKeys));
  }
}
